"""Who may come in: bans, keys, rights, limits. Decided from the head alone, before a byte of the body is looked at."""

import asyncio
import hashlib
import hmac
import time
from typing import Final

from gnomon.contract.bundle import GuessRule, Key
from gnomon.contract.ports import Day, Entry, Limits, Meter
from gnomon.contract.traffic import DefenceNotice
from gnomon.gateway.addresses import network
from gnomon.gateway.deadlines import ticks
from gnomon.gateway.exchange import NOTHING, Exchange
from gnomon.gateway.heads import Proof
from gnomon.gateway.meters import Meters, cost, counts_tokens
from gnomon.gateway.over_limit import over_limit, refuse_too_large, scarcer, seconds
from gnomon.gateway.recorder import Recorder
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.requests import Expected
from gnomon.gateway.snapshot import Snapshot
from gnomon.gateway.stale import StaleKeys
from gnomon.gateway.uncounted import used
from gnomon.kit.ids import new_id

_UNSAID_ANSWER: Final = 512  # tokens; some three times the median answer of a chat; what is really used is settled
_NOBODY: Final = "0" * 64  # compared with when the key id is unknown, so that knowing an id cannot be timed


class Admission:
    def __init__(self, *, limits: Limits, recorder: Recorder) -> None:
        self._limits = limits
        self._recorder = recorder
        self.stale = StaleKeys(recorder)

    def admit(self, ex: Exchange, snapshot: Snapshot) -> None:
        """The exchange has its key and its place in the limits. Raises Refusal."""
        now = time.time()
        self._check_address(ex, snapshot, now)
        key = self._identify(ex, snapshot, now)
        ex.key = key
        banned_for = snapshot.banned_keys.get(key.id, 0.0) - ticks() if snapshot.banned_keys else 0.0
        if banned_for > 0.0:
            raise _banned("API 密钥已被封禁。 The API key is banned.", banned_for)
        if key.expires_at is not None and key.expires_at <= now:
            self.stale.note(key.id)
            raise Refusal(
                "unauthorised", 401, message="API 密钥已过期。 The API key has expired.", code="expired_api_key"
            )
        throttle = snapshot.throttled.get(key.id)
        throttled = throttle is not None and throttle.until > ticks()
        meters = snapshot.meters.of_key(key, at_most=throttle.requests_per_minute if throttle and throttled else 0)
        if meters:
            self._enter(ex, meters, now, snapshot.meters.day(now))

    async def entered(self, ex: Exchange) -> None:
        """The limits have answered. Raises Refusal."""
        if ex.entering is not None:
            fresh, future = ex.entering
            self._judge(ex, fresh, await asyncio.shield(future))

    def counts(self, ex: Exchange, meters: Meters) -> bool:
        """Whether `reserve` has anything to do."""
        return bool(meters.of_model(ex.model)) or any(map(counts_tokens, ex.held))

    async def reserve(self, ex: Exchange, meters: Meters, *, tokens: Expected) -> None:
        """The model's limits hold, and the tokens that the answer may use are taken. Raises Refusal."""
        fresh, now = meters.of_model(ex.model), time.time()
        inside = tuple(meter for meter in ex.held if counts_tokens(meter))
        answer = tokens.answer or _room_for_answer(fresh + inside, tokens.prompt)
        targets = ex.route.targets.values() if ex.route is not None else ()
        dearest = max((cost(t.target, tokens.prompt, answer) for t in targets), default=0)
        refuse_too_large(fresh + inside, tokens.prompt + answer)
        ex.reserved = (tokens.prompt + answer, dearest)
        self._enter(ex, fresh, now, meters.day(now), inside=inside)
        await self.entered(ex)

    def release(self, ex: Exchange) -> None:
        """Slots are given back and tokens settled with what was used; harmless when nothing is held."""
        if ex.entering is not None:
            (fresh, future), ex.entering = ex.entering, None
            future.add_done_callback(lambda done: self._give_up(ex, fresh, done.result()))
        elif ex.held and ex.snapshot is not None:
            held, ex.held = ex.held, ()
            now = time.time()
            tokens, spent = _used(ex)
            self._limits.leave(held, tokens=tokens, cost=spent, day=ex.snapshot.meters.day(now), now=now)

    def _give_up(self, ex: Exchange, fresh: tuple[Meter, ...], found: Entry) -> None:
        """The caller left before the limits had answered."""
        if found.refused:
            ex.reserved = (0, 0)
        else:
            ex.held += fresh
        self.release(ex)

    def _check_address(self, ex: Exchange, snapshot: Snapshot, now: float) -> None:
        listed = snapshot.banned_addresses
        place = network(ex.peer)
        left = max(listed.get(name, 0.0) for name in (ex.peer, place, ex.address)) - ticks() if listed else 0.0
        ours = self._limits.banned_until(place, now, lifted_at=snapshot.lifted.get(ex.address, 0.0))
        left = max(left, ours - now)
        if left > 0.0:
            raise _banned("来源地址已被封禁。 This address is banned.", left)

    def _identify(self, ex: Exchange, snapshot: Snapshot, now: float) -> Key:
        proof = ex.proof or _proof(ex.headers.get(b"authorization", b""))
        ex.proof, id = proof, proof.key_id
        key, ended = snapshot.keys.get(id), snapshot.ended.get(id, _NOBODY)
        fits = hmac.compare_digest(proof.digest, key.sha256 if key else ended)
        if key is not None and fits:
            return key
        if fits and id:
            self.stale.note(id)  # whoever left it in a job is told; the one who asks learns no more than a guesser
        else:
            ex.tried = proof.digest[:4]  # tells keys apart and names none
            self._count_guess(ex, snapshot, now)
        raise Refusal("unauthorised", 401, message="API 密钥无效。 The API key is not valid.", code="invalid_api_key")

    def _count_guess(self, ex: Exchange, snapshot: Snapshot, now: float) -> None:
        rule = snapshot.policy.guess
        until = self._limits.guess(network(ex.peer), rule, now)
        if isinstance(until, float):
            self._tell_ban(ex.address, rule, now, until)
        else:
            until.add_done_callback(lambda done: self._tell_ban(ex.address, rule, now, done.result()))

    def _tell_ban(self, address: str, rule: GuessRule, now: float, until: float) -> None:
        if not until:
            return
        self._recorder.notice(
            DefenceNotice(
                id=new_id("notice"),
                at=now,
                kind="ban",
                subject=address,  # the digest: who an address belongs to stays outside the records
                reason="key_guessing",
                until=until,
                facts={"count": float(rule.count), "window_s": rule.window_s, "ban_s": rule.ban_s},
            )
        )

    # -- limits -------------------------------------------------------------------------------------------------

    def _enter(
        self, ex: Exchange, fresh: tuple[Meter, ...], now: float, day: Day, *, inside: tuple[Meter, ...] = ()
    ) -> None:
        """Counted by `fresh`, or `ex.entering` will say so. Raises Refusal."""
        tokens, cost = ex.reserved
        found = self._limits.enter(fresh, inside=inside, tokens=tokens, cost=cost, day=day, now=now)
        if isinstance(found, Entry):
            self._judge(ex, fresh, found)
        else:
            ex.entering = (fresh, found)

    def _judge(self, ex: Exchange, fresh: tuple[Meter, ...], found: Entry) -> None:
        ex.entering = None
        ex.room = found if ex.room is NOTHING else scarcer(ex.room, found)
        if found.refused:
            ex.reserved = (0, 0)
            raise over_limit(found)
        ex.held += fresh


