"""Counts that forget: rings of slots, a coverage sketch, and tables that never hold more than they may."""

from array import array
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Ring:
    """How many in the last `size` slots of `width_s` seconds. A time before the oldest slot is not counted."""

    __slots__ = ("_newest", "_slots", "_width_s", "total")

    def __init__(self, size: int, width_s: float) -> None:
        self._slots = array("d", bytes(8 * size))
        self._newest = 0
        self._width_s = width_s
        self.total = 0.0

    def add(self, at: float, n: float = 1.0) -> None:
        slot = int(at // self._width_s)
        if slot > self._newest:
            self.advance(at)
        elif self._newest - slot >= len(self._slots):
            return
        self._slots[slot % len(self._slots)] += n
        self.total += n

    def advance(self, at: float) -> None:
        """Forget what is older than the slots that end with the one of `at`."""
        slot, size = int(at // self._width_s), len(self._slots)
        for stale in range(max(self._newest + 1, slot - size + 1), slot + 1):
            self.total -= self._slots[stale % size]
            self._slots[stale % size] = 0.0
        self._newest = max(self._newest, slot)

    def last(self, slots: int) -> float:
        """The sum of the newest `slots`."""
        size = len(self._slots)
        return sum(self._slots[(self._newest - back) % size] for back in range(slots))

    def active(self) -> int:
        """In how many slots anything was counted."""
        return sum(1 for n in self._slots if n > 0)


class Coverage:
    """How many different ones, by a bitmap of 1 KB.

    `add` returns the growth of the estimate: the number of bits over those still free where the bit was free, else 0,
    which is unbiased while it is not full (HIP estimation: Cohen 2014, arXiv 1306.3284; Ting, KDD 2014).
    """

    BITS = 8192
    _FULL = BITS * 7 // 8  # from here on the variance grows; the map begins anew

    __slots__ = ("_free", "_map")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._map = bytearray(self.BITS // 8)
        self._free = self.BITS

    def add(self, hashed: int) -> float:
        place, bit = (hashed >> 3) % len(self._map), 1 << (hashed & 7)
        if self._map[place] & bit:
            return 0.0
        if self.BITS - self._free >= self._FULL:
            self.clear()
        grown = self.BITS / self._free
        self._map[place] |= bit
        self._free -= 1
        return grown


class Table(Generic[K, V]):
    """At most `most` entries; the one that was used longest ago gives way."""

    def __init__(self, most: int, make: Callable[[], V]) -> None:
        self._most = most
        self._make = make
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __getitem__(self, key: K) -> V:
        """The entry, made if it is new, and the last now to give way."""
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = self._make()
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
        else:
            self._entries.move_to_end(key)
        return found

    def get(self, key: K) -> V | None:
        return self._entries.get(key)

    def drop(self, key: K) -> None:
        self._entries.pop(key, None)

    def oldest(self) -> tuple[K, V] | None:
        return next(iter(self._entries.items()), None)

    def keys(self) -> list[K]:
        return list(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)
