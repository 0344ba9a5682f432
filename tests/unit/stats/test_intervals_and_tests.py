"""Known values from the papers, and what must hold for every table."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.verdicts import State
from gnomon.engine.stats import (
    BadFigures,
    Flips,
    benjamini_hochberg,
    delong_auc,
    holm,
    ks,
    mcnemar,
    non_inferior,
    non_inferior_by_interval,
    paired_difference,
    paired_n,
    paired_power,
    tost,
    two_sample_power,
    wilson,
)
from gnomon.engine.stats.interval import Interval

MODEST = settings(max_examples=60, deadline=None)
counts = st.integers(0, 400)
tables = st.builds(lambda a, b, c, d: Flips(both=a, broken=b, fixed=c, neither=d + 1), counts, counts, counts, counts)


def near(value: float, digits: int = 4) -> object:
    return pytest.approx(value, abs=0.6 * 10**-digits)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_values_of_newcombe_1998(k: int, n: int, low: float, high: float) -> None:
    found = wilson(k, n)
    assert (found.low, found.high) == (near(low), near(high))


@MODEST
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95]))
def test_wilson_holds_its_estimate_and_mirrors(kn: tuple[int, int], level: float) -> None:
    k, n = kn
    found, mirror = wilson(k, n, level), wilson(n - k, n, level)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert found.low < found.high
    assert found.low == pytest.approx(1 - mirror.high, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(BadFigures, match="not a proportion"):
        wilson(k, n)


@pytest.mark.parametrize(("fixed", "broken"), [(175, 34), (5, 1), (0, 7), (12, 12), (300, 260), (1, 0)])
def test_mcnemar_is_the_exact_binomial_test(fixed: int, broken: int) -> None:
    from scipy.stats import binomtest

    found = mcnemar(fixed, broken)
    assert found.p == pytest.approx(binomtest(fixed, fixed + broken).pvalue, rel=1e-9)
    point = math.comb(fixed + broken, fixed) / 2 ** (fixed + broken)
    lost = point if fixed != broken else point / 2
    assert found.p_mid == pytest.approx(found.p - lost, rel=1e-6)


def test_no_flips_prove_nothing() -> None:
    assert (mcnemar(0, 0).p, mcnemar(0, 0).p_mid) == (1.0, 1.0)


@MODEST
@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_does_not_care_which_side_is_which(one: int, other: int) -> None:
    there, back = mcnemar(one, other), mcnemar(other, one)
    assert (there.p, there.p_mid) == (back.p, back.p_mid)
    assert 0 < there.p_mid <= there.p <= 1


def test_newcombe_gives_method_10_of_the_paper() -> None:
    found = paired_difference(Flips(both=36, broken=2, fixed=12, neither=0))
    assert (found.estimate, found.low, found.high) == (near(0.2), near(0.0569), near(0.3404))


@MODEST
@given(tables)
def test_paired_difference_holds_its_estimate_and_turns_its_sign(flips: Flips) -> None:
    found = paired_difference(flips)
    back = paired_difference(Flips(flips.both, flips.fixed, flips.broken, flips.neither))
    assert -1 <= found.low <= found.estimate <= found.high <= 1
    assert (found.low, found.high) == (pytest.approx(-back.high, abs=1e-12), pytest.approx(-back.low, abs=1e-12))


def test_tangos_interval_is_the_one_of_the_paper() -> None:
    # 44 pairs of lens disinfections, 43 agreeing and 1 not: 90 % interval -.037 to .096 (Tango 1998).
    found = tost(Flips(both=43, broken=0, fixed=1, neither=0), margin=0.1)
    assert (found.low, found.high) == (near(-0.037, 3), near(0.096, 3))
    assert found.state is State.MET


@MODEST
@given(tables, st.sampled_from([0.01, 0.03, 0.1]))
def test_non_inferiority_says_by_p_what_its_bound_says(flips: Flips, margin: float) -> None:
    found = non_inferior(flips, margin=margin)
    assert found.low - 1e-9 <= found.difference <= found.high + 1e-9
    if abs(found.low + margin) > 1e-6:
        assert (found.state is State.MET) == (found.low > -margin)
    assert found.p is not None
    assert 0 <= found.p <= 1


@MODEST
@given(tables)
def test_a_wider_margin_never_makes_a_claim_harder(flips: Flips) -> None:
    narrow, wide = non_inferior(flips, margin=0.01), non_inferior(flips, margin=0.05)
    assert narrow.p is not None
    assert wide.p is not None
    assert wide.p <= narrow.p + 1e-9
    assert not (narrow.state is State.MET and wide.state is not State.MET)
    equal = tost(flips, margin=0.05)
    assert equal.state is not State.MET or wide.state is State.MET  # the same implies not worse


def test_few_items_do_not_show_that_nothing_got_worse() -> None:
    assert non_inferior(Flips(both=20, broken=0, fixed=0, neither=0), margin=0.01).state is State.INSUFFICIENT
    assert non_inferior(Flips(both=900, broken=60, fixed=0, neither=40), margin=0.01).state is State.NOT_MET
    assert non_inferior(Flips(both=900, broken=4, fixed=20, neither=76), margin=0.01).state is State.MET


def test_a_figure_that_should_be_low_is_guarded_from_above() -> None:
    slower = Interval(0.04, 0.01, 0.08, 0.9, 600, "bootstrap 10000")
    guarded = non_inferior_by_interval(slower, margin=0.1, higher_is_better=False)
    assert guarded.state is State.MET
    assert non_inferior_by_interval(slower, margin=0.05, higher_is_better=False).state is State.INSUFFICIENT
    assert non_inferior_by_interval(slower, margin=0.005, higher_is_better=False).state is State.NOT_MET
    with pytest.raises(BadFigures, match="one-sided"):
        non_inferior_by_interval(slower, margin=0.1, alpha=0.01)


@pytest.mark.parametrize("margin", [0.0, -0.1])
def test_a_claim_without_margin_is_refused(margin: float) -> None:
    with pytest.raises(BadFigures, match="margin"):
        non_inferior(Flips(1, 1, 1, 1), margin=margin)


def test_holm_and_benjamini_hochberg_give_the_values_of_r() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert holm([]) == benjamini_hochberg([]) == []


@MODEST
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms())
def test_adjusted_p_values_keep_order_and_never_shrink(p: list[float], random: object) -> None:
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(p)
        order = sorted(range(len(p)), key=p.__getitem__)
        assert all(1 >= q >= x - 1e-12 for q, x in zip(adjusted, p, strict=True))
        assert all(adjusted[a] <= adjusted[b] for a, b in pairwise(order))
        shuffled = order[::-1]
        assert adjust([p[i] for i in shuffled]) == pytest.approx([adjusted[i] for i in shuffled])
    assert all(b <= h + 1e-12 for b, h in zip(benjamini_hochberg(p), holm(p), strict=True))


@pytest.mark.parametrize(("effect", "n"), [(0.01, 7847), (0.02, 1960), (0.03, 870), (0.05, 312)])
def test_needed_pairs_are_connors(effect: float, n: int) -> None:
    assert paired_n(discordant=0.1, effect=effect) == n
    assert paired_power(n, discordant=0.1, effect=effect) == pytest.approx(0.8, abs=0.001)
    assert paired_power(n - 1, discordant=0.1, effect=effect) < 0.8


def test_power_agrees_with_simulation() -> None:
    generator = np.random.default_rng(7)
    draws = generator.multinomial(400, [0.06, 0.14, 0.8], size=4000)
    hits = np.mean([abs(c - b) > 1.959964 * math.sqrt(b + c) for b, c, _ in draws])
    assert paired_power(400, discordant=0.2, effect=0.08) == pytest.approx(hits, abs=0.03)


def test_power_of_two_groups_is_the_text_books() -> None:
    # Fleiss, Levin and Paik: .60 against .70 at power .8 takes 356 in each group.
    assert two_sample_power(356, 356, p1=0.6, p2=0.7) == pytest.approx(0.80, abs=0.005)
    with pytest.raises(BadFigures):
        paired_power(10, discordant=0.1, effect=0.2)


def test_auc_and_delong_variance_agree_with_their_definitions() -> None:
    generator = np.random.default_rng(3)
    high, low = generator.normal(1, 1, 60).round(1), generator.normal(0, 1, 80).round(1)
    kernel = (high[:, None] > low) + 0.5 * (high[:, None] == low)
    found = delong_auc(high.tolist(), low.tolist())
    assert found.estimate == pytest.approx(kernel.mean())
    deviation = math.sqrt(kernel.mean(1).var(ddof=1) / 60 + kernel.mean(0).var(ddof=1) / 80)
    auc = found.estimate
    reach = 1.959964 * deviation / (auc * (1 - auc))
    assert math.log(found.high / (1 - found.high)) - math.log(auc / (1 - auc)) == pytest.approx(reach, rel=1e-5)


@MODEST
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
)
def test_auc_mirrors_and_holds_its_estimate(high: list[int], low: list[int]) -> None:
    found, mirror = delong_auc(high, low), delong_auc(low, high)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert found.estimate == pytest.approx(1 - mirror.estimate)
    assert 0 <= ks(high, low).statistic <= 1


def test_perfect_separation_does_not_claim_certainty() -> None:
    found = delong_auc([0.9, 0.8, 0.7, 0.95], [0.1, 0.2])
    assert found.estimate == 1.0
    assert found.low < 0.5


def test_ks_is_scipys_and_needs_both_classes() -> None:
    from scipy.stats import ks_2samp

    generator = np.random.default_rng(5)
    high, low = generator.normal(0.3, 1, 500).round(1), generator.normal(0, 1, 600).round(1)
    found, known = ks(high.tolist(), low.tolist()), ks_2samp(high, low, method="asymp")
    assert (found.statistic, found.threshold) == (pytest.approx(known.statistic), known.statistic_location)
    assert found.p == pytest.approx(known.pvalue, rel=0.2)  # scipy's asymptotic form is for finite n
    with pytest.raises(BadFigures, match="both classes"):
        ks([], [1.0])
