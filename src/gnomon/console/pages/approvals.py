"""What waits for whose word: the list, one request with exactly what is asked, and the vote."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from gnomon.console import facts, faults, words
from gnomon.console.lists import Row, exported, listed, stamp
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.approvals import actions, queries, rules
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.evidence import queries as evidence
from gnomon.control.remediation import queries as remediation
from gnomon.kit import i18n
from gnomon.kit.canonical import digest
from gnomon.kit.errors import GnomonError
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
COMMENT_MIN, COMMENT_MAX = 2, 1000  # characters; the upper end is the API's
_VIEWS = ("mine", "asked", "all")
_PAGES = {
    "requirements_report": "/deployments/{id}",
    "deployment_plan": "/deployments/{id}",
    "release": "/releases/{id}",
    "closure": "/cases/{id}",
    "person_erasure": "/privacy/subjects/{id}",
}


@router.get("/approvals", dependencies=[allow("approval.view")])
def approvals(reader: ReaderDep) -> Response:
    """Requests that wait for me, that I asked for, or all."""
    view = reader.view
    shown = view.get("view") if view.get("view") in _VIEWS else "mine"
    sets = _sets(reader)
    columns, write = _columns(reader), _writer(reader)
    state, kind = view.get("state"), view.get("kind")
    rows = [_row(reader, one) for one in sets[shown]]
    rows = [row for row in rows if (not state or row["key"] == state) and (not kind or row["kind_id"] == kind)]
    found = listed(view, columns, rows, sort="-at", write=write)
    if view.get("export"):
        name = f"approvals-{stamp(reader.now.astimezone(reader.zone))}"
        return exported(view, columns, found.all_rows, name=name, write=write)
    return reader.page(
        "approvals.html",
        shown=shown,
        counts={name: len(some) for name, some in sets.items()},
        columns=columns,
        found=found,
        states=words.options(words.APPROVAL, reader.context),
        kinds=[(one.kind, reader.say(one.title)) for one in reader.book.quorums],
    )


@router.get("/approvals/{id}", dependencies=[allow("approval.view")])
def approval(id: str, reader: ReaderDep) -> HTMLResponse:
    return _detail(reader, id)


@router.post("/approvals/{id}/vote", dependencies=[allow("approval.decide")])
def vote(
    id: str,
    work: WorkDep,
    reader: ReaderDep,
    decision: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """The vote is cast, or the page again with the dialog open and what is wrong with it."""
    _ = reader.context.gettext
    approve = decision == "approve"
    if not COMMENT_MIN <= len(reason.strip()) <= COMMENT_MAX:
        wrong = _("填写 %(least)s 到 %(most)s 个字的意见", least=COMMENT_MIN, most=COMMENT_MAX)
        return _detail(reader, id, wrong=wrong, typed=reason, dialog="approve" if approve else "return", status=400)
    decided = actions.vote(work, id, approve=approve, comment=reason.strip())
    told = _("已批准，审批完成") if decided.state == "approved" else _("已记录你的同意，等待其他席位")
    return see_other(f"/approvals/{id}", notice=("ok", told) if approve else ("warn", _("已退回")))


def waiting(reader: Reader) -> list[ApprovalRequest]:
    """What this person can decide now."""
    if not reader.may("approval.decide"):
        return []
    return queries.waiting_for(reader.session, reader.actor, reader.now)


def kind_title(reader: Reader, kind: str) -> str:
    return next((reader.say(one.title) for one in reader.book.quorums if one.kind == kind), kind)


def state_of(reader: Reader, request: ApprovalRequest) -> str:
    """The request's state; a pending one whose time is over has lapsed."""
    lapsed = request.state == "pending" and request.lapses_at <= reader.now
    return "lapsed" if lapsed else request.state


# ---------------------------------------------------------------- the list


def _sets(reader: Reader) -> dict[str, list[ApprovalRequest]]:
    every = queries.all_requests(reader.session)
    mine = {one.id for one in waiting(reader)}
    return {
        "mine": [one for one in every if one.id in mine],
        "asked": [one for one in every if one.author_id == reader.actor.id],
        "all": every,
    }


def _columns(reader: Reader) -> list[Column]:
    _ = reader.context.gettext
    return [
        Column("title", _("事项"), wrap=True),
        Column("kind", _("种类")),
        Column("state", _("状态")),
        Column("missing", _("还差谁"), wrap=True, sort=False),
        Column("author", _("提交人")),
        Column("at", _("提交时间")),
        Column("lapses", _("有效至")),
        Column("sha256", _("内容哈希"), sort=False, hidden=True),
    ]


