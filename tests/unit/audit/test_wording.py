"""What somebody types as a reason ends in the trail for years: no identifier of a person does."""

from typing import Any

import pytest

from gnomon.control.audit.wording import cleaned


def test_identifiers_are_masked_wherever_they_stand_in_the_facts() -> None:
    facts = {"reason": "客户13812345678投诉", "nested": [{"mail": "a.b@example.com"}], "n": 3, "none": None}
    assert cleaned(facts) == {"reason": "客户⟦手机⟧投诉", "nested": [{"mail": "⟦邮箱⟧"}], "n": 3, "none": None}


@pytest.mark.parametrize(
    "value",
    [
        "sha256 " + "0123456789abcdef" * 4,
        "192.168.1.20",
        "YX-BS-2026-0012",
        "req_0192f3a4b5c6d7e8f9",
        "2026-03-02T09:00:00Z",
        "",
    ],
)
def test_what_the_trail_is_about_stays(value: Any) -> None:
    assert cleaned({"about": value}) == {"about": value}
