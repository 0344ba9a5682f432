"""The end of every request: one record, the counters, and the canary's verdict."""

import base64
from typing import Final

from gnomon.contract.bundle import Canary
from gnomon.contract.traffic import DefenceNotice, Timings, TrafficRecord
from gnomon.gateway import routing
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.meters import cost
from gnomon.gateway.services import Services
from gnomon.gateway.uncounted import used
from gnomon.kit import log
from gnomon.kit.ids import new_id

_log: Final = log.get(__name__)
_MAX_CONTENT: Final = 1_048_576  # characters of request and of reply in a record


def settle(ex: Exchange, s: Services, *, answers: bool = False) -> bool:
    """The record is in the kernel's hands before the last byte of the response is. Once per request.

    False: a regulated policy forbids the answer (`answers`), for its record cannot be written. Nothing was recorded
    then, so that no record says later what the caller was not told; what he is told instead is settled anew.
    """
    if ex.recorded:
        return True
    ex.recorded = True
    total = ex.elapsed_ms()
    request, reply = (_kept(ex.request), _kept(ex.reply)) if _keeps(ex) else (b"", b"")
    record = _record(ex, total, s.persons_of(ex))
    if answers and ex.snapshot is not None and ex.snapshot.policy.regulated:
        if not s.recorder.record_now(record, request=request, reply=reply):
            ex.recorded = False
            return False
    else:
        s.recorder.record(record, request=request, reply=reply)
    if ex.role:
        return True
    s.metrics.count(ex.outcome, total, sum(ex.entities_in.values()), sum(ex.entities_out.values()))
    if ex.canary:
        _judge_canary(ex, s, total)
    return True


def _record(ex: Exchange, total: float, persons: tuple[str, ...]) -> TrafficRecord:
    snapshot, key, target = ex.snapshot, ex.key, ex.target
    tokens_in, tokens_out = used(ex)
    spent = 0.0
    if target is not None and target.priced and ex.cache != "hit":
        spent = cost(target.target, tokens_in, tokens_out) / 1e6
    return TrafficRecord(
        id=ex.id,
        at=ex.at,
        outcome=ex.outcome,
        status=ex.status,
        timings=Timings(
            guard_in=_rounded(ex.guard_in_ms),
            upstream_connect=_rounded(ex.connect_ms),
            first_token=_rounded(ex.first_token_ms),
            total=_rounded(total) or 0.0,
            queue=_rounded(ex.queue_ms),
            per_token=_per_token(ex, total) if ex.stream else None,
        ),
        policy=snapshot.policy_version if snapshot else "",
        roster=snapshot.roster_version if snapshot else "",
        endpoint=ex.endpoint,
        model=ex.model,
        target=target.target.id if target else "",
        version=target.target.version if target else "",
        canary=ex.canary,
        key_id=key.id if key else "",
        caller=key.caller if key else "",
        team=key.team if key else "",
        address=ex.address,
        tried=ex.tried,
        stream=ex.stream,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        entities_in=ex.entities_in,
        entities_out=ex.entities_out,
        error=ex.error,
        tags=ex.tags if ex.route is not None else {},  # without a route nothing has masked them
        content=tuple(ex.content.values()),
        role=ex.role,
        attempts=ex.attempts,
        cache=ex.cache,
        arm=ex.arm,
        escalated=ex.escalated,
        cost=spent,
        saved=-spent if ex.role == "draft" else ex.saved,
        unscanned=ex.unscanned,
        persons=persons,
        sealed=_sealed_copy(ex) if _keeps(ex) else "",
    )


def _keeps(ex: Exchange) -> bool:
    """Whether the record keeps what was said."""
    return (ex.route is None or ex.route.route.keep_content) and not _is_sealed(ex)


def _kept(content: bytes) -> bytes:
    """As much of it as a record keeps."""
    return content if len(content) <= _MAX_CONTENT else content.decode()[:_MAX_CONTENT].encode()


def _sealed_copy(ex: Exchange) -> str:
    """What was replaced in the request, for nobody but control, and not for ever."""
    snapshot = ex.snapshot
    if snapshot is None or snapshot.sealer is None or not ex.vault:
        return ""
    expires_at = ex.at + snapshot.policy.restore_days * 86_400
    return base64.b64encode(snapshot.sealer.seal(ex.vault, expires_at=expires_at)).decode()


def _per_token(ex: Exchange, total: float) -> float | None:
    """Between two tokens of a stream; None where none was watched, or nobody counted them."""
    if ex.first_token_ms is None or ex.tokens_out < 2 or ex.cache == "hit":
        return None
    return round((total - ex.first_token_ms) / (ex.tokens_out - 1), 3)


def _is_sealed(ex: Exchange) -> bool:
    """An evaluation's own request: its text may come from a sealed test set, which nobody may read in a record."""
    return "run" in ex.tags and ex.key is not None and "evaluate" in ex.key.scopes


def _judge_canary(ex: Exchange, s: Services, total: float) -> None:
    route, snapshot = ex.route, ex.snapshot
    canary = route.route.canary if route else None
    if canary is None or snapshot is None or route is None or not routing.is_watched(route, ex.canary):
        return
    if ex.outcome in snapshot.policy.success.excluded:
        return
    elsewhere = ex.target is not None and ex.target.target.id != canary.target  # it fell back: the canary failed
    failed = elsewhere or ex.outcome in snapshot.policy.success.failures
    facts = s.limits.canary_result(canary, failed=failed, slow=_is_slow(canary, total))
    if facts:
        _log.warning("canary_retreated", canary=canary.id, **facts)
        s.recorder.notice(
            DefenceNotice(
                id=new_id("notice"),
                at=ex.at,
                kind="canary_retreat",
                subject=canary.id,
                reason="rule_broken",
                facts=facts,
            )
        )


def _is_slow(canary: Canary, total: float) -> bool:
    return any(rule.indicator == "latency_ratio_over" and total > rule.latency_ms for rule in canary.rules)


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else int(ms * 1000.0 + 0.5) / 1000.0  # times are never below 0
