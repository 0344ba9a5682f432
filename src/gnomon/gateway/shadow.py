"""Shadow traffic: a share of the answered requests is asked of another target too, after the caller has the answer.

Nobody waits for it and nothing of its answer is kept but the record: outcome, times, tokens, cost.
"""

import asyncio
import random

import msgspec

from gnomon.gateway.answers import Buffered
from gnomon.gateway.calling import Question, call
from gnomon.gateway.deadline import Deadline
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.services import Services
from gnomon.gateway.settle import settle
from gnomon.gateway.snapshot import PreparedTarget
from gnomon.gateway.streaming import Garbage
from gnomon.gateway.uncounted import taken
from gnomon.kit import log

_log = log.get(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def cast(ex: Exchange, s: Services, q: Question) -> None:
    """The request is on its way to the shadow too, or it is not its turn; returns at once and never raises."""
    rule = q.route.route.shadow
    if rule is None or q.named or ex.outcome != "ok" or random.random() >= rule.share:  # noqa: S311 - not a secret
        return
    target = q.route.targets[rule.target]
    if target is ex.target or len(s.shadows) >= rule.max_in_flight:
        return
    task = s.pool.loop.create_task(_follow(ex.beside("shadow"), s, q, target))
    s.shadows.add(task)
    task.add_done_callback(s.shadows.discard)


async def _follow(ex: Exchange, s: Services, q: Question, target: PreparedTarget) -> None:
    """The shadow was asked and the record says how that went."""
    circuit = s.circuits.of(target)
    if not circuit.enter(s.pool.loop.time()):
        return
    rules = q.route.route
    task = asyncio.current_task()
    assert task is not None
    total_s = rules.total_s or rules.timeout_s
    deadline = Deadline(s.pool.deadlines, rules.timeout_s, cancel=task.cancel, total_s=total_s)
    sink = Buffered()
    ex.target = target
    try:
        await call(ex, s, q.asking(_whole(q), deadline), target=target, circuit=circuit, sink=sink)
        ex.status = sink.status
        ex.outcome = (
            "ok" if sink.status == 200 else "upstream_refused" if 400 <= sink.status < 500 else "upstream_error"
        )
        if ex.outcome == "ok":
            ex.tokens_in, ex.tokens_out = taken(q.raw, sink.data)
    except asyncio.CancelledError:
        ex.outcome, ex.status = ("timeout", 504) if deadline.expired else ("client_gone", 499)
    except Garbage as error:
        ex.outcome, ex.status, ex.error = "upstream_error", 502, str(error)[:300]
    except Exception as error:  # noqa: BLE001 - nobody waits who could be told
        _log.exception("shadow_failed", request=ex.id)
        ex.outcome, ex.error = "internal", type(error).__name__
    finally:
        deadline.close()
        settle(ex, s)


def _whole(q: Question) -> bytes:
    """The request as one that is answered whole: nobody watches it arrive."""
    if not q.asked.stream:
        return q.raw
    body = _decode(q.raw)
    body.pop("stream", None)
    body.pop("stream_options", None)
    return _encode(body)
