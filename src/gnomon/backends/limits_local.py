"""Limits, bans and canary counts that all workers of a host share: one memory-mapped file, a few microseconds a call.

Each table is open-addressed with a bounded number of places and a bounded probe; when the probe is full the least
valuable entry gives way (for bans: the one that ends first). A change is made under a byte-range lock of its table,
which the kernel drops with the process, so that no crash leaves it locked; reads of bans and canaries take no lock.
The file lies in the home folder and outlives the workers: a restart forgives nothing.
"""

import fcntl
import hashlib
import mmap
import os
import struct
from pathlib import Path

from gnomon.contract.bundle import Canary, GuessRule
from gnomon.kit.errors import Unavailable

_MAGIC = b"gnlimit2"
_HEADER = 4096
_WORKERS = 16  # columns of the concurrency table
_PROBE = 8
_KEYS, _BANS, _GUESSES, _CANARIES = 16384, 16384, 16384, 256

_KEY = struct.Struct(f"<Qd{_WORKERS}H")  # hash, theoretical arrival time, slots held by each worker
_BAN = struct.Struct("<Qdd")  # hash, until, since
_GUESS = struct.Struct("<Qdq")  # hash, start of the window, count
_CANARY = struct.Struct("<Qqqqd")  # hash, requests, failures, slow, retreated at
_HASH = struct.Struct("<Q")
_DOUBLE = struct.Struct("<d")
_COUNT = struct.Struct("<H")

_KEY_AT = _HEADER
_BAN_AT = _KEY_AT + _KEYS * _KEY.size
_GUESS_AT = _BAN_AT + _BANS * _BAN.size
_CANARY_AT = _GUESS_AT + _GUESSES * _GUESS.size
_SIZE = _CANARY_AT + _CANARIES * _CANARY.size

# bytes of the header that stand for locks: one a table, one a worker column
_LOCK_KEYS, _LOCK_BANS, _LOCK_GUESSES, _LOCK_CANARIES, _LOCK_SETUP, _LOCK_WORKER = 64, 65, 66, 67, 68, 128


def _flock(kind: int, place: int) -> bytes:
    """Linux `struct flock` for one byte of the file; open-file-description locks want pid 0."""
    return struct.pack("@hhqqi4x", kind, os.SEEK_SET, place, 1, 0)


_TAKE = {place: _flock(fcntl.F_WRLCK, place) for place in range(_LOCK_KEYS, _LOCK_SETUP + 1)}
_GIVE = {place: _flock(fcntl.F_UNLCK, place) for place in range(_LOCK_KEYS, _LOCK_SETUP + 1)}


class _Locked:
    """A byte of the file, locked while the block runs; waits for other workers, microseconds at most."""

    __slots__ = ("_fd", "_place")

    def __init__(self, fd: int, place: int) -> None:
        self._fd = fd
        self._place = place

    def __enter__(self) -> None:
        fcntl.fcntl(self._fd, fcntl.F_OFD_SETLKW, _TAKE[self._place])

    def __exit__(self, *_: object) -> None:
        fcntl.fcntl(self._fd, fcntl.F_OFD_SETLKW, _GIVE[self._place])


