"""The story of one request: admit, guard, route, ask the model, guard, record, answer."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from gnomon.gateway import http, routing
from gnomon.gateway.answers import Buffered, Streamed, decoded, usage_of
from gnomon.gateway.deadline import Deadline
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.guarding import Guard, TreeGuard
from gnomon.gateway.probes import PROBES, models
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.replies import guard_output, may_restore, merge, restored
from gnomon.gateway.requests import ENDPOINTS, Asked, bad, check, decode
from gnomon.gateway.services import Services
from gnomon.gateway.settle import settle
from gnomon.gateway.snapshot import PreparedRoute, PreparedTarget, Snapshot
from gnomon.gateway.streaming import EventStream, Field, Garbage
from gnomon.gateway.upstream import UpstreamError
from gnomon.kit import log

_log = log.get(__name__)
_encode = msgspec.json.Encoder().encode
_INLINE_BYTES = 32_768  # guarded in some 10 ms even when full of personal data


class Out(Protocol):
    """The caller's end of the connection."""

    def write(self, data: bytes) -> None: ...


def begin(ex: Exchange, s: Services) -> None:
    """Decide from the head alone. `ex.refusal` says no; the body is read only where it stays None."""
    if ex.path in PROBES:
        return
    ex.snapshot = snapshot = s.loader.current
    try:
        if snapshot is None:
            raise Refusal(
                "internal", 503, message="尚无有效策略包。 No valid bundle yet; see /readyz.", code="not_ready"
            )
        ex.endpoint = ENDPOINTS.get(ex.path) or ("models" if ex.path == "/v1/models" else "")
        s.admission.admit(ex, snapshot)
        _check_path(ex)
        if snapshot.policy.regulated and s.recorder.failing:
            raise _unrecorded()
    except Refusal as refusal:
        ex.refusal = refusal


async def answer(ex: Exchange, out: Out, s: Services) -> None:
    """The caller has its answer and the record is written; never raises."""
    s.metrics.in_flight += 1
    try:
        if ex.refusal is not None:
            raise ex.refusal
        if ex.path in PROBES:
            out.write(PROBES[ex.path](ex, s.loader, s.recorder, s.metrics))
        elif ex.endpoint == "models":
            ex.outcome, ex.status = "ok", 200
            _send_whole(ex, out, s, models(ex))
        else:
            await _complete(ex, out, s)
    except Refusal as refusal:
        _refuse(ex, out, s, refusal)
    except asyncio.CancelledError:
        ex.outcome, ex.status = "client_gone", 499
        settle(ex, s)
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets an answer and we a record
        _log.exception("request_failed", request=ex.id)
        ex.error = type(error).__name__
        _refuse(ex, out, s, Refusal("internal", 500, message="内部错误。 Internal error.", code="internal"))
    finally:
        ex.link = None
        s.metrics.in_flight -= 1
        s.admission.release(ex)


async def _complete(ex: Exchange, out: Out, s: Services) -> None:
    snapshot = ex.snapshot
    assert snapshot is not None
    asked = check(decode(ex.body), ex.endpoint)
    ex.body = b""
    ex.stream = asked.stream
    route, named = _route(ex, snapshot, asked)
    ex.tags = _guarded_tags(ex.tags, route)
    raw = _plain_input(asked)
    raw = await _inline_or_thread(len(raw), _guarded_input, ex, asked, raw, route, s.guard)
    key = ex.key
    assert key is not None
    choice = routing.choose(route, named=named, caller=key.caller or key.id, limits=s.limits)
    ex.canary = choice.canary
    deadline = Deadline(s.pool.loop, route.route.timeout_s)
    try:
        if asked.stream:
            await _stream(ex, out, s, route=route, choice=choice, raw=raw, asked=asked, deadline=deadline)
        else:
            await _whole(ex, out, s, route=route, choice=choice, raw=raw)
    except asyncio.CancelledError:
        if not deadline.expired:
            raise
        raise Refusal(
            "timeout",
            504,
            message=f"模型在 {route.route.timeout_s:g} 秒内没有响应。 No answer within {route.route.timeout_s:g} s.",
            code="timeout",
        ) from None
    except Garbage as error:
        raise _upstream_failed(ex, str(error)) from error
    finally:
        deadline.close()


