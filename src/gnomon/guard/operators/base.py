"""What an operator is: it says what stands for a value that was found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from gnomon.contract.masking import Purpose
from gnomon.guard.placeholders import Vault


class Subject(NamedTuple):
    """A value that was found, and all that an operator may need to replace it."""

    value: str
    entity: str
    label: str  # the word in a placeholder
    visible: tuple[int, int]  # characters that `mask` leaves at the two ends when its rule names no format
    key: bytes
    vault: Vault | None


def no_format(entity: str, format: str) -> str:
    """Why this format cannot be: most operators have none."""
    return "it has no formats" if format else ""


@dataclass(frozen=True, slots=True)
class Operator:
    """`replace` gives what stands for a value; None: the value stays (`keep`), or nothing passes (`block`).

    `wrong` says why a rule's format cannot be with that entity; empty: it can. `only_for`: the purposes that a rule has
    to name, of which it may name no other; empty: it need not name any.
    """

    name: str
    replace: Callable[[Subject, str], str] | None
    wrong: Callable[[str, str], str] = no_format
    is_reversible: bool = False
    only_for: frozenset[Purpose] = frozenset()
