"""Who may come in: bans, keys, rights, limits. Decided from the head alone, before a byte of the body is looked at."""

import hashlib
import hmac
import ipaddress
import time

from gnomon.contract.bundle import Key
from gnomon.contract.ports import Limits
from gnomon.contract.traffic import DefenceNotice
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.recorder import Recorder
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.snapshot import Snapshot
from gnomon.kit.ids import new_id

_NOBODY = "0" * 64  # compared with when the key id is unknown, so that knowing an id cannot be timed


class Admission:
    def __init__(self, *, limits: Limits, recorder: Recorder) -> None:
        self._limits = limits
        self._recorder = recorder

    def admit(self, ex: Exchange, snapshot: Snapshot) -> None:
        """The exchange has its key and its place in the limits. Raises Refusal."""
        now = time.time()
        self._check_address(ex, snapshot, now)
        key = self._identify(ex, snapshot, now)
        ex.key = key
        if snapshot.banned_keys.get(key.id, 0.0) > now:
            raise _banned("API 密钥已被封禁。 The API key is banned.", snapshot.banned_keys[key.id] - now)
        if key.expires_at is not None and key.expires_at <= now:
            raise Refusal(
                "unauthorised", 401, message="API 密钥已过期。 The API key has expired.", code="expired_api_key"
            )
        self._limit(ex, key, now)

    def release(self, ex: Exchange) -> None:
        """Give the concurrency slot back; harmless when none is held."""
        if ex.held:
            held, ex.held = ex.held, ""
            self._limits.release(held)

    def _check_address(self, ex: Exchange, snapshot: Snapshot, now: float) -> None:
        listed = snapshot.banned_addresses
        until = max(listed.get(ex.peer, 0.0), listed.get(ex.address, 0.0)) if listed else 0.0
        ours = self._limits.banned_until(network(ex.peer), now, lifted_at=snapshot.lifted.get(ex.address, 0.0))
        until = max(until if until > now else 0.0, ours)
        if until:
            raise _banned("来源地址已被封禁。 This address is banned.", until - now)

    def _identify(self, ex: Exchange, snapshot: Snapshot, now: float) -> Key:
        header = ex.headers.get(b"authorization", b"")
        if header[:7].lower() != b"bearer ":
            raise Refusal(
                "unauthorised",
                401,
                message="缺少 API 密钥，请用 Authorization: Bearer 提供。 Send an API key as Authorization: Bearer.",
                code="missing_api_key",
            )
        token = header[7:].strip()
        parts = token.decode("latin-1").split("_", 2)
        key = snapshot.keys.get(parts[1]) if len(parts) == 3 else None
        fits = hmac.compare_digest(hashlib.sha256(token).hexdigest(), key.sha256 if key else _NOBODY)
        if key is not None and fits:
            return key
        self._count_guess(ex, snapshot, now)
        raise Refusal("unauthorised", 401, message="API 密钥无效。 The API key is not valid.", code="invalid_api_key")

    def _count_guess(self, ex: Exchange, snapshot: Snapshot, now: float) -> None:
        rule = snapshot.policy.guess
        until = self._limits.guess(network(ex.peer), rule, now)
        if not until:
            return
        self._recorder.notice(
            DefenceNotice(
                id=new_id("notice"),
                at=now,
                kind="ban",
                subject=ex.address,  # the digest: who an address belongs to stays outside the records
                reason="key_guessing",
                until=until,
                facts={"count": float(rule.count), "window_s": rule.window_s, "ban_s": rule.ban_s},
            )
        )

    def _limit(self, ex: Exchange, key: Key, now: float) -> None:
        per_minute, concurrency = key.requests_per_minute, key.concurrency
        if per_minute <= 0 and concurrency <= 0:
            return
        left, wait, crowded = self._limits.enter(key.id, per_minute=per_minute, concurrency=concurrency, now=now)
        if per_minute > 0 and not crowded:
            ex.limit_headers = (
                ("x-ratelimit-limit-requests", str(per_minute)),
                ("x-ratelimit-remaining-requests", str(left)),
                ("x-ratelimit-reset-requests", f"{(per_minute - left) * 60.0 / per_minute:.3f}s"),
            )
        if crowded:
            raise _limited(f"并发已达上限 {concurrency}。 At most {concurrency} requests at once.", wait)
        if wait:
            raise _limited(f"已达每分钟 {per_minute} 次的限额。 The limit of {per_minute} a minute is reached.", wait)
        if concurrency > 0:
            ex.held = key.id


def network(address: str) -> str:
    """What a ban covers: the address, or for IPv6 its /64, of which one host owns every address."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.split("%", 1)[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _banned(message: str, wait: float) -> Refusal:
    return Refusal("banned", 403, message=message, code="banned", headers=(("retry-after", _seconds(wait)),))


def _limited(message: str, wait: float) -> Refusal:
    return Refusal(
        "limited", 429, message=message, code="rate_limit_exceeded", headers=(("retry-after", _seconds(wait)),)
    )


def _seconds(wait: float) -> str:
    return str(max(1, int(wait + 0.999)))