async def _whole(
    ex: Exchange, out: Out, s: Services, *, route: PreparedRoute, choice: routing.Choice, raw: bytes
) -> None:
    sink = Buffered()
    await _ask(ex, s, choice, raw, sink)
    await _send_answer(ex, out, s, route=route, sink=sink)


async def _stream(
    ex: Exchange,
    out: Out,
    s: Services,
    *,
    route: PreparedRoute,
    choice: routing.Choice,
    raw: bytes,
    asked: Asked,
    deadline: Deadline,
) -> None:
    restore = may_restore(ex, route)
    out_vault = s.guard.vault()

    def field() -> Field:
        return Field(s.guard.stream(route.masker, "output", out_vault), s.guard.restorer(ex.vault) if restore else None)

    events = EventStream(
        ex,
        field=field,
        tree=lambda: TreeGuard(route.masker, "output", out_vault),
        hits=route.masker.hits,
        wants_usage=asked.wants_usage,
    )

    def start() -> None:
        ex.status = 200
        out.write(http.head(ex, 200, content_type=b"text/event-stream; charset=utf-8", length=None))

    sink = Streamed(ex, events, begin=start, send=lambda data: out.write(http.chunk(ex, data)), touch=deadline.touch)
    try:
        await _ask(ex, s, choice, raw, sink)
        if not sink.streaming:
            await _send_answer(ex, out, s, route=route, sink=sink.whole)
            return
        last = sink.last + events.end()
        if not events.done:
            raise Garbage("the stream ended without [DONE]")
    finally:
        if sink.streaming:
            merge(ex.entities_out, events.counts())
            ex.reply = events.reply()
    ex.outcome, ex.status = "ok", 200
    settle(ex, s)
    out.write(http.last_chunk(ex, last))


async def _ask(ex: Exchange, s: Services, choice: routing.Choice, raw: bytes, sink: Buffered | Streamed) -> None:
    """The first target that answers has answered. Raises Refusal when none does."""
    failed: UpstreamError | None = None
    for target in choice.targets:
        ex.target = target
        payload = b'{"model":%b,%b' % (_encode(target.target.model), raw[1:])
        ex.request = payload.decode()
        try:
            await s.pool.call(target, _head(ex, target, len(payload)) + payload, sink, ex=ex)
        except UpstreamError as error:
            _log.warning("upstream_failed", request=ex.id, target=target.target.id, why=str(error))
            if error.received:
                raise _upstream_failed(ex, str(error)) from error
            failed = error
        else:
            return
    ex.error = str(failed)[:300]
    raise Refusal(
        "upstream_unreachable",
        503,
        message="模型服务暂时无法连接。 The model server cannot be reached.",
        code="upstream_unreachable",
        headers=(("retry-after", "1"),),
    )


def _head(ex: Exchange, target: PreparedTarget, length: int) -> bytes:
    return b"POST %b%b HTTP/1.1\r\n%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n" % (
        target.base.encode(),
        ex.path[3:].encode(),  # without /v1, which the upstream's URL holds
        target.headers,
        ex.id.encode(),
        length,
    )


async def _inline_or_thread(size: int, function: Callable[..., bytes], *args: Any) -> bytes:
    """Large texts are guarded off the event loop, so that other requests do not wait for them."""
    if size <= _INLINE_BYTES:
        return function(*args)
    return await asyncio.to_thread(function, *args)


# -- the way in -----------------------------------------------------------------------------------------------------


def _check_path(ex: Exchange) -> None:
    if not ex.endpoint:
        raise Refusal("bad_request", 404, message=f"没有此路径。 There is no {ex.path[:100]!r} here.", code="not_found")
    expected = "GET" if ex.endpoint == "models" else "POST"
    if ex.method != expected:
        raise Refusal(
            "bad_request",
            405,
            message=f"此路径只接受 {expected}。 This path takes {expected}.",
            code="method_not_allowed",
            headers=(("allow", expected),),
        )


