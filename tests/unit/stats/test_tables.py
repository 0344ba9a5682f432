"""Fisher's exact test against the definition in whole numbers, and against published tables."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.engine.stats import BadFigures, fisher

COUNTS = st.integers(0, 60)


def by_definition(a: int, b: int, c: int, d: int) -> Fraction:
    ways = {k: comb(a + c, k) * comb(b + d, a + b - k) for k in range(max(0, a - d), min(a + b, a + c) + 1)}
    return Fraction(sum(way for way in ways.values() if way <= ways[a]), sum(ways.values()))


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_p_is_the_share_of_tables_that_are_no_likelier(a: int, b: int, c: int, d: int) -> None:
    assert fisher(a, b, c, d) == pytest.approx(float(by_definition(a, b, c, d)), rel=1e-9, abs=1e-300)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_p_does_not_depend_on_what_is_called_part_or_wrong(a: int, b: int, c: int, d: int) -> None:
    assert fisher(a, b, c, d) == pytest.approx(fisher(c, d, a, b), rel=1e-9)
    assert fisher(a, b, c, d) == pytest.approx(fisher(b, a, d, c), rel=1e-9)


def test_the_lady_who_tasted_tea() -> None:
    assert fisher(3, 1, 1, 3) == pytest.approx(34 / 70)  # Fisher 1935, chapter 2; two-sided
    assert fisher(4, 0, 0, 4) == pytest.approx(2 / 70)


def test_tens_of_thousands_of_requests_are_no_trouble() -> None:
    assert fisher(500, 9_500, 5_000, 95_000) == pytest.approx(1.0)
    assert 0 < fisher(700, 9_300, 5_000, 95_000) < 1e-10


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(BadFigures):
        fisher(-1, 2, 3, 4)
