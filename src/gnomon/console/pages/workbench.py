"""The first screen: what waits for me, and the state of the three things that my team cares for."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from gnomon.console import waiting, words
from gnomon.console.pages.access import key_state
from gnomon.console.pages.clauses import coverage
from gnomon.console.reader import Reader, ReaderDep
from gnomon.contract.verdicts import State
from gnomon.control.access import queries as access
from gnomon.control.approvals import queries as approvals
from gnomon.control.audit import queries as audit
from gnomon.control.deployments import queries as deployments
from gnomon.control.evidence import queries as evidence
from gnomon.control.findings import queries as findings
from gnomon.control.monitoring import queries as monitoring
from gnomon.control.people import queries as people
from gnomon.control.remediation import queries as remediation
from gnomon.control.rulebook import queries as rulebook
from gnomon.control.rulebook.queries import Board
from gnomon.kit import i18n

router = APIRouter(include_in_schema=False)
SHOWN: Final = 8  # clauses, cases or entries in a panel
DAY: Final = timedelta(days=1)
_CHAIN: Final = "audit.chain_verified"


class Tile(NamedTuple):
    """One of the three: `tone` and `word` say how it stands, `under` what the value is measured against."""

    label: str
    value: str
    under: str
    tone: str
    word: str
    href: str


@router.get("/")
def workbench(reader: ReaderDep) -> HTMLResponse:
    """Differs by team: each lands on what it answers for."""
    board = rulebook.board(reader.session, reader.now, book=reader.book)
    screen = SCREENS.get(reader.actor.team, SCREENS["management"])
    return reader.page(
        "workbench.html",
        waiting=waiting.for_me(reader),
        tiles=[make(reader, board) for make in screen.tiles],
        panels=[panel for panel, right in screen.panels if not right or reader.may(right)],
        coverage=coverage(reader, board),
        worst=_worst(reader, board),
        jobs=waiting.failed_jobs(reader),
        cases=_cases(reader),
        denied=_denied(reader) if reader.may("audit.view") else [],
        at=reader.now,
    )


# ---------------------------------------------------------------- the three things


def _service(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    standings = monitoring.overview(reader.session, reader.book, reader.now)
    states = [one.state for model in standings for one in model.objectives]
    met, missed = states.count(State.MET), states.count(State.NOT_MET)
    tone, word = ("bad", _("有目标未达标")) if missed else ("ok", _("全部达标"))
    if not missed and met < len(states):
        tone, word = "warn", _("部分没有测量值")
    if not states:
        tone, word = "idle", _("还没有登记模型")
    value = f"{met}/{len(states)}" if states else i18n.NOT_MEASURED
    return Tile(_("服务目标"), value, _("%(n)s 个模型", n=len(standings)), tone, word, "/slo")


def _live(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    every = deployments.deployments(reader.session)
    live = sum(one.state == "live" for one in every)
    broken = sum(one.state in ("test_failed", "install_failed") for one in every)
    tone, word = (
        ("bad", _("%(n)s 个失败", n=broken)) if broken else ("ok", _("正常")) if live else ("idle", _("未上线"))
    )
    return Tile(_("在线部署"), str(live), _("共 %(n)s 个部署", n=len(every)), tone, word, "/deployments")


def _work(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    failed = len(waiting.failed_jobs(reader))
    tone, word = ("bad", _("需要处理")) if failed else ("ok", _("正常"))
    return Tile(_("失败的作业"), str(failed), _("近 3 天"), tone, word, "#jobs")


def _clauses(reader: Reader, board: Board) -> Tile:
    _ = reader.context.gettext
    met, bad = board.counts["met"], board.counts["not_met"]
    tone, word = ("ok", _("全部达标")) if met == board.total else ("warn", _("证据不全"))
    if bad:
        tone, word = "bad", _("%(n)s 条未达标", n=bad)
    return Tile(_("条款达标"), f"{met}/{board.total}", _("按有效证据判定"), tone, word, "/clauses")


def _open_cases(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    every = remediation.cases(reader.session)
    running = sum(one.state != "closed" for one in every)
    today = reader.now.astimezone(reader.zone).date()
    late = len(remediation.overdue(reader.session, today=today))
    tone, word = ("bad", _("%(n)s 项任务逾期", n=late)) if late else ("ok", _("没有逾期"))
    return Tile(_("在办整改单"), str(running), _("已销号 %(n)s", n=len(every) - running), tone, word, "/cases")


def _open_findings(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    tally = findings.tally(reader.session)
    loose = tally.get("open", 0)
    tone, word = ("warn", _("%(n)s 个未分派", n=loose)) if loose else ("ok", _("全部已分派"))
    unsettled = loose + tally.get("in_case", 0)
    return Tile(_("未决问题"), str(unsettled), _("累计 %(n)s", n=sum(tally.values())), tone, word, "/findings")


def _asked(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    every = approvals.all_requests(reader.session, state="pending")
    pending = [one for one in every if one.lapses_at > reader.now]
    mine = sum(one.author_id == reader.actor.id for one in pending)
    tone, word = ("info", _("等待意见")) if pending else ("ok", _("没有积压"))
    return Tile(_("待审批"), str(len(pending)), _("我提交的 %(n)s", n=mine), tone, word, "/approvals?view=all")


def _banned(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    active = [one for one in access.bans(reader.session, active_at=reader.now) if one.grade == "ban"]
    loose = sum(not one.confirmed_by for one in active)
    tone, word = ("warn", _("%(n)s 项待确认", n=loose)) if loose else ("ok", _("均已确认"))
    return Tile(_("生效的封禁"), str(len(active)), _("网关自动与人工"), tone, word, "/bans")


def _chain(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    proof = evidence.newest(reader.session, [_CHAIN]).get(_CHAIN)
    tone, word = words.said(words.CONTROL, proof.state if proof else "not_measured", reader.context)
    total = str(audit.count(reader.session))
    return Tile(_("审计记录"), total, _("%(n)s 条未入链", n=audit.unsealed(reader.session)), tone, word, "/audit")


def _proofs(reader: Reader, board: Board) -> Tile:
    _ = reader.context.gettext
    controls = [held for one in board.clauses for held in one.controls]
    old = sum(held.state.state.value == "expired" for held in controls)
    tone, word = ("warn", _("%(n)s 项措施证据过期", n=old)) if old else ("ok", _("没有过期"))
    return Tile(_("证据"), str(evidence.count(reader.session)), _("只增不改"), tone, word, "/clauses")


def _refused(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    n = audit.count(reader.session, outcome="denied", since=reader.now - DAY)
    tone, word = ("info", _("可逐条查看")) if n else ("ok", _("没有"))
    return Tile(_("被拒绝的操作"), str(n), _("近 24 小时"), tone, word, "/audit?outcome=denied")


def _staff(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    everybody = people.people(reader.session)
    held = {post for one in everybody if one.active for post in one.posts}
    vacant = sum(post.id not in held for post in reader.book.matrix.posts)
    tone, word = ("warn", _("%(n)s 个岗位空缺", n=vacant)) if vacant else ("ok", _("岗位齐全"))
    able = sum(one.active and bool(one.password_hash) for one in everybody)
    return Tile(_("可登录人员"), str(able), _("共 %(n)s 人", n=len(everybody)), tone, word, "/admin/users")


def _keys(reader: Reader, _board: Board) -> Tile:
    _ = reader.context.gettext
    states = [key_state(reader, one) for one in access.keys(reader.session)]
    ending = states.count("ending")
    tone, word = ("warn", _("%(n)s 把即将到期", n=ending)) if ending else ("ok", _("没有即将到期的"))
    alive = str(ending + states.count("active"))
    return Tile(_("有效密钥"), alive, _("共签发 %(n)s 把", n=len(states)), tone, word, "/access")


class Screen(NamedTuple):
    """Three tiles, and the panels below with the right that each needs."""

    tiles: tuple[Callable[[Reader, Board], Tile], ...]
    panels: tuple[tuple[str, str], ...]


SCREENS: Final[Mapping[str, Screen]] = {
    "technical": Screen((_service, _live, _work), (("jobs", ""), ("cases", "case.view"), ("worst", ""))),
    "business": Screen((_asked, _open_cases, _service), (("cases", "case.view"), ("worst", ""))),
    "risk": Screen((_clauses, _open_findings, _banned), (("worst", ""), ("coverage", ""), ("cases", "case.view"))),
    "audit": Screen((_chain, _proofs, _clauses), (("denied", "audit.view"), ("coverage", ""), ("worst", ""))),
    "management": Screen((_clauses, _open_cases, _open_findings), (("coverage", ""), ("cases", "case.view"))),
    "admin": Screen((_staff, _keys, _refused), (("jobs", ""), ("denied", "audit.view"))),
}


# ---------------------------------------------------------------- panels


def _worst(reader: Reader, board: Board) -> list[tuple[str, str, str, str, str]]:
    """The clauses that are not met, then those whose evidence ran out."""
    order = ["not_met", "expired", "partial"]
    found = [one for one in board.clauses if one.state.state.value in order]
    found.sort(key=lambda one: order.index(one.state.state.value))
    lines = []
    for one in found[:SHOWN]:
        tone, word = words.said(words.CLAUSE, one.state.state.value, reader.context)
        title = f"{one.clause.id} {reader.say(one.clause.title)}"
        lines.append((tone, word, title, f"/clauses/{one.clause.id}", ""))
    return lines


def _cases(reader: Reader) -> list[tuple[str, str, str, str, str]]:
    if not reader.may("case.view"):
        return []
    running = [one for one in remediation.cases(reader.session) if one.state != "closed"]
    return [
        (*words.said(words.CASE, one.state, reader.context), f"{one.number} {one.title}", f"/cases/{one.id}", one.model)
        for one in running[:SHOWN]
    ]


def _denied(reader: Reader) -> list[dict[str, object]]:
    found = audit.search(reader.session, outcome="denied", limit=SHOWN)
    return [
        {
            "at": entry.at,
            "tone": "warn",
            "who": entry.actor_name,
            "what": reader.permission(entry.permission),
            "url": f"/audit/{entry.id}",
        }
        for entry, _seal in found
    ]