def _route(ex: Exchange, snapshot: Snapshot, asked: Asked) -> tuple[PreparedRoute, str]:
    """Raises Refusal when there is no such model, or this key may not use it."""
    key = ex.key
    assert key is not None
    route, named = routing.find(snapshot, asked.model)
    ex.route, ex.model = route, route.route.model
    if "*" not in key.models and route.route.model not in key.models:
        raise _forbidden(f"此密钥无权使用模型 {ex.model}。 This key may not use the model {ex.model}.")
    if named and "evaluate" not in key.scopes:
        raise _forbidden("此密钥无权指定部署（需要 evaluate 权限）。 Naming a target needs the evaluate scope.")
    if "chat" not in key.scopes and "evaluate" not in key.scopes:
        raise _forbidden("此密钥没有 chat 权限。 This key has no chat scope.")
    return route, named


def _guarded_tags(tags: dict[str, str], route: PreparedRoute) -> dict[str, str]:
    """Tags are stored, so they are masked as text is."""
    if not tags or not route.masker.hits(_encode(tags)):
        return tags
    tree = TreeGuard(route.masker, "input", None)
    return {tree.text(name): tree.text(value) for name, value in tags.items()}


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
    if route.masker.hits(raw):
        ex.vault = guard.vault()
        tree = TreeGuard(route.masker, "input", ex.vault)
        try:
            raw = _encode(tree.value(asked.body))
        except RecursionError as error:
            raise bad("JSON 嵌套过深。 The JSON is nested too deeply.", "invalid_json") from error
        finally:
            ex.entities_in = tree.counts
    ex.guard_in_ms = ex.elapsed_ms()
    return raw


# -- the way back ---------------------------------------------------------------------------------------------------


async def _send_answer(ex: Exchange, out: Out, s: Services, *, route: PreparedRoute, sink: Buffered) -> None:
    """Guard, record, restore, send: an answer that came whole, be it a reply or the model server's error."""
    status = sink.status
    if status >= 500 or status in (401, 403, 407) or not (200 <= status < 300 or status >= 400):
        raise _upstream_failed(ex, f"status {status}")
    data = sink.data
    if status == 200:
        ex.tokens_in, ex.tokens_out = usage_of(data)
        ex.first_token_ms = ex.elapsed_ms()
        ex.outcome, ex.status = "ok", 200
    else:
        decoded(data)
        ex.outcome, ex.status = "upstream_refused", status
        if status == 429:
            ex.limit_headers = (*ex.limit_headers, ("retry-after", _retry_after(sink.headers)))
    data = await _inline_or_thread(len(data), guard_output, ex, data, route, s.guard)
    ex.reply = data.decode("utf-8", "replace")
    restore = may_restore(ex, route)
    if restore:
        value = restored(decoded(data), ex.vault)
        data = _encode(value)
    _send_whole(ex, out, s, data)


def _send_whole(ex: Exchange, out: Out, s: Services, data: bytes) -> None:
    settle(ex, s)
    if s.recorder.failing and ex.snapshot is not None and ex.snapshot.policy.regulated:
        out.write(http.refused(ex, _unrecorded()))
    else:
        out.write(http.whole(ex, ex.status, data))


def _refuse(ex: Exchange, out: Out, s: Services, refusal: Refusal) -> None:
    begun = ex.status == 200 and ex.stream
    ex.outcome, ex.status = refusal.outcome, refusal.status
    ex.error = ex.error or refusal.code
    settle(ex, s)
    if begun:
        # The head is out: the error travels as an event, and no [DONE] pretends that all went well.
        out.write(http.last_chunk(ex, b"data: %b\n\n" % http.error_object(refusal)))
    else:
        out.write(http.refused(ex, refusal))


def _upstream_failed(ex: Exchange, why: str) -> Refusal:
    ex.error = why[:300]
    return Refusal(
        "upstream_error", 502, message="模型服务返回了错误。 The model server failed.", code="upstream_error"
    )


def _forbidden(message: str) -> Refusal:
    return Refusal("forbidden", 403, message=message, code="permission_denied")


def _unrecorded() -> Refusal:
    return Refusal(
        "internal",
        503,
        message="监管模式下无法写入记录，已拒绝服务。 Records cannot be written, and the policy demands them.",
        code="unrecorded",
        headers=(("retry-after", "5"),),
    )


def _retry_after(headers: dict[bytes, bytes]) -> str:
    value = headers.get(b"retry-after", b"1").decode("latin-1")
    return value if value.isdigit() else "1"
