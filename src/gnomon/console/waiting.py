"""What waits for one person now, the most pressing first: every line says what it is and leads to where it is done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import select

from gnomon.console import words
from gnomon.console.deeds import BAN_REASONS
from gnomon.console.reader import Reader
from gnomon.control.access import queries as access
from gnomon.control.approvals import queries as approvals
from gnomon.control.findings import queries as findings
from gnomon.control.monitoring import queries as monitoring
from gnomon.control.remediation import queries as remediation
from gnomon.kit import i18n
from gnomon.kit.outbox import JobRow

RECENT: Final = timedelta(days=14)  # a returned request older than this is no news
FAILED_FOR: Final = timedelta(days=3)  # a failed job older than this was seen or done again
MOST: Final = 20  # lines of one kind; the page of that kind shows all


class Waiting(NamedTuple):
    """A line of the workbench."""

    tone: str
    word: str
    text: str
    url: str
    aside: str


def for_me(reader: Reader) -> list[Waiting]:
    """Everything that this person can do something about."""
    return [one for find in _FINDERS for one in find(reader)]


def failed_jobs(reader: Reader) -> list[JobRow]:
    """Jobs that failed lately, the newest first."""
    query = select(JobRow).where(JobRow.state == "failed", JobRow.created_at > reader.now - FAILED_FOR)
    return list(reader.session.scalars(query.order_by(JobRow.created_at.desc()).limit(MOST)))


def _alerts(reader: Reader) -> list[Waiting]:
    if not reader.may("alert.acknowledge"):
        return []
    _ = reader.context.gettext
    return [
        Waiting(
            "bad" if one.severity == "page" else "warn",
            _("告警"),
            _("%(what)s：%(rule)s", what=one.model or one.host, rule=one.rule),
            "/alerts",
            _moment(reader, one.opened_at),
        )
        for one in monitoring.open_alerts(reader.session)
        if not one.acknowledged_by
    ]


def _approvals(reader: Reader) -> list[Waiting]:
    if not reader.may("approval.decide"):
        return []
    _ = reader.context.gettext
    return [
        Waiting(
            "info",
            _("待审批"),
            one.title,
            f"/approvals/{one.id}",
            _("有效至 %(at)s", at=_moment(reader, one.lapses_at)),
        )
        for one in approvals.waiting_for(reader.session, reader.actor, reader.now)
    ]


def _returned(reader: Reader) -> list[Waiting]:
    """My requests that were returned, unless I asked again since."""
    newest = {}
    for one in reversed(approvals.all_requests(reader.session)):
        newest[(one.kind, one.subject_id)] = one
    return [
        Waiting(
            "bad",
            reader.context.gettext("被退回"),
            one.title,
            f"/approvals/{one.id}",
            _moment(reader, one.decided_at or one.created_at),
        )
        for one in newest.values()
        if one.author_id == reader.actor.id and one.state == "rejected" and one.created_at > reader.now - RECENT
    ]


def _tasks(reader: Reader) -> list[Waiting]:
    _ = reader.context.gettext
    today = reader.now.astimezone(reader.zone).date()
    return [
        Waiting(
            "bad",
            _("逾期"),
            one.title,
            f"/cases/{one.case_id}",
            _("应于 %(day)s 完成", day=i18n.day(one.end, reader.context.locale)),
        )
        for one in remediation.overdue(reader.session, today=today)
        if one.owner_id == reader.actor.id
    ]


def _cases(reader: Reader) -> list[Waiting]:
    if not reader.may("case.view"):
        return []
    return [
        Waiting(
            "info",
            reader.context.gettext("我负责"),
            f"{one.number} {one.title}",
            f"/cases/{one.id}",
            words.said(words.CASE, one.state, reader.context)[1],
        )
        for one in remediation.cases(reader.session)
        if one.owner_id == reader.actor.id and one.state != "closed"
    ]


def _findings(reader: Reader) -> list[Waiting]:
    if not reader.may("finding.triage"):
        return []
    tones = {"critical": "bad", "high": "bad", "medium": "warn"}
    return [
        Waiting(
            tones.get(one.severity, "idle"),
            reader.context.gettext("待分派"),
            f"{one.number} {one.title}",
            f"/findings/{one.id}",
            _moment(reader, one.raised_at),
        )
        for one in findings.findings(reader.session, state="open")[:MOST]
    ]


def _bans(reader: Reader) -> list[Waiting]:
    if not reader.may("ban.confirm"):
        return []
    _ = reader.context.gettext
    return [
        Waiting(
            "warn",
            _("待确认"),
            _("封禁：%(reason)s", reason=_(BAN_REASONS.get(one.reason, one.reason))),
            f"/bans/{one.id}",
            _("至 %(at)s", at=_moment(reader, one.until)),
        )
        for one in access.unconfirmed(reader.session, reader.now)
    ]


def _appeals(reader: Reader) -> list[Waiting]:
    if not reader.may("ban.decide"):
        return []
    return [
        Waiting(
            "warn",
            reader.context.gettext("待决定"),
            reader.context.gettext("申诉：%(words)s", words=one.text),
            f"/bans/{one.ban_id}",
            _moment(reader, one.at),
        )
        for one in access.appeals(reader.session)
        if one.decided_at is None
    ]


def _jobs(reader: Reader) -> list[Waiting]:
    if reader.actor.team != "technical":
        return []
    _ = reader.context.gettext
    return [
        Waiting("bad", _("作业失败"), f"{one.name} {one.error}".strip()[:160], "#jobs", _moment(reader, one.created_at))
        for one in failed_jobs(reader)
    ]


def _moment(reader: Reader, at: object) -> str:
    return i18n.moment(at, reader.context.locale, zone=reader.zone)  # type: ignore[arg-type]


_FINDERS: Final[tuple[Callable[[Reader], list[Waiting]], ...]] = (
    *(_alerts, _approvals, _returned, _tasks, _bans, _appeals, _findings, _jobs, _cases),
)
