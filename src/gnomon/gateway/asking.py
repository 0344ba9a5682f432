"""Asks model servers until one answers: the first choice, then who stands behind it, and never twice where it hurts.

Safe to ask again: no connection, or no byte of an answer. Another target may also be asked after a 5xx or a 429. After
a broken answer, and for the same target after a 5xx or a 429, only a caller's Idempotency-Key makes it safe; once a
byte has gone to the caller nothing does.
"""

import asyncio
import random
from typing import Final

from gnomon.gateway.calling import Answer, Failure, Question, call, with_model
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.hedging import call_two
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.replies import upstream_failed
from gnomon.gateway.services import Services

_BACKOFF_S: Final = (
    0.05  # before the first repetition, doubled with each, times a random 0.5 to 1.5 so that callers spread
)
_MAX_BACKOFF_S: Final = 1.0


async def ask(ex: Exchange, s: Services, q: Question, sink: Answer) -> None:
    """`sink` holds the first answer worth having, else the last. Raises Refusal when there is none."""
    rules, order = q.route.route, q.choice.targets
    failure: Failure | None = None
    number, tries = 0, len(order) + (0 if q.named else rules.retries)
    while number < tries:
        again = number - len(order)
        if failure is not None and not _may_go_on(failure, again >= 0, ex.idempotent):
            break
        if again >= 0:
            await asyncio.sleep(min(_BACKOFF_S * 2**again, _MAX_BACKOFF_S) * (0.5 + random.random()))  # noqa: S311
        target = order[number % len(order)]
        number += 1
        circuit = None if q.named else s.circuits.of(target)
        if circuit is not None and not circuit.enter(s.pool.loop.time()):
            continue
        if failure is not None:
            sink.reset()
        ex.target = target
        ex.request = with_model(target, q.kept)
        if rules.hedge_after_ms and number < len(order):
            failure, used = await call_two(ex, s, q, targets=order[number - 1 : number + 1], circuit=circuit, sink=sink)
            number += used - 1
        else:
            silence_s = rules.first_byte_s if number < tries else 0.0
            failure = await call(ex, s, q, target=target, circuit=circuit, sink=sink, silence_s=silence_s)
        if failure is None:
            return
        if sink.begun:
            raise upstream_failed(ex, ex.error)
    if failure is Failure.BROKEN:
        raise upstream_failed(ex, ex.error)
    if failure is not Failure.REFUSED:
        raise _nobody(ex)


def _may_go_on(failure: Failure, again: bool, idempotent: bool) -> bool:
    if idempotent or failure is Failure.UNREACHED:
        return True
    return failure is Failure.REFUSED and not again


def _nobody(ex: Exchange) -> Refusal:
    ex.error = ex.error or "every upstream is left alone after failures"
    return Refusal(
        "upstream_unreachable",
        503,
        message="模型服务暂时无法连接。 The model server cannot be reached.",
        code="upstream_unreachable",
        headers=(("retry-after", "1"),),
    )
