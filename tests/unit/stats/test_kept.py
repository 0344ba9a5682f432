"""A share of a score is shown to be kept, shown not to be, or neither, and what masking costs is said by that."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gnomon.contract.verdicts import State
from gnomon.engine.stats import BadAnswers, BadFigures, Flips, kept, masking_effect, resampling
from gnomon.engine.stats.interval import Interval
from gnomon.engine.stats.kept import kept_by_interval, needed_n

tables = st.builds(Flips, *[st.integers(0, 400)] * 3, st.integers(1, 400))


def test_without_any_flip_133_right_answers_show_that_98_percent_are_kept_and_132_do_not() -> None:
    # no flips: the bound is a / (a + z^2), so a >= .98 / .02 * 1.6449^2 = 132.6
    assert kept(Flips(133, 0, 0, 67), limit=0.98).state is State.MET
    assert kept(Flips(132, 0, 0, 67), limit=0.98).state is State.INSUFFICIENT


def test_p_is_that_of_the_constrained_score_worked_out_by_hand() -> None:
    claim = kept(Flips(both=80, broken=10, fixed=5, neither=5), limit=0.9)
    a, b, c = 100 * 1.9, 90 * 0.81 - (90 + 5 + 10), 10 * 0.1 * 95 / 100  # the paper's A, B and C
    q = (-b + (b * b - 4 * a * c) ** 0.5) / (2 * a)
    score = (85 - 0.9 * 90) / (100 * 1.9 * q - 0.1 * 95) ** 0.5
    assert claim.p == pytest.approx(1 - NormalDist().cdf(score), abs=1e-9)


@given(tables, st.floats(0.5, 1.0), st.sampled_from([0.05, 0.025]))
def test_p_and_bounds_never_disagree_and_hold_the_estimate(flips: Flips, limit: float, alpha: float) -> None:
    assume(flips.before)
    claim = kept(flips, limit=limit, alpha=alpha)
    assert claim.low <= claim.ratio + 1e-9
    assert claim.high is None or claim.ratio <= claim.high + 1e-6
    assert claim.p is not None
    assume(abs(claim.low - limit) > 1e-6)
    assert (claim.p < alpha) == (claim.low > limit)
    assert (claim.state is State.MET) == (claim.low > limit)


@given(tables, st.integers(1, 20))
def test_a_break_more_is_never_better(flips: Flips, more: int) -> None:
    assume(flips.both > more)
    worse = Flips(flips.both - more, flips.broken + more, flips.fixed, flips.neither)
    assert kept(worse, limit=0.98).low <= kept(flips, limit=0.98).low + 1e-9


def test_what_keeps_just_98_percent_is_called_kept_in_at_most_one_of_twenty_tables() -> None:
    # 600 items, .8 right before, 6 % flip: the true ratio is .98 exactly
    broken, fixed = 0.038, 0.022
    drawn = np.random.default_rng(20260101).multinomial(600, [0.8 - broken, broken, fixed, 0.2 - fixed], size=400)
    met = sum(kept(Flips(*map(int, row)), limit=0.98).state is State.MET for row in drawn)
    assert met / 400 < 0.08  # .05 and two standard errors of 400 draws


def test_nothing_right_before_has_no_share_to_keep() -> None:
    with pytest.raises(BadFigures, match="Nothing was right"):
        kept(Flips(0, 0, 5, 5), limit=0.98)
    for limit in (0.0, 1.1):
        with pytest.raises(BadFigures, match="least ratio"):
            kept(Flips(10, 0, 0, 0), limit=limit)


def test_the_number_of_items_that_would_decide_does_decide() -> None:
    seen = Flips(480, 18, 15, 87)
    n = needed_n(seen, limit=0.98)
    assert n is not None
    assert 1500 < n < 4000
    scale = n / seen.n
    larger = Flips(*(round(one * scale) for one in (seen.both, seen.broken, seen.fixed, seen.neither)))
    assert kept(larger, limit=0.98).state is State.MET
    assert needed_n(Flips(400, 50, 0, 50), limit=0.98) is None


def test_other_figures_are_judged_by_the_interval_of_their_ratio() -> None:
    for low, high, state in ((0.985, 1.01, State.MET), (0.9, 0.97, State.NOT_MET), (0.95, 1.0, State.INSUFFICIENT)):
        assert kept_by_interval(Interval(0.97, low, high, 0.9, 500, "bootstrap"), limit=0.98).state is state


@dataclass(frozen=True)
class Said:
    item_id: str
    expected: str
    predicted: str | None
    scores: dict[str, float] | None = None
    latency_ms: float | None = None


def sides(n: int, right: float, *, broken: int = 0, fixed: int = 0) -> tuple[list[Said], list[Said]]:
    """`n` items of two labels, the first `right` share of them right as they are."""
    hits = round(n * right)
    raw, masked = [], []
    for number in range(n):
        label, other = ("a", "b") if number % 2 else ("b", "a")
        was = number < hits
        flips = (was and number < broken) or (not was and number >= n - fixed)
        raw.append(Said(f"i{number:04}", label, label if was else other))
        masked.append(Said(f"i{number:04}", label, label if was != flips else other))
    return raw, masked


def effect(n: int, right: float, *, touched: int, broken: int = 0, fixed: int = 0, **more: Any) -> Any:
    raw, masked = sides(n, right, broken=broken, fixed=fixed)
    changed = {one.item_id: ["CN_MOBILE"] for one in raw[:touched]}
    return masking_effect(raw, masked, changed=changed, limit=0.98, min_changed=100, **more)


def test_a_suite_that_masking_leaves_as_good_as_it_was_is_met_and_says_so_in_both_languages() -> None:
    found = effect(600, 0.8, touched=300, broken=3, fixed=3)
    assert (found.state, found.reason, found.changed) == (State.MET, "", 300)
    assert found.sentence["zh-CN"].startswith("脱敏后得分保持达标：准确率原文 80.0%，脱敏后 80.0%，保持 100.0%")
    assert "3 fixed, 3 broken" in found.sentence["en"]
    assert [part.name for part in found.parts] == ["all", "changed", "same", "entity=CN_MOBILE"]
    assert found.part("same").flips.broken == 0


def test_harm_where_masking_changed_something_is_not_diluted_by_the_rest() -> None:
    found = effect(4000, 0.8, touched=200, broken=16)
    assert found.whole.claim.state is State.MET
    assert (found.state, found.reason) == (State.NOT_MET, "changed_part")


@pytest.mark.parametrize(
    ("asked", "state", "reason"),
    [
        ({"n": 600, "right": 0.8, "touched": 99}, State.INSUFFICIENT, "few_changed"),
        ({"n": 600, "right": 0.8, "touched": 0}, State.NOT_MEASURED, "few_changed"),
        ({"n": 600, "right": 0.51, "touched": 600}, State.INSUFFICIENT, "guessing"),
        ({"n": 600, "right": 0.0, "touched": 600}, State.NOT_MEASURED, "nothing_right"),
        ({"n": 600, "right": 0.8, "touched": 600, "lost": ["i0001"]}, State.INSUFFICIENT, "outages"),
        ({"n": 600, "right": 0.8, "touched": 600, "broken": 60}, State.NOT_MET, ""),
        ({"n": 200, "right": 0.8, "touched": 200, "broken": 3, "fixed": 3}, State.INSUFFICIENT, ""),
    ],
)
def test_what_cannot_be_claimed_is_not_claimed_and_the_reason_is_told(
    asked: dict[str, Any], state: State, reason: str
) -> None:
    found = effect(asked.pop("n"), asked.pop("right"), **asked)
    assert (found.state, found.reason) == (state, reason)
    assert (found.needed_n is not None) == (state is State.INSUFFICIENT and not reason)


def test_a_handful_of_items_of_an_entity_claims_nothing_of_it() -> None:
    raw, masked = sides(600, 0.9, broken=20)
    changed = {one.item_id: ["DOB"] if number < 20 else ["CN_ID"] for number, one in enumerate(raw)}
    found = masking_effect(raw, masked, changed=changed, limit=0.98, min_changed=100)
    assert found.part("entity=DOB").claim.state is State.INSUFFICIENT
    assert found.part("entity=CN_ID").claim.state is State.MET


def test_two_sides_of_different_items_and_scores_of_which_less_is_better_are_refused() -> None:
    raw, masked = sides(200, 0.8)
    with pytest.raises(BadAnswers, match="differ in 1 items"):
        masking_effect(raw, masked[:-1], changed={}, limit=0.98, min_changed=1)
    with pytest.raises(BadFigures, match="no score"):
        masking_effect(raw, masked, changed={}, limit=0.98, min_changed=1, metric_name="log_loss")


def test_macro_f1_is_judged_by_resampling_the_same_items_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(resampling.bootstrap.__kwdefaults__, "draws", 200)
    found = effect(300, 0.9, touched=150, broken=5, metric_name="macro_f1")
    assert found.whole.claim.method == "bootstrap 200"
    assert found.whole.claim.low < found.whole.claim.ratio < found.whole.claim.high
