"""One question to one model server: the bytes that go out, and what came of it."""

import asyncio
import math
from enum import Enum, auto
from functools import partial
from typing import Final, Protocol

from gnomon.gateway.circuits import Circuit, Verdict
from gnomon.gateway.deadline import Deadline
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.link import Line, Sink, Unreachable, UpstreamError
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.requests import Asked
from gnomon.gateway.routing import Choice
from gnomon.gateway.services import Services
from gnomon.gateway.snapshot import PreparedRoute, PreparedTarget
from gnomon.kit import log

_log: Final = log.get(__name__)


class Answer(Sink, Protocol):
    """A sink that knows what it holds."""

    @property
    def status(self) -> int: ...

    @property
    def begun(self) -> bool:
        """Whether a byte has gone to the caller."""
        ...

    def reset(self) -> None:
        """It holds nothing; not to be called once it has begun."""
        ...


class Question:
    """A guarded request on its way: `raw` is the caller's object without `model`, `kept` what the record shows."""

    __slots__ = ("asked", "choice", "deadline", "kept", "named", "raw", "route")

    def __init__(
        self,
        asked: Asked,
        route: PreparedRoute,
        choice: Choice,
        *,
        raw: bytes,
        kept: bytes,
        deadline: Deadline,
        named: bool,
    ) -> None:
        self.asked = asked
        self.route = route
        self.choice = choice
        self.raw = raw
        self.kept = kept
        self.deadline = deadline
        self.named = named

    def asking(self, raw: bytes, deadline: Deadline) -> "Question":
        """The same question in other words."""
        return Question(
            self.asked, self.route, self.choice, raw=raw, kept=self.kept, deadline=deadline, named=self.named
        )


class Beaten(Exception):
    """Another target answered the same question first."""


class Failure(Enum):
    """Why there is no good answer, and so what may be done about it."""

    UNREACHED = auto()  # no connection, or no byte of an answer
    REFUSED = auto()  # 5xx or 429: the sink holds it
    BROKEN = auto()  # an answer began and did not end


async def call(
    ex: Exchange,
    s: Services,
    q: Question,
    *,
    target: PreparedTarget,
    circuit: Circuit | None,
    sink: Answer,
    line: Line | None = None,
    silence_s: float = 0.0,
) -> Failure | None:
    """None: the sink holds an answer. Raises what the sink raised. A `circuit` must have let it in."""
    loop = s.pool.loop
    entered = loop.time()
    verdict: Verdict = "bad"
    ex.attempts += 1
    data = request(ex, q, target)
    try:
        meanwhile = partial(s.note_persons, ex)
        answered = await s.pool.call(target, data, sink, ex=line or ex, silence_s=silence_s, meanwhile=meanwhile)
        if sink.status >= 500:
            return Failure.REFUSED
        slow_ms = target.breaker.slow_ms
        verdict = "bad" if slow_ms and (answered - entered) * 1000.0 > slow_ms else "good"
        return Failure.REFUSED if sink.status == 429 else None
    except UpstreamError as error:
        verdict = "unreachable" if isinstance(error, Unreachable) else "bad"
        ex.error = str(error)[:300]
        _log.warning("upstream_failed", request=ex.id, target=target.target.id, why=ex.error)
        return Failure.BROKEN if error.received else Failure.UNREACHED
    except asyncio.CancelledError:
        verdict = "bad" if q.deadline.expired else "none"
        raise
    except (Refusal, Beaten):
        verdict = "good"  # it answered; the end is ours
        raise
    finally:
        if circuit is not None:
            circuit.leave(verdict, entered, loop.time())


def request(ex: Exchange, q: Question, target: PreparedTarget) -> bytes:
    """Head and body as they go to this target."""
    body = with_model(target, q.raw)
    left_s = q.deadline.left_s
    return b"%b%b HTTP/1.1\r\n%bx-request-id: %b\r\n%b%bcontent-length: %d\r\n\r\n%b" % (
        target.start,
        ex.path[3:].encode(),  # without /v1, which the upstream's URL holds
        target.headers,
        ex.id.encode(),
        ex.forward,
        b"" if left_s == math.inf else b"x-gnomon-timeout-ms: %d\r\n" % (left_s * 1000.0),
        len(body),
        body,
    )


def with_model(target: PreparedTarget, raw: bytes) -> bytes:
    """The caller's object, which is not empty, with the model's name as this target knows it."""
    return target.opening + raw[1:]