def _proof(header: bytes) -> Proof:
    """Raises Refusal where there is no key."""
    if header[:7].lower() != b"bearer ":
        raise Refusal(
            "unauthorised",
            401,
            message="缺少 API 密钥，请用 Authorization: Bearer 提供。 Send an API key as Authorization: Bearer.",
            code="missing_api_key",
        )
    token = header[7:].strip()
    parts = token.decode("latin-1").split("_", 2)
    return Proof(parts[1] if len(parts) == 3 else "", hashlib.sha256(token).hexdigest())


def _banned(message: str, wait: float) -> Refusal:
    return Refusal("banned", 403, message=message, code="banned", headers=(("retry-after", seconds(wait)),))


def _room_for_answer(meters: tuple[Meter, ...], prompt: int) -> int:
    """What is reserved for an answer whose length the caller left open: never so much that nothing fits."""
    smallest = min((m.tokens_per_minute for m in meters if m.tokens_per_minute), default=_UNSAID_ANSWER + prompt)
    return max(min(_UNSAID_ANSWER, smallest - prompt), 0)


def _used(ex: Exchange) -> tuple[int, int]:
    """Tokens and cost beyond what was reserved.

    An answer without a count is taken to have used just that, or what is estimated of it where that is more: nobody
    spares his budget a text by leaving before it is counted.
    """
    tokens, reserved = ex.reserved
    if ex.cache == "hit":
        return -tokens, -reserved  # no model worked for it
    told = used(ex)
    if not any(told) or ex.target is None:
        answered = ex.outcome == "ok" or ex.first_token_ms is not None
        return (0, 0) if answered else (-tokens, -reserved)
    more, dearer = sum(told) - tokens, cost(ex.target.target, *told) - reserved
    is_counted = ex.tokens_in or ex.tokens_out
    return (more, dearer) if is_counted else (max(more, 0), max(dearer, 0))
