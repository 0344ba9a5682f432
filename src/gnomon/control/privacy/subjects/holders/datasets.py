"""Data sets of the catalogue: a person is taken out of the rows, and the set has another digest from then on."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy.orm import Session

from gnomon.control.catalog import queries as catalog
from gnomon.control.catalog.rules import rows_as_bytes
from gnomon.control.catalog.tables import DatasetVersion
from gnomon.control.privacy.subjects.holders.base import Erasure, Item, Place
from gnomon.control.privacy.subjects.persons import Wanted, strings
from gnomon.kit import services
from gnomon.kit.errors import NotFound
from gnomon.kit.work import Work


class Datasets:
    name = "datasets"
    title: Final = {"zh-CN": "数据集", "en": "Data sets"}
    keeps_scans = True

    def items(self, session: Session) -> Iterator[Item]:
        for one in catalog.datasets(session):
            yield Item(one.id, one.sha256, lambda one=one: _texts(one))  # type: ignore[misc]

    def told(self, session: Session, refs: Iterable[str], who: Wanted) -> Iterator[Place]:
        for ref in refs:
            one = catalog.dataset(session, ref)
            rows = [row for row in _rows(one) if any(who.shown(text) for text in strings(row))]
            told = [who.only_theirs(row) for row in rows]
            yield Place(ref, {"name": one.name, "label": one.label, "purpose": one.purpose, "rows": told})

    def erase(self, work: Work, refs: Iterable[str], who: Wanted) -> Erasure:
        done = Erasure()
        for ref in refs:
            one = catalog.dataset(work.session, ref)
            redacted = [who.redacted_value(row) for row in _rows(one)]
            count = sum(hits for _, hits in redacted)
            if not count:
                continue
            before, one.sha256 = one.sha256, services.blobs().put(rows_as_bytes([row for row, _ in redacted]))
            done.places += 1
            done.identifiers += count
            done.objects.append({"ref": ref, "before": before, "after": one.sha256})
            done.gone.append(before)
        work.session.flush()
        return done


def _rows(one: DatasetVersion) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in services.blobs().get(one.sha256).splitlines()]
    except NotFound:  # it went away with a disk; what is not there says nothing
        return []


def _texts(one: DatasetVersion) -> Iterator[str]:
    for row in _rows(one):
        yield "\n".join(strings(row))
