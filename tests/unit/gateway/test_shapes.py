"""Streams of any shape: what goes on in each place is what masking the whole text of that place gives."""

import pytest

from tests.fuzz.beside import compare


@pytest.mark.parametrize("begin", range(0, 1000, 250))
def test_every_place_of_a_stream_is_masked_as_the_whole_of_it(begin: int) -> None:
    assert [found for seed in range(begin, begin + 250) if (found := compare(seed))] == []
