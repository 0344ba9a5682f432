"""The story of one request: admit, guard, route, ask the model, guard, record, answer."""

import asyncio
from typing import Final

import msgspec

from gnomon.gateway import feedback, http, media, shadow
from gnomon.gateway.answers import Buffered, Out, Streamed, checked, decoded, usage_of
from gnomon.gateway.asking import ask
from gnomon.gateway.calling import Question
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.fields import stream_guard, tree_guard
from gnomon.gateway.intake import question
from gnomon.gateway.off_loop import fits_inline, in_turn, off_loop
from gnomon.gateway.probes import PROBES, models
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.replay import as_events
from gnomon.gateway.replies import (
    as_error,
    may_restore,
    restored,
    upstream_failed,
)
from gnomon.gateway.requests import ENDPOINTS
from gnomon.gateway.running import Field, merge
from gnomon.gateway.services import Services
from gnomon.gateway.settle import settle
from gnomon.gateway.shortcuts import Shortcut
from gnomon.gateway.streaming import EventStream, Garbage
from gnomon.kit import log

_log: Final = log.get(__name__)
_encode: Final = msgspec.json.Encoder().encode
_EVENTS: Final = b"text/event-stream; charset=utf-8"
_NEAR_S: Final = 0.01
_MOST_DIGITS: Final = 6  # of seconds to wait: eleven days


def begin(ex: Exchange, s: Services) -> None:
    """Decide from the head alone. `ex.refusal` says no; the body is read only where it stays None."""
    if ex.path in PROBES:
        return
    ex.snapshot = snapshot = s.loader.current
    try:
        if snapshot is None:
            raise Refusal(
                "internal",
                503,
                message="尚无有效策略包。 No valid bundle yet; see /readyz.",
                code="not_ready",
                headers=(("retry-after", "5"),),
            )
        ex.endpoint = ENDPOINTS.get(ex.path) or ("models" if ex.path.startswith("/v1/models/") else "")
        s.admission.admit(ex, snapshot)
        _check_path(ex)
        if snapshot.policy.regulated and s.recorder.failing:
            raise _unrecorded()
    except Refusal as refusal:
        ex.refusal = refusal
    except Exception as error:  # noqa: BLE001 - the parser that called us would take it for the caller's fault
        ex.refusal = _fault(ex, error)


async def answer(ex: Exchange, out: Out, s: Services) -> None:
    """The caller has its answer and the record is written; never raises."""
    s.metrics.in_flight += 1
    ex.queue_ms = ex.elapsed_ms()
    try:
        if ex.refusal is not None:
            raise ex.refusal
        if ex.entering is not None:
            await s.admission.entered(ex)
        if ex.path in PROBES:
            _check_method(ex, "GET")
            out.write(PROBES[ex.path](ex, s))
        elif ex.endpoint == "models":
            ex.outcome, ex.status = "ok", 200
            _send_whole(ex, out, s, models(ex))
        elif ex.endpoint == "feedback":
            told = await feedback.take(ex, s)
            ex.outcome, ex.status = "ok", 200
            _send_whole(ex, out, s, told)
        else:
            await _complete(ex, out, s)
    except Refusal as refusal:
        _refuse(ex, out, s, refusal)
    except asyncio.CancelledError:
        ex.outcome, ex.status = "client_gone", 499
        settle(ex, s)
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets an answer and we a record
        _refuse(ex, out, s, _fault(ex, error))
    finally:
        ex.link = None
        s.metrics.in_flight -= 1
        s.admission.release(ex)


async def _complete(ex: Exchange, out: Out, s: Services) -> None:
    q = await question(ex, s)
    try:
        await _answer(ex, out, s, q)
    except asyncio.CancelledError:
        if not q.deadline.expired:
            raise
        raise _too_late(q) from None
    except Garbage as error:
        raise upstream_failed(ex, str(error)) from error
    finally:
        q.deadline.close()
    if q.route.route.shadow is not None:
        shadow.cast(ex, s, q)


