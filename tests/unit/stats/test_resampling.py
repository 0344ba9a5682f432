"""The bootstrap's interval is a function of the data and of nothing else."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.stats import BadFigures, bootstrap, seed_of, wilson
from gnomon.engine.stats.resampling import Floats, Statistic


def mean_of(values: Floats) -> Statistic:
    return lambda weights: weights @ values / weights.sum(axis=1)


def sample(n: int = 200, seed: int = 1) -> tuple[list[str], Floats, list[str]]:
    generator = np.random.default_rng(seed)
    return [f"item-{i}" for i in range(n)], (generator.random(n) < 0.7).astype(float), ["a", "b"] * (n // 2)


def test_it_agrees_with_wilson_on_a_share() -> None:
    ids, values, _ = sample(600)
    (found,) = bootstrap(ids, mean_of(values))
    expected = wilson(int(values.sum()), 600)
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(expected.low, abs=0.006), pytest.approx(expected.high, abs=0.006))


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(60)))
def test_the_order_of_items_changes_nothing(order: list[int]) -> None:
    ids, values, strata = sample(60)
    plain = bootstrap(ids, mean_of(values), strata=strata, draws=500)
    mixed = bootstrap([ids[i] for i in order], mean_of(values[order]), strata=[strata[i] for i in order], draws=500)
    assert plain == mixed


def test_other_items_give_other_draws() -> None:
    assert seed_of(["a", "b"]) == seed_of(["b", "a"]) != seed_of(["a", "c"])


def test_strata_keep_their_sizes() -> None:
    ids, _, strata = sample(40)
    is_a = np.array([1.0 if stratum == "a" else 0.0 for stratum in strata])
    (found,) = bootstrap(ids, mean_of(is_a), strata=strata, draws=300)
    assert found is not None
    assert found.low == found.high == 0.5


def test_clusters_are_drawn_whole_and_widen_the_interval() -> None:
    ids = [f"item-{i:03}" for i in range(200)]
    clusters = [i // 10 for i in range(200)]
    values = np.array([float(cluster % 2) for cluster in clusters])
    (alone,), (together,) = bootstrap(ids, mean_of(values)), bootstrap(ids, mean_of(values), clusters=clusters)
    assert alone is not None
    assert together is not None
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_pairing_narrows_the_interval_of_a_difference() -> None:
    ids, before, _ = sample(400)
    after = before.copy()
    after[np.flatnonzero(before == 0)[:20]] = 1.0

    def difference(weights: Floats) -> Floats:
        return mean_of(after)(weights) - mean_of(before)(weights)

    (found,) = bootstrap(ids, difference)
    assert found is not None
    assert found.low > 0
    assert found.estimate == pytest.approx(0.05)
    assert found.high - found.low < 0.05  # unpaired it would be about .12


def test_an_undefined_figure_has_no_interval() -> None:
    ids, values, _ = sample(20)
    assert bootstrap(ids, lambda weights: np.full(len(weights), np.nan), draws=100) == [None]
    with pytest.raises(BadFigures, match="each id once"):
        bootstrap(["a", "a"], mean_of(values[:2]))


def test_importing_statistics_does_not_import_scipy() -> None:
    code = "import sys, gnomon.engine.stats.compare, gnomon.engine.scoring; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
