"""Limits, bans and canary counts that all workers of a host share: one memory-mapped file, a few microseconds a call.

Each table is open-addressed with a bounded number of places and a bounded probe; when the probe is full the least
valuable entry gives way (for bans: the one that ends first). A change is made under a lock of its table which ends with
the process, so that no crash leaves it locked: for the meters a word in the header, for the rest, and where a worker of
the host has no C, a byte range of the file (`limits_locks`). Reads of bans and canaries take no lock.
The file lies in the home folder and outlives the workers: a restart forgives nothing. Its times are of a clock that no
step of the wall clock reaches (`limits_clock`); a file of another make is put aside, not cut short under its workers.
"""

import fcntl
import hashlib
import mmap
import os
import secrets
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gnomon import native
from gnomon.backends import limits_layout as layout
from gnomon.backends.limits_account import Account
from gnomon.backends.limits_clock import HostClock, Ticks
from gnomon.backends.limits_day import HostDay
from gnomon.backends.limits_locks import Locked, Word, begin_alone, flock, forget_owner, keep_plain
from gnomon.contract.bundle import Canary, GuessRule
from gnomon.contract.ports import Day, Entry, Meter, Room
from gnomon.kit.errors import Unavailable

_MAGIC: Final = b"gnlimit5"
_PROBE: Final = 8  # places in a row that an entry may be in
_MOST_KNOWN: Final = 32_768
_quick: Final = native.load("limits") if sys.byteorder == "little" else None  # what it leaves alone is done here