async def _answer(ex: Exchange, out: Out, s: Services, q: Question) -> None:
    """From a memory, from a small model that is sure, or from the route's targets."""
    shortcut = Shortcut(ex, s, q) if q.route.shortcuts and not q.named and not ex.canary else None
    known = await shortcut.find() if shortcut is not None else None
    if known is not None:
        _send_known(ex, out, s, q, known)
    elif q.asked.stream:
        if not await _stream(ex, out, s, q):
            shortcut = None  # the record keeps less of it than the caller was told
    else:
        sink = Buffered()
        await ask(ex, s, q, sink)
        known = await _send_answer(ex, out, s, q, sink)
    if shortcut is None:
        return
    if known is None:
        shortcut.remember_stream()
    else:
        shortcut.remember(known)


async def _stream(ex: Exchange, out: Out, s: Services, q: Question) -> bool:
    """The caller has the stream; whether it told plain texts and nothing else."""
    route = q.route
    structures: set[str] = set()
    restore = may_restore(ex, route)
    out_vault = ex.new_vault(s.guard.vault)

    def field(name: str) -> Field:
        return Field(
            stream_guard(s.guard, route.masker, out_vault, name),
            s.guard.restorer(ex.vault) if restore else None,
            route.content.stream("output", ex.content) if route.content and route.content.looks("output") else None,
        )

    events = EventStream(
        ex,
        field=field,
        tree=lambda: media.MediaGuard(
            tree_guard(route.masker, "output", out_vault), route.masker, ex, route.route.unscanned, structures
        ),
        hits=route.masker.hits,
        wants_usage=q.asked.wants_usage,
    )

    def start() -> None:
        ex.begun = True
        out.write(http.head(ex, 200, content_type=_EVENTS, length=None))

    sink = Streamed(ex, events, out=out, deadline=q.deadline, begin=start)
    sink.quick = route.masker.is_quick
    last, failure = b"", None
    try:
        await ask(ex, s, q, sink)
        if not sink.streaming:
            await _send_answer(ex, out, s, q, sink.whole)
        else:
            await sink.settled()
            last = sink.last + (events.end() if sink.quick else await in_turn(events.end))
            if not events.done:
                raise Garbage("the stream ended without [DONE]")
    except BaseException as error:  # noqa: BLE001 - no `finally`: compiled, one that awaits loses what was raised
        failure = error
    await sink.idle()
    if sink.streaming:
        merge(ex.entities_out, events.counts())
        ex.reply = events.reply()
    if failure:
        raise failure
    if not sink.streaming:
        return True
    ex.outcome, ex.status = "ok", 200
    _settle_answer(ex, s)
    _finish(ex, out, s, http.last_chunk(ex, last))
    return not structures


def _send_known(ex: Exchange, out: Out, s: Services, q: Question, data: bytes) -> None:
    """A guarded answer goes to the caller: restored where that is their right, as a stream where they asked for one."""
    ex.first_token_ms = ex.elapsed_ms()
    ex.outcome, ex.status = "ok", 200
    ex.reply = media.kept(ex, data)
    restores = may_restore(ex, q.route)
    if not restores and not q.asked.stream:
        _send_whole(ex, out, s, data)
        return
    value = restored(decoded(data), ex.vault) if restores else decoded(data)
    if q.asked.stream:
        _send_whole(ex, out, s, as_events(value, wants_usage=q.asked.wants_usage), content_type=_EVENTS)
    else:
        _send_whole(ex, out, s, _encode(value))


# -- the way in -----------------------------------------------------------------------------------------------------


def _check_path(ex: Exchange) -> None:
    if not ex.endpoint:
        raise Refusal("bad_request", 404, message=f"没有此路径。 There is no {ex.path[:100]!r} here.", code="not_found")
    _check_method(ex, "GET" if ex.endpoint == "models" else "POST")


def _check_method(ex: Exchange, expected: str) -> None:
    """Where GET may be asked, HEAD may be too."""
    if ex.method != expected and not (ex.method == "HEAD" and expected == "GET"):
        raise Refusal(
            "bad_request",
            405,
            message=f"此路径只接受 {expected}。 This path takes {expected}.",
            code="method_not_allowed",
            headers=(("allow", expected),),
        )


# -- the way back ---------------------------------------------------------------------------------------------------


