"""What a policy says about attacks and unsafe matter in texts, and what a record says that was found."""

from typing import Literal

from msgspec import Struct

Way = Literal["input", "output"]
Action = Literal["flag", "block"]
NEVER = 2.0
"""A threshold that no score reaches."""


class ContentRule(Struct, frozen=True, kw_only=True):
    """From `flag_at` on a verdict is recorded, from `block_at` on the text does not pass. Scores are in [0, 1]."""

    category: str  # a category, all of a group (`injection.*`), or `*`
    direction: Literal["input", "output", "both"] = "both"
    flag_at: float = 0.5
    block_at: float = NEVER


class ContentPolicy(Struct, frozen=True, kw_only=True):
    """Rules in order; the first whose category and direction fit decides; no fitting rule means: not looked at.

    Messages of `exempt_roles` are the application's own words, which speak of rules and of what to refuse.
    """

    id: str
    version: str
    rules: tuple[ContentRule, ...]
    exempt_roles: tuple[str, ...] = ("system", "developer")


class ContentFinding(Struct, frozen=True, kw_only=True):
    """The surest verdict of a category on one side of a request. `book` is the version of the rules that judged.

    `start` and `end` are code points in the text that was judged; the text itself is not here.
    """

    category: str
    direction: Way
    score: float
    action: Action
    rule: str
    book: str
    start: int
    end: int