class LimitsLocal:
    """Implements `contract.ports.Limits` for the workers of one host."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._hashes: dict[str, int] = {}
        with self._lock(_LOCK_SETUP):
            if os.fstat(self._fd).st_size != _SIZE or os.pread(self._fd, 8, 0) != _MAGIC:
                os.ftruncate(self._fd, 0)
                os.ftruncate(self._fd, _SIZE)
                os.pwrite(self._fd, _MAGIC, 0)
            self._map = mmap.mmap(self._fd, _SIZE)
        self._worker = self._claim_column()

    def enter(self, key_id: str, *, per_minute: int, concurrency: int, now: float) -> tuple[int, float, bool]:
        """GCRA: a bucket of `per_minute` requests that refills evenly over a minute. A refusal takes nothing."""
        interval = 60.0 / per_minute if per_minute > 0 else 0.0
        with self._lock(_LOCK_KEYS):
            at = self._key_place(key_id)
            _, arrival, *held = _KEY.unpack_from(self._map, at)
            mine = held[self._worker]
            if concurrency > 0 and (sum(held) >= concurrency or mine == 65535):
                return 0, 1.0, True
            # A clock that jumped back must not lock the caller out for longer than a full bucket takes.
            stored, arrival = arrival, min(max(arrival, now), now + 60.0)
            if stored > arrival:
                _DOUBLE.pack_into(self._map, at + 8, arrival)
            arrival += interval
            if arrival - now > 60.0 + 1e-6:
                return 0, arrival - now - 60.0, False
            _DOUBLE.pack_into(self._map, at + 8, arrival)
            if concurrency > 0:
                _COUNT.pack_into(self._map, at + 16 + 2 * self._worker, mine + 1)
        return int((now + 60.0 - arrival) / interval + 1e-6) if interval else 0, 0.0, False

    def release(self, key_id: str) -> None:
        with self._lock(_LOCK_KEYS):
            at = self._key_place(key_id) + 16 + 2 * self._worker
            held = _COUNT.unpack_from(self._map, at)[0]
            if held:
                _COUNT.pack_into(self._map, at, held - 1)

    def banned_until(self, subject: str, now: float, *, lifted_at: float = 0.0) -> float:
        at = self._find(_BAN_AT, _BANS, _BAN.size, self._hash(subject))
        if at < 0:
            return 0.0
        _, until, since = _BAN.unpack_from(self._map, at)
        return float(until) if until > now and since > lifted_at else 0.0

    def guess(self, subject: str, rule: GuessRule, now: float) -> float:
        hashed = self._hash(subject)
        with self._lock(_LOCK_GUESSES):
            at = self._place(_GUESS_AT, _GUESSES, _GUESS.size, hashed)
            _, start, count = _GUESS.unpack_from(self._map, at)
            if not start <= now < start + rule.window_s:
                start, count = now, 0
            count += 1
            broken = count >= rule.count
            _GUESS.pack_into(self._map, at, hashed, start, 0 if broken else count)
        if not broken:
            return 0.0
        until = now + rule.ban_s
        with self._lock(_LOCK_BANS):
            at = self._place(_BAN_AT, _BANS, _BAN.size, hashed)
            _BAN.pack_into(self._map, at, hashed, max(until, _DOUBLE.unpack_from(self._map, at + 8)[0]), now)
        return until

    def canary_retreated(self, canary_id: str) -> bool:
        at = self._find(_CANARY_AT, _CANARIES, _CANARY.size, self._hash(canary_id))
        return at >= 0 and _DOUBLE.unpack_from(self._map, at + 32)[0] > 0.0

    def canary_result(self, canary: Canary, *, failed: bool, slow: bool) -> dict[str, float]:
        hashed = self._hash(canary.id)
        with self._lock(_LOCK_CANARIES):
            at = self._place(_CANARY_AT, _CANARIES, _CANARY.size, hashed)
            _, requests, failures, slows, retreated = _CANARY.unpack_from(self._map, at)
            requests, failures, slows = requests + 1, failures + failed, slows + slow
            facts: dict[str, float] = {}
            for rule in canary.rules if not retreated else ():
                ratio = (failures if rule.indicator == "error_ratio" else slows) / requests
                if requests >= rule.min_requests and ratio > rule.limit:
                    facts = {"requests": requests, "failures": failures, "slow": slows, rule.indicator: ratio}
                    facts["limit"] = rule.limit
                    retreated = 1.0
                    break
            _CANARY.pack_into(self._map, at, hashed, requests, failures, slows, retreated)
        return facts

    def reap(self) -> int:
        """Clear the columns of workers whose lock the kernel has dropped."""
        dead = 0
        for column in range(_WORKERS):
            if column == self._worker or not self._map[_LOCK_WORKER + column] or not self._try_column(column):
                continue
            self._clear_column(column)
            self._map[_LOCK_WORKER + column] = 0
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK, _LOCK_WORKER + column))
            dead += 1
        return dead

    def close(self) -> None:
        """Give this worker's column back."""
        self._clear_column(self._worker)
        self._map[_LOCK_WORKER + self._worker] = 0
        self._map.close()
        os.close(self._fd)

    # -- places -------------------------------------------------------------------------------------------------

    def _hash(self, name: str) -> int:
        """A stable hash (the builtin one is salted per process); never 0, which marks a free place."""
        known = self._hashes.get(name)
        if known is None:
            if len(self._hashes) >= 8192:
                self._hashes.clear()
            known = _HASH.unpack(hashlib.blake2b(name.encode(), digest_size=8).digest())[0] or 1
            self._hashes[name] = known
        return known

    def _find(self, base: int, places: int, size: int, hashed: int) -> int:
        for step in range(_PROBE):
            at = base + (hashed + step) % places * size
            if _HASH.unpack_from(self._map, at)[0] == hashed:
                return at
        return -1

    def _place(self, base: int, places: int, size: int, hashed: int) -> int:
        """The entry's place, claimed and zeroed if it is new; the place with the smallest second field gives way."""
        found = self._find(base, places, size, hashed)
        if found >= 0:
            return found
        best, oldest = -1, 0.0
        for step in range(_PROBE):
            at = base + (hashed + step) % places * size
            if _HASH.unpack_from(self._map, at)[0] == 0:
                best = at
                break
            age = _DOUBLE.unpack_from(self._map, at + 8)[0]
            if best < 0 or age < oldest:
                best, oldest = at, age
        self._map[best : best + size] = _HASH.pack(hashed) + bytes(size - 8)
        return best

    def _key_place(self, key_id: str) -> int:
        return self._place(_KEY_AT, _KEYS, _KEY.size, self._hash(key_id))

    # -- locks and columns --------------------------------------------------------------------------------------

    def _lock(self, place: int) -> "_Locked":
        return _Locked(self._fd, place)

    def _try_column(self, column: int) -> bool:
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK, _LOCK_WORKER + column))
        except OSError:
            return False
        return True

    def _claim_column(self) -> int:
        for column in range(_WORKERS):
            if self._try_column(column):
                if self._map[_LOCK_WORKER + column]:
                    self._clear_column(column)
                self._map[_LOCK_WORKER + column] = 1
                return column
        raise Unavailable(
            f"All {_WORKERS} worker places of this host are taken.", next_step="Start fewer gateway workers."
        )

    def _clear_column(self, column: int) -> None:
        with self._lock(_LOCK_KEYS):
            for place in range(_KEYS):
                at = _KEY_AT + place * _KEY.size + 16 + 2 * column
                if _COUNT.unpack_from(self._map, at)[0]:
                    _COUNT.pack_into(self._map, at, 0)