async def _send_answer(ex: Exchange, out: Out, s: Services, q: Question, sink: Buffered) -> bytes:
    """Guard, record, restore, send: an answer that came whole, a reply or an error. Gives back what was guarded."""
    status = sink.status
    if status != 200 and (not 400 <= status < 500 or status in (401, 403, 407)):
        raise upstream_failed(ex, f"status {status}", wait_s=_retry_after(sink.headers) if status == 503 else "")
    data = sink.data
    if status == 200:
        ex.tokens_in, ex.tokens_out = usage_of(data)
        ex.first_token_ms = ex.elapsed_ms()
        ex.outcome, ex.status = "ok", 200
    else:
        data = as_error(data, status)
        ex.outcome, ex.status = "upstream_refused", status
        if status == 429:
            ex.more_headers = (*ex.more_headers, ("retry-after", _retry_after(sink.headers) or "1"))
    if fits_inline(len(data), q.route.masker):
        guarded = media.guard_answer(ex, data, q.route, s.guard)
        ex.reply = media.kept(ex, checked(guarded))
    else:
        guarded = await off_loop(q.route.masker, media.guard_answer, ex, data, q.route, s.guard)
        ex.reply = await off_loop(q.route.masker, media.kept, ex, checked(guarded))
    data = _encode(restored(decoded(guarded), ex.vault)) if may_restore(ex, q.route) else guarded
    _send_whole(ex, out, s, data)
    return guarded


def _send_whole(ex: Exchange, out: Out, s: Services, data: bytes, *, content_type: bytes = b"application/json") -> None:
    _settle_answer(ex, s)
    _finish(ex, out, s, http.whole(ex, ex.status, data, content_type=content_type))


def _finish(ex: Exchange, out: Out, s: Services, data: bytes) -> None:
    """What was taken is free before the caller hears the end, for he may ask another worker next."""
    ex.link = None  # anybody's by now: a slow caller must not hold it
    s.admission.release(ex)
    out.finish(data)


def _settle_answer(ex: Exchange, s: Services) -> None:
    """Raises Refusal where the policy demands a record and none can be written."""
    if not settle(ex, s, answers=True):
        ex.error = "unrecorded"  # whatever a target said before another answered
        raise _unrecorded()


def _refuse(ex: Exchange, out: Out, s: Services, refusal: Refusal) -> None:
    ex.outcome, ex.status = refusal.outcome, refusal.status
    ex.error = ex.error or refusal.code
    if not ex.begun:
        ex.reply = b""  # whatever the model said, the caller does not hear it
    settle(ex, s)
    if ex.begun:
        # The head is out: the error travels as an event, and no [DONE] pretends that all went well.
        out.write(http.last_chunk(ex, b"data: %b\n\n" % http.error_object(refusal)))
    else:
        out.write(http.refused(ex, refusal))


def _too_late(q: Question) -> Refusal:
    silence_s = q.route.route.timeout_s
    if q.deadline.left_s <= _NEAR_S:
        why = "（整个请求的时限已到）", "(the time of the whole request is over)"
    else:
        why = f"（静默上限 {silence_s:g} 秒）", f"({silence_s:g} s of silence at most)"
    return Refusal(
        "timeout",
        504,
        message=f"模型未在时限内完成响应{why[0]}。 No complete answer in the time allowed {why[1]}.",
        code="timeout",
    )


def _fault(ex: Exchange, error: Exception) -> Refusal:
    """Ours: said whole in the log, by its name in the record, and not at all to the caller."""
    _log.error("request_failed", request=ex.id, exc_info=error)
    ex.error = type(error).__name__
    return Refusal("internal", 500, message="内部错误。 Internal error.", code="internal")


def _unrecorded() -> Refusal:
    return Refusal(
        "internal",
        503,
        message="监管模式下无法写入记录，已拒绝服务。 Records cannot be written, and the policy demands them.",
        code="unrecorded",
        headers=(("retry-after", "5"),),
    )


def _retry_after(headers: dict[bytes, bytes]) -> str:
    """Seconds, where the model server says so many that somebody may wait them; a date is not read."""
    value = headers.get(b"retry-after", b"").strip()
    return value.decode() if value.isdigit() and len(value) <= _MOST_DIGITS else ""