def _row(reader: Reader, request: ApprovalRequest) -> dict[str, Any]:
    key = state_of(reader, request)
    missing = queries.standing(reader.session, request).missing if key == "pending" else []
    return {
        "id": request.id,
        "title": request.title,
        "kind_id": request.kind,
        "kind": kind_title(reader, request.kind),
        "key": key,
        "state": words.said(words.APPROVAL, key, reader.context),
        "missing": reader.context.gettext("；").join(_seat(reader, seat) for seat in missing) or i18n.NOT_MEASURED,
        "author": reader.name(request.author_id),
        "at": request.created_at,
        "lapses": request.lapses_at,
        "sha256": request.content_sha256,
    }


def _writer(reader: Reader) -> Any:
    def write(row: Row, column: Column) -> str:
        if column.key in ("at", "lapses"):
            return i18n.moment(row[column.key], reader.context.locale, zone=reader.zone)
        return str(row["state"][1] if column.key == "state" else row[column.key])

    return write


def _seat(reader: Reader, posts: list[str]) -> str:
    return reader.context.gettext(" 或 ").join(reader.post(post) for post in posts)


# ---------------------------------------------------------------- one request


def _detail(
    reader: Reader, id: str, *, wrong: str = "", typed: str = "", dialog: str = "", status: int = 200
) -> HTMLResponse:
    request = queries.request(reader.session, id)
    standing = queries.standing(reader.session, request)
    about = evidence.about(reader.session, request.kind, request.subject_id) if reader.may("evidence.view") else []
    return reader.page(
        "approval.html",
        status=status,
        asked=request,
        kind=kind_title(reader, request.kind),
        state=words.said(words.APPROVAL, state_of(reader, request), reader.context),
        content=facts.tree(reader, request.content),
        intact=digest(request.content) == request.content_sha256,
        seats=_steps(reader, standing),
        missing=[_seat(reader, seat) for seat in standing.missing] if request.state == "pending" else [],
        votes=[_said(reader, vote) for vote in standing.votes],
        author=reader.name(request.author_id),
        refused=_refused(reader, request),
        subject=_subject(reader, request),
        proofs=[one for one in about if one.facts.get("request") == request.id],
        wrong=wrong,
        typed=typed,
        dialog=dialog,
        comment_max=COMMENT_MAX,
    )


def _subject(reader: Reader, request: ApprovalRequest) -> str:
    """The page of what is decided; empty when it has none."""
    if request.kind == "mask_policy_change":
        return f"/privacy/proposals/{request.id}"  # beside the one in force, with what it changes
    if request.kind == "remediation_plan":
        return f"/cases/{remediation.round_by_id(reader.session, request.subject_id).case_id}"
    return _PAGES.get(request.kind, "").format(id=request.subject_id)


def _refused(reader: Reader, request: ApprovalRequest) -> str:
    """Why this person cannot vote on it now; empty when they can."""
    _ = reader.context.gettext
    state = state_of(reader, request)
    if state != "pending":
        return _("这项审批%(state)s，不能再表决", state=words.said(words.APPROVAL, state, reader.context)[1])
    if not reader.may("approval.decide"):
        return reader.refusal("approval.decide")
    quorum, cast = queries.quorum(request), queries.ballots(reader.session, request.id)
    actor = reader.actor
    try:
        rules.require_vote(quorum, cast, person_id=actor.id, posts=actor.posts, person=actor.name)
    except (rules.OwnRequest, rules.AlreadyVoted) as error:
        return faults.in_words(reader.context, error).message
    except GnomonError:
        wanted = _("；").join(_seat(reader, sorted(seat)) for seat in rules.missing(quorum, cast))
        return _("等待的是%(posts)s的意见", posts=wanted)
    return ""


def _steps(reader: Reader, standing: queries.Standing) -> list[tuple[str, str, str]]:
    """Each seat with whether it is filled."""
    left = [list(seat) for seat in standing.missing]
    ended = standing.request.state in ("rejected", "void")
    steps = []
    for seat in standing.request.quorum["seats"]:
        if seat in left:
            left.remove(seat)
            word = reader.context.gettext("已中止") if ended else reader.context.gettext("等待意见")
            steps.append((_seat(reader, seat), "stopped" if ended else "todo", word))
        else:
            steps.append((_seat(reader, seat), "done", reader.context.gettext("已同意")))
    return steps


def _said(reader: Reader, vote: Any) -> dict[str, Any]:
    _ = reader.context.gettext
    return {
        "at": vote.at,
        "tone": "ok" if vote.approve else "bad",
        "who": _("%(name)s（%(posts)s）", name=reader.name(vote.person_id), posts=reader.posts(vote.posts)),
        "what": _("同意") if vote.approve else _("退回"),
        "more": vote.comment,
        "url": "",
    }
