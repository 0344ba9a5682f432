"""Attacks by words and unsafe matter in what a caller sends and in what a model answers: recorded, or refused.

The whole of a message is judged as one text, whatever parts it came in; every other string for itself. An exception of
the guard passes through, so a text that cannot be judged does not pass.
"""

from collections.abc import Iterator
from typing import Any, Final, Protocol

from gnomon.contract.content import ContentFinding, ContentPolicy
from gnomon.gateway.guarding import Side, blocked

Findings = dict[tuple[str, str], ContentFinding]
_SHORTEST: Final = 4  # characters: less is no attack, and names of kinds are many
_NAMES: Final = frozenset(
    ("id", "model", "object", "role", "type", "finish_reason", "system_fingerprint", "tool_call_id")
)


class ContentStream(Protocol):
    """See `gnomon.guard.content.policy`."""

    @property
    def blocked(self) -> str: ...

    def feed(self, text: str) -> None: ...

    def flush(self) -> None: ...


class ContentGuard(Protocol):
    """See `gnomon.guard.content.policy`."""

    @property
    def policy(self) -> ContentPolicy: ...

    def looks(self, way: Side) -> bool: ...

    def judge(self, text: str, way: Side, found: Findings) -> str: ...

    def stream(self, way: Side, found: Findings) -> ContentStream: ...


def judge(value: Any, side: Side, guard: ContentGuard, found: Findings) -> None:
    """`found` has what the policy wants known about a JSON value. Raises Refusal("blocked")."""
    if not guard.looks(side):
        return
    for text in spoken(value, guard.policy.exempt_roles if side == "input" else ()):
        if forbidden := guard.judge(text, side, found):
            raise blocked(forbidden, side)


def spoken(value: Any, exempt_roles: tuple[str, ...]) -> Iterator[str]:
    """Every text of a JSON value, the parts of one message as one; nothing of messages whose role is exempt."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            if len(one) >= _SHORTEST:
                yield one
        elif isinstance(one, list):
            parts = _parts(one)
            if len(parts) > 1:
                yield "\n".join(parts)
            stack.extend(one)
        elif isinstance(one, dict) and one.get("role") not in exempt_roles:
            stack.extend(member for name, member in one.items() if name not in _NAMES)
            stack.extend(name for name in one if len(name) > 32)


def _parts(items: list[Any]) -> list[str]:
    """The texts of a message's parts; none where the list is something else."""
    return [item["text"] for item in items if isinstance(item, dict) and isinstance(item.get("text"), str)]
