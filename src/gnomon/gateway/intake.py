"""From a body to a question: decoded, checked, permitted, guarded, and who is to be asked."""

import hashlib
import math
from typing import Any, Final

import msgspec

from gnomon.gateway import routing
from gnomon.gateway.calling import Question
from gnomon.gateway.deadline import Deadline
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.fields import tree_guard
from gnomon.gateway.guarding import Guard, TreeGuard
from gnomon.gateway.judging import judge
from gnomon.gateway.off_loop import fits_inline, off_loop
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.requests import Asked, bad, check, decode, expected
from gnomon.gateway.services import Services
from gnomon.gateway.snapshot import PreparedRoute

_encode: Final = msgspec.json.Encoder().encode


async def question(ex: Exchange, s: Services) -> Question:
    """What will be asked of whom; its deadline runs, and whoever asked for it must close it. Raises Refusal."""
    snapshot, key = ex.snapshot, ex.key
    assert snapshot is not None
    assert key is not None
    asked = check(decode(ex.body), ex.endpoint)
    size, ex.body = len(ex.body), b""
    ex.stream = asked.stream
    tags, ex.tags = ex.tags, {}  # whatever refuses the request from here on, its record tells none that nobody masked
    route, named = routing.find(snapshot, asked.model)
    ex.route, ex.model = route, route.route.model
    ex.tags = _guarded_tags(ex, tags, route, s.guard)
    _permit(ex, named)
    if s.admission.counts(ex, snapshot.meters):
        await s.admission.reserve(ex, snapshot.meters, tokens=expected(asked, size))
    _repetition(ex)
    total_s = _total_s(ex, route)
    raw, kept = await _guarded(ex, s, asked, route)
    user = asked.body.get("user")
    choice = routing.choose(route, named=named, caller=key.caller or key.id, limits=s.limits, user=user)
    ex.canary, ex.arm = choice.canary, choice.arm
    deadline = Deadline(s.pool.deadlines, route.route.timeout_s, cancel=ex.cancel, total_s=total_s)
    return Question(asked=asked, route=route, choice=choice, raw=raw, kept=kept, deadline=deadline, named=bool(named))


async def _guarded(ex: Exchange, s: Services, asked: Asked, route: PreparedRoute) -> tuple[bytes, bytes]:
    """(what goes out, what the record keeps): the same but for what no guard can read."""
    unread = asked.unread
    if unread is not None:
        unread.require(route.route.unscanned)
        unread.take_out(asked.body)
        ex.unscanned = unread.counts
    raw = _plain_input(asked)
    if fits_inline(len(raw), route.masker):
        raw = _guarded_input(ex, asked, raw, route, s.guard)
    else:
        raw = await off_loop(route.masker, _guarded_input, ex, asked, raw, route, s.guard)
    return (unread.put_back(raw) if unread is not None and unread.blobs else raw), raw


def _permit(ex: Exchange, named: str) -> None:
    """Raises Refusal where this key may not use the model, or not this target of it."""
    key = ex.key
    assert key is not None
    if "*" not in key.models and ex.model not in key.models:
        raise _forbidden(f"此密钥无权使用模型 {ex.model}。 This key may not use the model {ex.model}.")
    if named and "evaluate" not in key.scopes:
        raise _forbidden("此密钥无权指定部署（需要 evaluate 权限）。 Naming a target needs the evaluate scope.")
    if "chat" not in key.scopes and "evaluate" not in key.scopes:
        raise _forbidden("此密钥没有 chat 权限。 This key has no chat scope.")


def _total_s(ex: Exchange, route: PreparedRoute) -> float:
    """What is left of the time that the bundle and the caller allow the whole request; 0 where neither does.

    Raises Refusal (400).
    """
    allowed = route.route.total_s
    asked = ex.headers.get(b"x-gnomon-timeout-ms")
    if asked is not None:
        if not asked.isdigit() or len(asked) > 9 or not int(asked):
            raise bad(
                "X-Gnomon-Timeout-Ms 无效。 X-Gnomon-Timeout-Ms must be a number of milliseconds.", "invalid_timeout"
            )
        allowed = min(allowed or math.inf, int(asked) / 1000.0)
    return max(allowed - ex.elapsed_ms() / 1000.0, 0.001) if allowed else 0.0


def _repetition(ex: Exchange) -> None:
    """A caller's Idempotency-Key makes repetitions safe; what goes on is a digest of it, for it may say anything."""
    given = ex.headers.get(b"idempotency-key")
    if given is not None and ex.key is not None:
        ex.idempotent = True
        digest = hashlib.sha256(b"%b\n%b" % (ex.key.id.encode(), given)).hexdigest()
        ex.forward = b"idempotency-key: %b\r\n" % digest.encode()


def _guarded_tags(ex: Exchange, tags: dict[str, str], route: PreparedRoute, guard: Guard) -> dict[str, str]:
    """Tags are stored, so they are masked as text is. Raises Refusal("blocked")."""
    if not tags or not route.masker.hits(_encode(tags)):
        return tags
    guarded: dict[str, str] = tree_guard(route.masker, "input", ex.new_vault(guard.vault)).value(tags)
    return guarded


def _plain_input(asked: Asked) -> bytes:
    """The caller's object without `model`, as JSON bytes; streams always report usage, for the record."""
    body = asked.body
    del body["model"]
    if asked.stream:
        options = body.get("stream_options")
        body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    return _encode(body)


def _guarded_input(ex: Exchange, asked: Asked, raw: bytes, route: PreparedRoute, guard: Guard) -> bytes:
    """The same with every string guarded."""
    if route.content is not None:
        judge(asked.body, "input", route.content, ex.content)
    places = route.masker.places(raw)
    if places is None or places:
        ex.vault = ex.new_vault(guard.vault)
        tree = tree_guard(route.masker, "input", ex.vault)
        try:
            raw = (tree.places(raw, places) if places else None) or _walked(tree, asked.body)
        except RecursionError as error:
            raise bad("JSON 嵌套过深。 The JSON is nested too deeply.", "invalid_json") from error
        finally:
            ex.entities_in = tree.counts
    ex.guard_in_ms = ex.elapsed_ms()
    return raw


def _walked(tree: TreeGuard, body: dict[str, Any]) -> bytes:
    tree.counts.clear()
    return _encode(tree.value(body))


def _forbidden(message: str) -> Refusal:
    return Refusal("forbidden", 403, message=message, code="permission_denied")
