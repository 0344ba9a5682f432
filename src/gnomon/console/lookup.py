"""One search over the registers: what a person typed, in every register that the person may see."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from gnomon.console.reader import Reader
from gnomon.control.access import queries as access
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import queries as deployments
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evidence.tables import Artefact
from gnomon.control.findings import queries as findings
from gnomon.control.people import queries as people
from gnomon.control.privacy import queries as privacy
from gnomon.control.remediation import queries as remediation
from gnomon.kit.i18n import mark

SHORTEST: Final = 2  # characters; one Chinese character alone finds half of everything
MOST: Final = 20  # of one register


@dataclass(frozen=True, slots=True)
class Hit:
    """One record: what it is called, its number or id, and its page."""

    title: str
    code: str
    url: str


@dataclass(frozen=True, slots=True)
class Found:
    """The hits in one register; `total` counts those that are not shown too."""

    register: str
    hits: tuple[Hit, ...]
    total: int


Source = Callable[[Reader], Iterable[Hit]]


def look_up(reader: Reader, text: str) -> list[Found]:
    """What holds every word of `text` in title, number or id, register by register; [] for less than SHORTEST."""
    wanted = text.casefold().split()
    if len("".join(wanted)) < SHORTEST:
        return []
    found = []
    for word, right, source in _REGISTERS:
        if not reader.may(right):
            continue
        hits = [hit for hit in source(reader) if all(one in f"{hit.code} {hit.title}".casefold() for one in wanted)]
        if hits:
            found.append(Found(reader.context.gettext(word), tuple(hits[:MOST]), len(hits)))
    return found + _by_id(reader, text.strip())


def _by_id(reader: Reader, id: str) -> list[Found]:
    """Evidence is found by its whole id only: there is too much of it to be searched by words."""
    if not reader.may("evidence.view") or reader.session.get(Artefact, id) is None:
        return []
    return [Found(reader.context.gettext("证据"), (Hit(id, id, f"/evidence/{id}"),), 1)]


def _clauses(reader: Reader) -> Iterator[Hit]:
    for one in reader.book.clauses:
        yield Hit(reader.say(one.title), one.id, f"/clauses/{one.id}")


def _findings(reader: Reader) -> Iterator[Hit]:
    for one in reversed(findings.findings(reader.session)):
        yield Hit(one.title, one.number, f"/findings/{one.id}")


def _cases(reader: Reader) -> Iterator[Hit]:
    for one in reversed(remediation.cases(reader.session)):
        yield Hit(one.title, one.number, f"/cases/{one.id}")


def _deployments(reader: Reader) -> Iterator[Hit]:
    for one in reversed(deployments.deployments(reader.session)):
        yield Hit(f"{one.title} {one.model}", one.number, f"/deployments/{one.id}")


def _approvals(reader: Reader) -> Iterator[Hit]:
    for one in approvals.all_requests(reader.session):
        yield Hit(one.title, one.id, f"/approvals/{one.id}")


def _models(reader: Reader) -> Iterator[Hit]:
    for one in catalog.models(reader.session):
        yield Hit(one.title, one.name, f"/models/{quote(one.name)}")


def _datasets(reader: Reader) -> Iterator[Hit]:
    for one in catalog.datasets(reader.session):
        yield Hit(one.name, one.id, f"/datasets/{one.id}")


def _suites(reader: Reader) -> Iterator[Hit]:
    for one in evaluation.suites(reader.session):
        yield Hit(one.name, one.id, f"/suites/{one.id}")


def _policies(reader: Reader) -> Iterator[Hit]:
    for one in privacy.newest(reader.session):
        yield Hit(f"{one.id} {one.version}", one.id, f"/privacy/policies/{quote(one.id)}")


def _bans(reader: Reader) -> Iterator[Hit]:
    for one in access.bans(reader.session):
        yield Hit(one.value, one.id, f"/bans/{one.id}")


def _people(reader: Reader) -> Iterator[Hit]:
    for one in people.people(reader.session):
        yield Hit(one.name, one.login, f"/admin/users?q={quote(one.login)}")


_REGISTERS: Final[tuple[tuple[str, str, Source], ...]] = (
    (mark("制度条款"), "clause.view", _clauses),
    (mark("整改单"), "case.view", _cases),
    (mark("问题台账"), "finding.view", _findings),
    (mark("审批"), "approval.view", _approvals),
    (mark("部署"), "deployment.view", _deployments),
    (mark("模型"), "model.view", _models),
    (mark("数据集"), "dataset.view", _datasets),
    (mark("评测集"), "suite.view", _suites),
    (mark("脱敏策略"), "mask_policy.view", _policies),
    (mark("封禁"), "ban.view", _bans),
    (mark("人员"), "person.view", _people),
)
