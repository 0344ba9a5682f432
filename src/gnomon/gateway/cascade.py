"""Dynamic model size: the small model answers first, and where it is not sure enough the route's own targets do.

How sure it is comes from the log-probabilities of its tokens, which the draft is asked for and the caller does not see
unless they asked too. Both calls are recorded.
"""

import asyncio
import math
from typing import Any

import msgspec

from gnomon.contract.bundle import Cascade
from gnomon.contract.traffic import Outcome
from gnomon.gateway.answers import Buffered, decoded
from gnomon.gateway.calling import Failure, Question, call
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.meters import cost
from gnomon.gateway.services import Services
from gnomon.gateway.settle import settle
from gnomon.gateway.streaming import Garbage
from gnomon.gateway.uncounted import taken

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


async def draft(ex: Exchange, s: Services, q: Question) -> bytes | None:
    """The small model's answer where it is sure enough (`ex` tells of it then), else None and a record of the draft."""
    rule = q.route.route.cascade
    assert rule is not None
    side = ex.beside("draft")
    side.target = q.route.targets[rule.small]
    try:
        answer = await _ask(side, s, q, rule)
        sure = answer is not None and is_sure(answer, rule, ex.endpoint)
    except asyncio.CancelledError:
        side.outcome, side.status = ("timeout", 504) if q.deadline.expired else ("client_gone", 499)
        settle(side, s)
        raise
    if answer is None or not sure:
        ex.escalated = True
        ex.attempts += side.attempts
        settle(side, s)
        return None
    _take_over(ex, side, q)
    return _encode(_without_logprobs(answer, q))


async def _ask(side: Exchange, s: Services, q: Question, rule: Cascade) -> dict[str, Any] | None:
    """The draft, or None when there is none worth a look."""
    target, sink = side.target, Buffered()
    assert target is not None
    circuit = s.circuits.of(target)
    if not circuit.enter(s.pool.loop.time()):
        side.outcome, side.error = "upstream_unreachable", "left alone after failures"
        return None
    rules = q.route.route
    asked = q.asking(_with_logprobs(q, side.endpoint, rule), q.deadline)
    silence_s = rules.first_byte_s or rules.timeout_s / 2.0
    try:
        failure = await call(side, s, asked, target=target, circuit=circuit, sink=sink, silence_s=silence_s)
        side.status, side.outcome = sink.status, _outcome(failure, sink.status)
        if side.outcome != "ok":
            return None
        side.tokens_in, side.tokens_out = taken(q.raw, sink.data)
        answer: dict[str, Any] = decoded(sink.data)
    except Garbage as error:
        side.outcome, side.error = "upstream_error", str(error)[:300]
        return None
    return answer


def _outcome(failure: Failure | None, status: int) -> Outcome:
    if failure is Failure.UNREACHED:
        return "upstream_unreachable"
    if failure is Failure.BROKEN or status >= 500:
        return "upstream_error"
    return "ok" if status == 200 else "upstream_refused"


def _take_over(ex: Exchange, side: Exchange, q: Question) -> None:
    """The draft is the answer: what is known of it is known of the request."""
    assert side.target is not None
    ex.target, ex.attempts, ex.connect_ms = side.target, side.attempts, side.connect_ms
    ex.tokens_in, ex.tokens_out = tokens = side.tokens_in, side.tokens_out
    ex.saved = (cost(q.choice.targets[0].target, *tokens) - cost(side.target.target, *tokens)) / 1e6


def _with_logprobs(q: Question, endpoint: str, rule: Cascade) -> bytes:
    body = _decode(q.raw)
    body.pop("stream", None)
    body.pop("stream_options", None)
    places = 2 if rule.min_margin is not None else 0
    if rule.min_mean_logprob is None and not places:
        return _encode(body)
    if endpoint == "completions":
        body["logprobs"] = max(places, 1, _number(body.get("logprobs")))
    else:
        body["logprobs"] = True
        if places:
            body["top_logprobs"] = max(places, _number(body.get("top_logprobs")))
    return _encode(body)


def _without_logprobs(answer: dict[str, Any], q: Question) -> dict[str, Any]:
    if q.asked.body.get("logprobs") not in (None, False):
        return answer
    for choice in answer["choices"]:
        choice["logprobs"] = None
    return answer


# -- how sure ---------------------------------------------------------------------------------------------------------


def is_sure(answer: dict[str, Any], rule: Cascade, endpoint: str) -> bool:
    """Whether every choice is; what cannot be measured is not."""
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        return False
    return all(isinstance(choice, dict) and _is_sure(choice, rule, endpoint) for choice in choices)


def _is_sure(choice: dict[str, Any], rule: Cascade, endpoint: str) -> bool:
    if choice.get("finish_reason") in rule.escalate_on:
        return False
    tokens, first = _text_probabilities(choice) if endpoint == "completions" else _chat_probabilities(choice)
    if rule.min_mean_logprob is not None and not (tokens and sum(tokens) / len(tokens) >= rule.min_mean_logprob):
        return False
    if rule.min_margin is None:
        return True
    return len(first) >= 2 and math.exp(first[0]) - math.exp(first[1]) >= rule.min_margin


def _chat_probabilities(choice: dict[str, Any]) -> tuple[list[float], list[float]]:
    """(log-probability of each token, those of the first token's alternatives, best first)."""
    told = choice.get("logprobs")
    rows = told.get("content") if isinstance(told, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    top = rows[0].get("top_logprobs") if rows else None
    ranked = [_logprob(row.get("logprob")) for row in top if isinstance(row, dict)] if isinstance(top, list) else []
    return [_logprob(row.get("logprob")) for row in rows], sorted(ranked, reverse=True)


def _text_probabilities(choice: dict[str, Any]) -> tuple[list[float], list[float]]:
    told = choice.get("logprobs")
    told = told if isinstance(told, dict) else {}
    tokens, top = told.get("token_logprobs"), told.get("top_logprobs")
    first = top[0] if isinstance(top, list) and top and isinstance(top[0], dict) else {}
    rows = tokens if isinstance(tokens, list) else []
    return [_logprob(value) for value in rows], sorted(map(_logprob, first.values()), reverse=True)


def _logprob(value: Any) -> float:
    """What is no log-probability counts as an impossible token."""
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value <= 0
    return float(value) if fits else -math.inf


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
