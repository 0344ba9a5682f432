"""The gateway's compiled modules do what their sources do: each in a process of its own, given the same."""

from itertools import islice

import pytest

from gnomon.native import modules
from tests.fuzz.twins import cases, difference


# It needs a build, which takes a minute: a run of its own asks for one, and without it there is one way only.
@pytest.mark.skipif(not modules.are_compiled(), reason="nothing compiled runs here: GNOMON_TEST_COMPILED=1")
def test_compiled_modules_make_of_requests_and_answers_what_their_sources_make_to_the_byte() -> None:
    assert difference(islice(cases(seed=7), 500)) == ""
