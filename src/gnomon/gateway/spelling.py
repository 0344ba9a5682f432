"""Log-probabilities tell a text token by token, and so what was masked in it: here they are read as what they spell.

A column is what stands in the same place of each token: its text, its bytes, the first alternative to it, the second.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from gnomon.gateway.guarding import DEEPEST

TOLD_BY_TOKEN: Final = ("logprobs", "token_ids")
"""The members of a choice that say its text once more; both go where it changed."""
_NAMES: Final = frozenset(
    ("token", "logprob", "bytes", "top_logprobs", "content", "refusal", "tokens", "token_logprobs", "text_offset")
)


def columns(logprobs: Any) -> dict[str, str]:
    """The texts that log-probabilities spell, each by the name of its column. Raises RecursionError."""
    found: dict[str, list[str]] = {}
    for name, text in _pieces(logprobs, "", 0, in_row=False):
        found.setdefault(name, []).append(text)
    return {name: "".join(pieces) for name, pieces in found.items()}


def spells(logprobs: Any, changes: Callable[[str, str], bool]) -> bool:
    """Whether a column, of this name and text, `changes` when it is guarded; each is asked."""
    changed = [changes(name, text) for name, text in columns(logprobs).items()]
    return any(changed)


def without(choice: dict[str, Any]) -> dict[str, Any]:
    """The choice without anything that tells its text token by token."""
    return {**choice, **{name: None for name in TOLD_BY_TOKEN if choice.get(name) is not None}}


def _pieces(value: Any, name: str, depth: int, *, in_row: bool) -> Iterator[tuple[str, str]]:
    """`in_row`: inside the list of tokens, where the places of an inner list are columns of their own."""
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for number, (key, one) in enumerate(value.items()):
            if key not in _NAMES and isinstance(one, (int, float)):
                yield f"{name}\0{number}", key  # {token: its log-probability}, best first
            yield from _pieces(one, f"{name}\0{key if key in _NAMES else number}", depth + 1, in_row=in_row)
    elif isinstance(value, list):
        if value and all(type(one) is int and 0 <= one < 256 for one in value):
            yield name, bytes(value).decode(errors="replace")
            return
        for number, one in enumerate(value):
            yield from _pieces(one, f"{name}\0{number}" if in_row else name, depth + 1, in_row=True)