class LimitsLocal:
    """Implements `contract.ports.Limits` for the workers of one host."""

    def __init__(self, path: Path, *, ticks: Ticks | None = None, boot: str | None = None) -> None:
        """`ticks` and `boot` are the kernel's seconds since boot and its boot id unless a test says otherwise."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.reachable = True
        self._hashes: dict[str, int] = {}
        self._plans: dict[int, tuple[Sequence[Meter], bytes]] = {}
        self._fd = _open(path)
        self._locks: dict[int, Locked | Word] = {
            place: Locked(self._fd, place) for place in range(layout.LOCK_METERS, layout.LOCK_SETUP + 1)
        }
        with self._lock(layout.LOCK_SETUP):
            if os.fstat(self._fd).st_size != layout.SIZE:
                os.ftruncate(self._fd, layout.SIZE)
                os.pwrite(self._fd, _MAGIC, 0)
            os.posix_fallocate(self._fd, 0, layout.SIZE)  # a hole that is written to with the disk full is a SIGBUS
            self._map = mmap.mmap(self._fd, layout.SIZE)
            self.clock = HostClock(self._map, ticks=ticks, boot=boot)
            self._day = HostDay(self._map)
            if self._is_alone():
                begin_alone(self._map)
            self._worker = column = self._claim_column()
            self._mine = column + 1 + (secrets.randbits(32) << 8)
            if _quick is None:
                keep_plain(self._map, self._fd)
            else:
                forget_owner(_quick, self._map, self._fd, column)
                self._locks[layout.LOCK_METERS] = Word(_quick, self._map, self._fd, self._mine)
            if self._map[layout.WORKER + column]:
                self._clear_column(column)
            self._map[layout.WORKER + column] = 1

    def enter(
        self,
        fresh: Sequence[Meter],
        *,
        inside: Sequence[Meter] = (),
        tokens: int = 0,
        cost: int = 0,
        day: Day,
        now: float,
    ) -> Entry:
        day_left = day.ends - now
        now = self.clock()
        today = self._day.of(left_s=day_left, ticks=now)
        if _quick is not None:
            plans = self._plan(fresh), self._plan(inside) if inside else b""
            found = _quick.enter(self._map, self._fd, *plans, tokens, cost, today, now, self._mine)
            if found is not None:
                requests, spare = found
                return Entry(requests=requests and Room(*requests), tokens=spare and Room(*spare))
        entry = Entry()
        taken = []
        with self._lock(layout.LOCK_METERS):
            for number, meters in ((1, fresh), (0, inside)):
                for meter in meters:
                    at, account = self._account(meter)
                    if number and meter.concurrency and self._held(at) >= meter.concurrency:
                        return Entry("slots", 1.0, meter.subject, meter.concurrency)
                    said = account.take(meter, number, tokens=tokens, cost=cost, day=today, day_left=day_left, now=now)
                    if said.refused:
                        self._mend(meter, at, now)
                        return said
                    entry = _scarcer(entry, said)
                    taken.append((meter, number, at, account))
            for meter, number, at, account in taken:
                self._keep(meter, at, account, now)
                if number and meter.concurrency:
                    self._hold(at, 1)
        return entry

    def leave(self, meters: Sequence[Meter], *, tokens: int = 0, cost: int = 0, day: Day, now: float) -> None:
        if not tokens and not cost and not any(meter.concurrency for meter in meters):
            return
        left_s, now = day.ends - now, self.clock()
        today = self._day.of(left_s=left_s, ticks=now)
        if _quick is not None:
            plan = self._plan(meters)
            if _quick.leave(self._map, self._fd, plan, b"", tokens, cost, today, now, self._mine):
                return
        with self._lock(layout.LOCK_METERS):
            for meter in meters:
                if tokens or cost:
                    at, account = self._account(meter)
                    account.settle(meter, tokens=tokens, cost=cost, day=today, now=now)
                    self._keep(meter, at, account, now)
                else:
                    at = self._place(layout.METER_AT, layout.METERS, layout.METER_SIZE, self._hash(meter.subject))
                if meter.concurrency:
                    self._hold(at, -1)

    def banned_until(self, subject: str, now: float, *, lifted_at: float = 0.0) -> float:
        at = self._find(layout.BAN_AT, layout.BANS, layout.BAN.size, self._hash(subject))
        if at < 0:
            return 0.0
        _, end, since, lifted = layout.BAN.unpack_from(self._map, at)
        left = float(end - self.clock())
        if left <= 0.0:
            return 0.0
        if since <= lifted_at and lifted < lifted_at:
            self._lift(subject, lifted_at)
            return 0.0
        return now + left

    def guess(self, subject: str, rule: GuessRule, now: float) -> float:
        hashed, ticks = self._hash(subject), self.clock()
        with self._lock(layout.LOCK_GUESSES):
            at = self._place(layout.GUESS_AT, layout.GUESSES, layout.GUESS.size, hashed)
            _, start, count = layout.GUESS.unpack_from(self._map, at)
            if not start <= ticks < start + rule.window_s:
                start, count = ticks, 0
            count += 1
            broken = count >= rule.count
            layout.GUESS.pack_into(self._map, at, hashed, start, 0 if broken else count)
        if not broken:
            return 0.0
        self.ban(self.trace(subject), left_s=rule.ban_s, since=now)
        return now + rule.ban_s

    def trace(self, subject: str) -> str:
        """What other hosts may know of an address: enough to ban it too, and not the address."""
        return f"{self._hash(subject):016x}"

    def ban(self, trace: str, *, left_s: float, since: float) -> None:
        """The longer of two bans holds; one that is told again after it was lifted does not begin again."""
        hashed, now, since = int(trace, 16), self.clock(), milliseconds(since)
        with self._lock(layout.LOCK_BANS):
            at = self._place(layout.BAN_AT, layout.BANS, layout.BAN.size, hashed)
            _, known_end, known_since, lifted = layout.BAN.unpack_from(self._map, at)
            if since == known_since and lifted >= since:
                return
            begin = max(since, known_since) if known_end > now else since
            layout.BAN.pack_into(self._map, at, hashed, max(now + left_s, known_end), begin, lifted)

    def _lift(self, subject: str, lifted_at: float) -> None:
        """A lift is obeyed once: by a wall clock that stood back it would seem to be later than every new ban."""
        hashed = self._hash(subject)
        with self._lock(layout.LOCK_BANS):
            at = self._place(layout.BAN_AT, layout.BANS, layout.BAN.size, hashed)
            since = layout.BAN.unpack_from(self._map, at)[2]
            layout.BAN.pack_into(self._map, at, hashed, 0.0, since, lifted_at)

    def canary_retreated(self, canary_id: str) -> bool:
        at = self._find(layout.CANARY_AT, layout.CANARIES, layout.CANARY.size, self._hash(canary_id))
        return at >= 0 and layout.DOUBLE.unpack_from(self._map, at + 32)[0] > 0.0

    def canary_result(self, canary: Canary, *, failed: bool, slow: bool) -> dict[str, float]:
        hashed = self._hash(canary.id)
        with self._lock(layout.LOCK_CANARIES):
            at = self._place(layout.CANARY_AT, layout.CANARIES, layout.CANARY.size, hashed)
            _, requests, failures, slows, retreated = layout.CANARY.unpack_from(self._map, at)
            requests, failures, slows = requests + 1, failures + failed, slows + slow
            facts: dict[str, float] = {}
            for rule in canary.rules if not retreated else ():
                ratio = (failures if rule.indicator == "error_ratio" else slows) / requests
                if requests >= rule.min_requests and ratio > rule.limit:
                    facts = {"requests": requests, "failures": failures, "slow": slows, rule.indicator: ratio}
                    facts["limit"] = rule.limit
                    retreated = 1.0
                    break
            layout.CANARY.pack_into(self._map, at, hashed, requests, failures, slows, retreated)
        return facts

    def retreat(self, canary_id: str) -> None:
        """Another host saw it fail."""
        if self.canary_retreated(canary_id):
            return
        hashed = self._hash(canary_id)
        with self._lock(layout.LOCK_CANARIES):
            at = self._place(layout.CANARY_AT, layout.CANARIES, layout.CANARY.size, hashed)
            layout.DOUBLE.pack_into(self._map, at + 32, 1.0)

    def reap(self) -> int:
        """Clear the columns of workers whose lock the kernel has dropped."""
        self.clock.remember()
        dead = 0
        for column in range(layout.WORKERS):
            if column == self._worker or not self._map[layout.WORKER + column] or not self._try_column(column):
                continue
            self._clear_column(column)
            self._map[layout.WORKER + column] = 0
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, flock(fcntl.F_UNLCK, layout.WORKER + column))
            dead += 1
        return dead

    def close(self) -> None:
        """Give this worker's column back."""
        self._clear_column(self._worker)
        self._map[layout.WORKER + self._worker] = 0
        self._map.close()
        os.close(self._fd)

    # -- places -------------------------------------------------------------------------------------------------

    def _hash(self, name: str) -> int:
        """A stable hash (the builtin one is salted per process); never 0, which marks a free place."""
        known = self._hashes.get(name)
        if known is None:
            if len(self._hashes) >= _MOST_KNOWN:
                self._hashes.clear()
            known = layout.HASH.unpack(hashlib.blake2b(name.encode(), digest_size=8).digest())[0] or 1
            self._hashes[name] = known
        return known

    def _plan(self, meters: Sequence[Meter]) -> bytes:
        """What the twin in C needs of them; a caller's meters are the same tuple with every request."""
        known = self._plans.get(id(meters))
        if known is None or known[0] is not meters:
            if len(self._plans) >= _MOST_KNOWN:
                self._plans.clear()
            known = self._plans[id(meters)] = (meters, b"".join(map(self._packed, meters)))
        return known[1]

    def _packed(self, meter: Meter) -> bytes:
        limits = (meter.per_second, meter.per_minute, meter.concurrency)
        budgets = (meter.tokens_per_minute, meter.tokens_per_day, meter.cost_per_day)
        return layout.PLAN.pack(self._hash(meter.subject), *limits, *budgets)

    def _find(self, base: int, places: int, size: int, hashed: int) -> int:
        if _quick is not None:
            return int(_quick.find(self._map, base, places, size, hashed))
        for step in range(_PROBE):
            at = base + (hashed + step) % places * size
            if layout.HASH.unpack_from(self._map, at)[0] == hashed:
                return at
        return -1

    def _place(self, base: int, places: int, size: int, hashed: int) -> int:
        """The entry's place, claimed and zeroed if it is new; the place with the smallest second field gives way."""
        at = base + hashed % places * size
        if layout.HASH.unpack_from(self._map, at)[0] == hashed:
            return at
        found = self._find(base, places, size, hashed)
        if found >= 0:
            return found
        best, oldest = -1, 0.0
        for step in range(_PROBE):
            at = base + (hashed + step) % places * size
            if layout.HASH.unpack_from(self._map, at)[0] == 0:
                best = at
                break
            age = layout.DOUBLE.unpack_from(self._map, at + 8)[0]
            if best < 0 or age < oldest:
                best, oldest = at, age
        self._map[best : best + size] = layout.HASH.pack(hashed) + bytes(size - 8)
        return best

    def _account(self, meter: Meter) -> tuple[int, Account]:
        at = self._place(layout.METER_AT, layout.METERS, layout.METER_SIZE, self._hash(meter.subject))
        return at, Account(*layout.METER.unpack_from(self._map, at)[2:])

    def _keep(self, meter: Meter, at: int, a: Account, now: float) -> None:
        hashed = self._hash(meter.subject)
        layout.METER.pack_into(
            self._map, at, hashed, now, a.second, a.minute, a.tokens, a.day, a.day_tokens, a.day_cost
        )

    def _mend(self, meter: Meter, at: int, now: float) -> None:
        account = self._account(meter)[1]
        account.mend(now)
        self._keep(meter, at, account, now)

    def _held(self, at: int) -> int:
        return sum(layout.SLOTS.unpack_from(self._map, at + layout.METER.size))

    def _hold(self, at: int, change: int) -> None:
        at += layout.METER.size + 2 * self._worker
        held = layout.COUNT.unpack_from(self._map, at)[0] + change
        if 0 <= held <= 65_535:
            layout.COUNT.pack_into(self._map, at, held)

    # -- locks and columns --------------------------------------------------------------------------------------

    def _lock(self, place: int) -> Locked | Word:
        return self._locks[place]

    def _is_alone(self) -> bool:
        """Whether no other worker of the host lives; asked under the lock for setting up, which every worker passes."""
        found = fcntl.fcntl(self._fd, fcntl.F_OFD_GETLK, flock(fcntl.F_WRLCK, layout.WORKER, layout.WORKERS))
        kind: int = struct.unpack_from("@h", found)[0]
        return kind == fcntl.F_UNLCK

    def _try_column(self, column: int) -> bool:
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, flock(fcntl.F_WRLCK, layout.WORKER + column))
        except OSError:
            return False
        return True

    def _claim_column(self) -> int:
        for column in range(layout.WORKERS):
            if self._try_column(column):
                return column
        raise Unavailable(
            f"All {layout.WORKERS} worker places of this host are taken.", next_step="Start fewer gateway workers."
        )

    def _clear_column(self, column: int) -> None:
        first = layout.METER_AT + layout.METER.size + 2 * column
        end = layout.METER_AT + layout.METERS * layout.METER_SIZE
        with self._lock(layout.LOCK_METERS):
            for byte in (first, first + 1):
                # By strides: place by place would hold the other workers up for 20 ms.
                if any(self._map[byte : end : layout.METER_SIZE]):
                    self._map[byte : end : layout.METER_SIZE] = bytes(layout.METERS)


def milliseconds(at: float) -> float:
    """As exact as a beginning is told to other hosts; never later than it was, or a lift of that moment would miss."""
    return int(at * 1000) / 1000


def _open(path: Path) -> int:
    """The table's file; one of another make gives way to a new one, and those who hold it keep it."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with Locked(fd, layout.LOCK_SETUP):
            found = os.fstat(fd)
            if not found.st_nlink:
                pass  # somebody put it aside while we waited
            elif found.st_size in (0, layout.SIZE) and os.pread(fd, 8, 0) in (b"", _MAGIC):
                return fd
            else:
                path.unlink(missing_ok=True)
        os.close(fd)


def _scarcer(one: Entry, other: Entry) -> Entry:
    """What the caller is told when several limits hold: those with the least left."""
    if one.requests is None and one.tokens is None:
        return other
    return Entry(
        requests=min((r for r in (one.requests, other.requests) if r is not None), key=_by_left, default=None),
        tokens=min((t for t in (one.tokens, other.tokens) if t is not None), key=_by_left, default=None),
    )


def _by_left(room: Room) -> int:
    return room.left
