"""The way back of a whole answer: guarded, and restored for those with the right to it."""

from typing import Any

import msgspec

from gnomon.gateway.answers import decoded
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.guarding import Guard, TreeGuard
from gnomon.gateway.snapshot import PreparedRoute
from gnomon.gateway.streaming import Garbage

_encode = msgspec.json.Encoder().encode


def guard_output(ex: Exchange, data: bytes, route: PreparedRoute, guard: Guard) -> bytes:
    """The answer with every string guarded and counted. Raises Garbage, or Refusal("blocked")."""
    if not route.masker.hits(data):
        return data
    tree = TreeGuard(route.masker, "output", guard.vault())
    value = decoded(data)
    try:
        guarded = tree.value(value)
    except RecursionError as error:
        raise Garbage("the answer is nested too deeply") from error
    finally:
        merge(ex.entities_out, tree.counts)
    if tree.counts and isinstance(guarded, dict) and isinstance(guarded.get("choices"), list):
        for before, choice in zip(value["choices"], guarded["choices"], strict=True):
            # Token by token, log-probabilities would spell out what was masked.
            if isinstance(choice, dict) and choice.get("logprobs") is not None and _texts(before) != _texts(choice):
                choice["logprobs"] = None
    return _encode(guarded)


def _texts(choice: dict[str, Any]) -> Any:
    return choice.get("message"), choice.get("text")


def may_restore(ex: Exchange, route: PreparedRoute) -> bool:
    """Whether this caller gets placeholders back as what they stand for."""
    return bool(route.restores and ex.vault is not None and ex.key is not None and "restore" in ex.key.scopes)


def restored(value: Any, vault: Any) -> Any:
    """The answer with every placeholder of this request put back."""
    if isinstance(value, str):
        return vault.restore(value)
    if isinstance(value, dict):
        return {k: restored(v, vault) for k, v in value.items()}
    if isinstance(value, list):
        return [restored(v, vault) for v in value]
    return value


def merge(into: dict[str, int], counts: dict[str, int]) -> None:
    for entity, count in counts.items():
        into[entity] = into.get(entity, 0) + count
