"""There is one way to live traffic: approved by people, then tested. Any edit voids both."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.control.deployments import rules
from gnomon.control.deployments.rules.lifecycle import DEPLOYMENT, RELEASE
from gnomon.kit.errors import GnomonError

steps = st.lists(st.sampled_from([*DEPLOYMENT, "void"]), max_size=30)
MAIN_ROAD = ["submit", "approve", "start", "initialise", "test", "pass_test"]


@settings(max_examples=120)
@given(st.booleans(), steps)
def test_nothing_is_live_but_what_was_approved_and_then_tested(far: bool, verbs: list[str]) -> None:
    standing, edits = rules.Standing("draft", "v0"), 0
    approved, tested = "", ""
    for verb in (MAIN_ROAD if far else []) + verbs:
        edits += verb == "edit"
        try:
            # "void": the approval was withdrawn, or was about something else
            after = (
                replace(standing, approved="") if verb == "void" else rules.advance(standing, verb, content=f"v{edits}")
            )
        except GnomonError:
            continue
        approved = after.content if verb == "approve" else "" if verb == "void" else approved
        tested = after.content if verb == "pass_test" else tested
        if verb in ("start", "test", "go_live"):
            assert approved == after.content
        if verb == "go_live":
            assert tested == after.content
        standing = after


@settings(max_examples=100)
@given(st.sampled_from(sorted(rules.EDITABLE)))
def test_any_edit_voids_approval_and_test(state: str) -> None:
    before = rules.Standing(state, "old", approved="old", tested="old")
    after = rules.advance(before, "edit", content="new")
    assert (after.state, after.tested) == ("draft", "")
    with pytest.raises(rules.ApprovalMissing):
        rules.advance(replace(after, state="approved"), "start")


@pytest.mark.parametrize("state", ["installing", "testing", "live", "retired"])
def test_what_is_being_carried_out_cannot_be_edited(state: str) -> None:
    with pytest.raises(rules.WrongState):
        rules.advance(rules.Standing(state, "v", approved="v", tested="v"), "edit", content="w")


def test_a_failed_test_stops_the_roll_out() -> None:
    testing = rules.Standing("testing", "v", approved="v", tested="v")
    failed = rules.advance(testing, "fail_test")
    with pytest.raises(rules.WrongState):
        rules.advance(failed, "go_live")
    with pytest.raises(rules.NotTested):
        rules.advance(replace(failed, state="tested"), "go_live")


@settings(max_examples=120)
@given(st.lists(st.sampled_from([*RELEASE, "void"]), max_size=20))
def test_no_traffic_moves_to_a_target_without_approval(verbs: list[str]) -> None:
    standing, approved = rules.Standing("requested", "v"), False
    for verb in verbs:
        try:
            after = replace(standing, approved="") if verb == "void" else rules.advance_release(standing, verb)
        except GnomonError:
            continue
        approved = verb == "approve" or (approved and verb != "void")
        if verb in ("start_canary", "promote", "roll_forward"):
            assert approved
        standing = after


@pytest.mark.parametrize("state", ["retreated", "aborted", "rejected"])
def test_a_release_that_ended_never_begins_again(state: str) -> None:
    for verb in RELEASE:
        with pytest.raises(rules.WrongState):
            rules.advance_release(rules.Standing(state, "v", approved="v"), verb)


def test_a_canary_becomes_full_only_after_its_window_and_with_enough_seen_by_both_arms() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    with pytest.raises(rules.WatchOpen):
        rules.check_watch(now, now + timedelta(seconds=1), {"a": 99, "b": 99}, min_requests=20)
    with pytest.raises(rules.WatchOpen, match="19 requests at b"):
        rules.check_watch(now, now, {"a": 99, "b": 19}, min_requests=20)
    rules.check_watch(now, now, {"a": 20, "b": 20}, min_requests=20)
