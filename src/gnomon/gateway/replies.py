"""The way back of a whole answer: guarded, and restored for those with the right to it."""

import re
from typing import Any, Final

import msgspec

from gnomon.gateway import spelling, vectors
from gnomon.gateway.answers import decoded
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.fields import tree_guard
from gnomon.gateway.guarding import DEEPEST, Guard, TreeGuard
from gnomon.gateway.judging import judge
from gnomon.gateway.quoting import holds
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.running import merge
from gnomon.gateway.snapshot import PreparedRoute
from gnomon.gateway.streaming import Garbage

_encode: Final = msgspec.json.Encoder().encode
_LOGPROBS: Final = re.compile(rb'"logprobs"\s*:(?!\s*null)')


def guard_output(ex: Exchange, data: bytes, route: PreparedRoute, guard: Guard) -> bytes:
    """The answer with every string guarded and counted. Raises Garbage, or Refusal("blocked")."""
    if ex.endpoint != "embeddings":
        return _guarded(ex, data, route, guard)
    data, taken = vectors.take_out(data)
    data = _guarded(ex, data, route, guard)
    return vectors.put_back(data, taken) if taken else data


def _guarded(ex: Exchange, data: bytes, route: PreparedRoute, guard: Guard) -> bytes:
    if route.content is not None:
        judge(decoded(data), "output", route.content, ex.content)
    places = route.masker.places(data)
    spells = _may_spell_out(data)
    if places is not None and not places and not spells:
        return data
    tree = tree_guard(route.masker, "output", ex.new_vault(guard.vault))
    try:
        if places and not spells:
            guarded = tree.places(data, places)
            if guarded is not None:
                return guarded
        value = decoded(data)
        spelled = _spelled(value, route, guard) if spells else ()
        return data if places is not None and not places and not spelled else _walked(tree, value, spelled)
    except msgspec.DecodeError as error:
        raise Garbage(f"the answer is not JSON: {error}") from error
    except RecursionError as error:
        raise Garbage("the answer is nested too deeply") from error
    finally:
        merge(ex.entities_out, tree.counts)


def _may_spell_out(data: bytes) -> bool:
    """Whether there may be log-probabilities, which would tell token by token what was masked."""
    return holds(data, b'"logprobs"', b"\\u00") and (holds(data, b"\\u00") or _LOGPROBS.search(data) is not None)


def _spelled(value: Any, route: PreparedRoute, guard: Guard) -> tuple[int, ...]:
    """The places of the choices whose log-probabilities spell something to mask, be it in their text or not."""
    choices = value.get("choices") if isinstance(value, dict) else None
    vault = guard.vault("")

    def changes(_: str, text: str) -> bool:
        return bool(route.masker.mask(text, "output", vault).text != text)

    return tuple(
        number
        for number, choice in enumerate(choices if isinstance(choices, list) else ())
        if isinstance(choice, dict) and spelling.spells(choice.get("logprobs"), changes)
    )


def _walked(tree: TreeGuard, value: Any, spelled: tuple[int, ...]) -> bytes:
    tree.counts.clear()
    guarded = tree.value(value)
    if isinstance(guarded, dict) and isinstance(guarded.get("choices"), list):
        guarded["choices"] = [
            # Token by token, log-probabilities would spell out what was masked.
            spelling.without(choice)
            if isinstance(choice, dict) and (number in spelled or (tree.counts and _texts(before) != _texts(choice)))
            else choice
            for number, (before, choice) in enumerate(zip(value["choices"], guarded["choices"], strict=True))
        ]
    return _encode(guarded)


def upstream_failed(ex: Exchange, why: str, *, wait_s: str = "") -> Refusal:
    """The model server's fault, said without its words, but for how long it asks to be left alone; the record keeps
    them."""
    ex.error = why[:300]
    return Refusal(
        "upstream_error",
        502,
        message="模型服务返回了错误。 The model server failed.",
        code="upstream_error",
        headers=(("retry-after", wait_s),) if wait_s else (),
    )


def as_error(data: bytes, status: int) -> bytes:
    """What a model server said of a bad request, as the error object that clients read. Raises Garbage."""
    value = decoded(data)
    told = value.get("error") if isinstance(value, dict) else None
    if isinstance(told, dict) and isinstance(told.get("message"), str) and "code" in told and "type" in told:
        return data
    told = told if isinstance(told, dict) else value if isinstance(value, dict) else {}
    message = told.get("message") or told.get("detail") or value.get("error") if isinstance(value, dict) else value
    error = {
        "message": message if isinstance(message, str) else _encode(message).decode(),
        "type": told.get("type") if isinstance(told.get("type"), str) else _error_type(status),
        "param": told.get("param") if isinstance(told.get("param"), str) else None,
        "code": told.get("code"),
    }
    return _encode({"error": error})


def _error_type(status: int) -> str:
    return "rate_limit_error" if status == 429 else "invalid_request_error"


def _texts(choice: dict[str, Any]) -> Any:
    return choice.get("message"), choice.get("text")


def may_restore(ex: Exchange, route: PreparedRoute) -> bool:
    """Whether this caller gets placeholders back as what they stand for."""
    return bool(route.restores and ex.vault is not None and ex.key is not None and "restore" in ex.key.scopes)


def restored(value: Any, vault: Any, depth: int = 0) -> Any:
    """The answer with every placeholder of this request put back. Raises Garbage."""
    if depth > DEEPEST:
        raise Garbage("the answer is nested too deeply")
    if isinstance(value, str):
        return vault.restore(value)
    if isinstance(value, dict):
        return {k: restored(v, vault, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [restored(v, vault, depth + 1) for v in value]
    return value
