"""The shipped files as plain values, for tests that break one of them."""

import copy
from functools import cache
from importlib import resources
from typing import Any

from gnomon.control.rulebook.rules.parse import FILES, read_yaml


@cache
def _shipped() -> dict[str, Any]:
    root = resources.files("gnomon").joinpath("rulebook")
    return {name: read_yaml(name, root.joinpath(name).read_text("utf-8")) for name in FILES}


def documents() -> dict[str, Any]:
    """A fresh copy that a test may change."""
    return copy.deepcopy(_shipped())
