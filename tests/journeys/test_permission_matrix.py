"""The public API keeps to the permission matrix, cell by cell: every changing route, called as every post."""

from typing import Any

import pytest

from tests.journeys.installation import Installation, until

pytestmark = pytest.mark.journey


def test_no_cell_of_the_matrix_is_wrong_and_none_of_the_api_is_out_of_reach(house: Installation) -> None:
    """The sweep is the platform's own check, run by its worker soon after its start; its answer is evidence."""
    with house.as_("rong") as rong:
        swept = until("the sweep ended", lambda: evidence(rong.get("/api/v1/controls")), within_s=90)
    facts = swept["facts"]
    assert facts["wrong_cells"] == []
    assert [route for route in facts["not_reached"] if "/api/" in route] == []
    assert facts["wrong"] == 0
    assert facts["allowed"] > 0
    assert facts["denied"] > facts["allowed"], "most posts may not do most things"
    assert facts["routes"] > 50


def evidence(controls: list[dict[str, Any]]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = next(one for one in controls if one["id"] == "CTL-matrix-sweep")["evidence"]
    return found
