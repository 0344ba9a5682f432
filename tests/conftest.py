"""Shares the tests out: with several workers a file stays on one, and everything that starts processes on one other."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TOGETHER = ("journeys", "browser")  # they start servers and browsers: one after the other, beside the quick ones


def pytest_itemcollected(item: pytest.Item) -> None:
    place = item.path.relative_to(TESTS)
    group = "processes" if place.parts[0] in TOGETHER else str(place)
    item.add_marker(pytest.mark.xdist_group(group))
