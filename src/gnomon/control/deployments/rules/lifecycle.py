"""The life of a deployment and of a release. There is one way to live traffic, and it leads past people and tests.

WrongState       409  the verb does not fit the state
ApprovalMissing  403  what would be carried out is not what was approved
NotTested        409  no passed functional test of exactly this content
WatchOpen        409  the canary's watch is not over, or saw too little
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gnomon.kit.errors import Conflict, NotReady

# verb: {state before: state after}
DEPLOYMENT: Mapping[str, Mapping[str, str]] = {
    "edit": dict.fromkeys(
        ("draft", "submitted", "approved", "rejected", "install_failed", "initialised", "test_failed", "tested"),
        "draft",
    ),
    "submit": {"draft": "submitted", "rejected": "submitted"},
    "approve": {"submitted": "approved"},
    "reject": {"submitted": "rejected"},
    "start": {"submitted": "installing", "approved": "installing", "install_failed": "installing"},
    "initialise": {"installing": "initialised"},
    "fail_install": {"installing": "install_failed"},
    "test": {"initialised": "testing", "test_failed": "testing", "tested": "testing"},
    "pass_test": {"testing": "tested"},
    "fail_test": {"testing": "test_failed"},
    "go_live": {"tested": "live"},
    "retire": dict.fromkeys(
        (
            "draft",
            "submitted",
            "approved",
            "rejected",
            "install_failed",
            "initialised",
            "test_failed",
            "tested",
            "live",
        ),
        "retired",
    ),
}
RELEASE: Mapping[str, Mapping[str, str]] = {
    "approve": {"requested": "approved"},
    "reject": {"requested": "rejected"},
    "start_canary": {"requested": "canary", "approved": "canary"},
    "retreat": {"canary": "retreated"},
    "abort": {"requested": "aborted", "approved": "aborted", "canary": "aborted"},
    "promote": {"canary": "full"},
    "roll_back": {"full": "rolled_back"},
    "roll_forward": {"rolled_back": "full"},
}
EDITABLE = frozenset(DEPLOYMENT["edit"])
SERVING = frozenset({"installing", "initialised", "testing", "tested", "test_failed", "live"})
CARRIED_OUT = frozenset({"start", "test", "go_live"})  # verbs that need the approval of exactly this content
SWITCHES = frozenset({"start_canary", "promote", "roll_forward"})


class WrongState(Conflict):
    code = "wrong_state"


class ApprovalMissing(NotReady):
    code = "not_approved"
    status = 403


class NotTested(NotReady):
    code = "not_tested"
    status = 409


class WatchOpen(NotReady):
    code = "watch_not_over"
    status = 409


@dataclass(frozen=True, slots=True)
class Standing:
    """`content` is the digest of what would be carried out; `approved` and `tested` of what was, "" for nothing."""

    state: str
    content: str
    approved: str = ""
    tested: str = ""


def advance(standing: Standing, verb: str, *, content: str = "") -> Standing:
    """The standing after `verb`; "edit" brings new `content`. Raises WrongState, ApprovalMissing or NotTested."""
    if verb == "edit":
        if standing.state not in EDITABLE:
            raise _wrong("deployment", standing.state, verb)
        return replace(standing, state="draft", content=content, tested="")
    after = _after("deployment", DEPLOYMENT, standing.state, verb)
    if verb in CARRIED_OUT:
        _require_approval(standing)
    if verb == "go_live" and standing.tested != standing.content:
        raise NotTested("The functional test of exactly this content has not passed.", next_step="Run it first.")
    if verb == "approve":
        return replace(standing, state=after, approved=standing.content)
    if verb == "pass_test":
        return replace(standing, state=after, tested=standing.content)
    if verb == "fail_test":
        return replace(standing, state=after, tested="")
    return replace(standing, state=after)


def advance_release(standing: Standing, verb: str) -> Standing:
    """The release's standing after `verb`. Raises WrongState or ApprovalMissing."""
    after = _after("release", RELEASE, standing.state, verb)
    if verb in SWITCHES:
        _require_approval(standing)
    if verb == "approve":
        return replace(standing, state=after, approved=standing.content)
    return replace(standing, state=after)


def check_watch(now: datetime, watch_until: datetime, requests: Mapping[str, int], *, min_requests: int) -> None:
    """Raises WatchOpen until the window is over and every arm (target: requests) has seen enough."""
    if now < watch_until:
        left = (watch_until - now).total_seconds()
        raise WatchOpen(f"The watch window is open for {left:.0f} s more.", next_step="Wait for its end.", left_s=left)
    short = {arm: n for arm, n in requests.items() if n < min_requests}
    if short:
        seen = ", ".join(f"{n} requests at {arm}" for arm, n in sorted(short.items()))
        raise WatchOpen(
            f"The watch saw {seen}; {min_requests} are needed at each.",
            next_step="Wait for more traffic, or abort the canary.",
            requests=dict(requests),
        )


def _require_approval(standing: Standing) -> None:
    if not standing.content or standing.approved != standing.content:
        was = "something else was approved" if standing.approved else "nothing was approved"
        raise ApprovalMissing(f"This is not approved: {was}.", next_step="Ask for approval of what is there now.")


def _after(thing: str, table: Mapping[str, Mapping[str, str]], state: str, verb: str) -> str:
    after = table.get(verb, {}).get(state)
    if after is None:
        raise _wrong(thing, state, verb)
    return after


def _wrong(thing: str, state: str, verb: str) -> WrongState:
    return WrongState(
        f"A {thing} that is {state} cannot {verb.replace('_', ' ')}.", next_step="See its state.", state=state
    )
