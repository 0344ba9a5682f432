"""Evaluation sets hold personal data too. Of a sealed one a look is counted, as any other."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy.orm import Session

from gnomon.control.catalog.fingerprints import fingerprint
from gnomon.control.evaluation import queries, vault
from gnomon.control.evaluation.actions.suites import features, open_suite
from gnomon.control.evaluation.tables import Suite
from gnomon.control.privacy.subjects.holders import Erasure, Item, Place, hold
from gnomon.control.privacy.subjects.persons import Wanted, strings
from gnomon.engine.sealing import content_hash
from gnomon.kit.work import Work


class Suites:
    name = "suites"
    title: Final = {"zh-CN": "评测集", "en": "Evaluation sets"}
    keeps_scans = True

    def items(self, session: Session) -> Iterator[Item]:
        """The index holds tokens only, and is no look at what is asked; nobody gets to read a row."""
        for one in queries.suites(session):
            yield Item(one.id, one.blob_sha256, lambda one=one: ("\n".join(strings(row)) for row in _rows(one)))  # type: ignore[misc]

    def told(self, session: Session, refs: Iterable[str], who: Wanted) -> Iterator[Place]:
        """Of a sealed set only that something stands there: a copy of its rows would be a look."""
        for ref in refs:
            one = queries.suite(session, ref)
            said: dict[str, Any] = {"name": one.name, "sealed": one.sealed}
            rows = [row for row in _rows(one) if any(who.shown(text) for text in strings(row))]
            told = len(rows) if one.sealed else [who.only_theirs(row) for row in rows]
            yield Place(ref, said | {"rows": told})

    def erase(self, work: Work, refs: Iterable[str], who: Wanted) -> Erasure:
        """The set has other content from then on: results of before are about another set, and say so by its digest."""
        done = Erasure()
        for ref in refs:
            one = queries.suite(work.session, ref)
            rows = open_suite(work, ref, by=f"erasure:{ref}:{one.blob_sha256[:12]}", purpose="erasing a person's data")
            redacted = [who.redacted_value(row) for row in rows]
            count = sum(hits for _, hits in redacted)
            if not count:
                continue
            before = one.blob_sha256
            _put(one, [row for row, _ in redacted])
            done.places += 1
            done.identifiers += count
            done.objects.append({"ref": ref, "before": before, "after": one.blob_sha256})
            done.gone.append(before)
        work.session.flush()
        return done


def _rows(one: Suite) -> list[dict[str, Any]]:
    return vault.rows_of(one.blob_sha256, one.wrapped_key, suite_id=one.id)


def _put(one: Suite, rows: list[dict[str, Any]]) -> None:
    one.sha256 = content_hash(rows)
    one.features = features(rows)
    one.text_hashes = sorted(fingerprint(row["text"]) for row in rows)
    one.blob_sha256, one.wrapped_key = vault.store(rows, sealed=one.sealed, suite_id=one.id)


hold(Suites())
