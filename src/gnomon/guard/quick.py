"""What there may be to find in a text, and the numbers in it, in two passes in C; its twin is `slow`.

The scan may name detectors that find nothing, as its twin may: what is found depends on the detectors alone. Numbers of
people are found by `native/numbers.c` as the detectors in `NUMBERS` find them.
"""

import string
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from gnomon import native
from gnomon.guard import islands
from gnomon.guard.detectors import DETECTORS, Detector, bank_card, devices, email, phone, resident_id, social_credit
from gnomon.guard.detectors.base import Words
from gnomon.guard.normalise import FULL_WIDTH, rare_class
from gnomon.guard.scan import LONG_NUMBER, Scanner, characters, literal
from gnomon.guard.shapes import Item, Shape, ranges, shapes_of
from gnomon.guard.view import Found, Place, View

Find = Callable[[View], Iterable[Found]]
NUMBERS: Final = (resident_id.DETECTOR, bank_card.DETECTOR, phone.MOBILE, phone.LANDLINE, devices.IMEI)
"""In the order of the kinds in `numbers.c`; a landline with brackets or the code of China is left to its detector."""
_NAMED: Final = (resident_id.NAMED, bank_card.NAMED, None, phone.NAMED, devices.IMEI_NAMED)
_LANDLINE: Final = NUMBERS.index(phone.LANDLINE)
_NO_CLASS: Final = 255
_MOST_CLASSES: Final = 60
_MOST_BITS: Final = 60
_MOST_KNOWN: Final = 4096
_MOST_DIGITS: Final = 255
_ODD: Final = 1 << 0
_SEVEN: Final = 1 << 1
_ELEVEN: Final = 1 << 2
_ESCAPED: Final = 1 << 3
_ISLAND: Final = 1 << 4
_OTHER: Final = 1 << 5


class Unfit(Exception):
    """The triggers do not fit into the tables, or there is nothing in C here: the twin has to do."""


class Group(NamedTuple):
    """Triggers, and the bits that any of them sets."""

    triggers: Sequence[bytes]
    bits: int


class _Classes:
    """Sets of characters, numbered in the order in which they were first asked for."""

    def __init__(self) -> None:
        self.numbers: dict[frozenset[str], int] = {}

    def number(self, wanted: frozenset[str]) -> int:
        if not wanted:
            return _NO_CLASS
        number = self.numbers.setdefault(wanted, len(self.numbers))
        if number >= _MOST_CLASSES:
            raise Unfit("too many classes of characters")
        return number

    def item(self, item: Item) -> tuple[int, int, int, int]:
        small = {char.lower() for char in item.characters}
        one = next(iter(small))
        if len(small) == 1 and one.isascii() and len(item.characters) == 1 + one.isalpha():
            return _NO_CLASS, item.least, item.most, ord(one)
        return self.number(item.characters), item.least, item.most, 0

    def shape(self, shape: Shape, bits: int, *, begins: bool) -> tuple[Any, ...]:
        items = [self.item(item) for item in shape.items]
        if begins:  # a scan needs to know with what
            first = shape.items[0]
            items[0] = (self.number(first.characters), first.least, first.most, 0)
        probe, offset = _probe(shape)
        return (
            tuple(items),
            self.number(shape.before),
            self.number(shape.after),
            bits,
            probe,
            offset,
            _run(shape),
            *_digits(shape),
        )


def _probe(shape: Shape) -> tuple[int, int]:
    """The item that fewest characters fit, of those that stand at a fixed place, and how far on it stands."""
    best, at = (0, 0), 0
    for number, item in enumerate(shape.items):
        if item.least and len(item.characters) < len(shape.items[best[0]].characters):
            best = number, at
        if item.least != item.most:
            break
        at += item.least
    return best


_DIGITS: Final = frozenset(string.digits)


_CODED: Final = frozenset(string.ascii_letters + string.digits + "+/")


def _run(shape: Shape) -> int:
    """Letters, digits, + and / in a row with which a shape begins at least."""
    least = 0
    for item in shape.items:
        if not item.characters <= _CODED:
            break
        least += item.least
    return least


def _digits(shape: Shape) -> tuple[int, int]:
    """Digits in a row from where a shape begins, at least and at most, if it begins with a digit."""
    low = high = 0
    ends = _MOST_DIGITS
    for item in shape.items:
        if item.characters <= _DIGITS:
            low, high = low + item.least, high + item.most
            continue
        ends = min(ends, low)
        if item.characters & _DIGITS:
            break
        if item.least:
            return ends, high
    return min(ends, low), _MOST_DIGITS


def is_known(detector: Detector) -> bool:
    """Whether every trigger of a detector can be said in characters."""
    return all(trigger in LONG_NUMBER or shapes_of(trigger) for trigger in detector.triggers)


def scanner(groups: Iterable[Group], *, odd: int, seven: int, eleven: int) -> Any:
    """The scanner in C of triggers that all are known. Raises Unfit.

    `odd`: the bit of a character that folding changes; `seven`, `eleven`: of numbers of so many digits.
    """
    made = native.load("scan")
    if made is None:
        raise Unfit("nothing in C")
    classes = _Classes()
    words: dict[tuple[str, Shape], int] = {}
    others: dict[Shape, int] = {}
    for group in groups:
        for trigger in group.triggers:
            for shape in shapes_of(trigger):
                literal = shape.literal
                if len(literal) > 1:
                    rest = shape._replace(items=shape.items[len(literal) :])
                    words[literal, rest] = words.get((literal, rest), 0) | group.bits
                else:
                    others[shape] = others.get(shape, 0) | group.bits
    shapes = [classes.shape(shape, bits, begins=True) for shape, bits in others.items()]
    starting, literals = len(shapes), []
    for (literal, rest), bits in sorted(words.items(), key=lambda item: item[0][0]):
        is_bare = not rest.items and not rest.after
        literals.append((literal, bits, -1 if is_bare else len(shapes)))
        if not is_bare:
            shapes.append(classes.shape(rest, bits, begins=False))
    changed = ranges(frozenset((*characters(rare_class()), *characters(FULL_WIDTH))))
    sets = ["".join(one) for one in classes.numbers]
    return made.Scanner(sets, shapes, starting, literals, changed, odd, seven, eleven)


class Quick:
    """The quick look of one finder. Immutable but for what it remembers; raises Unfit where C cannot do it."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        numbers, mail, codes = map(native.load, ("numbers", "mail", "codes"))
        if not (numbers and mail and codes) or not all(any(one is each for each in detectors) for one in NUMBERS):
            raise Unfit("nothing in C, or other numbers")
        self._numbers, self._mail, self._codes = numbers.numbers, mail.addresses, codes.codes
        self._next = 6
        groups = [Group(islands.TRIGGERS, _ISLAND)]
        self._named = [(self._hint(groups, words), words) for words in _NAMED]
        self._finds: list[tuple[int, Find]] = []
        for detector in detectors:
            if is_known(detector):
                self._take(detector, groups)
        others = [detector for detector in detectors if not is_known(detector)]
        self._finds += [(_OTHER, detector.find) for detector in others]
        self._others = Scanner([detector.triggers for detector in others]) if others else None
        self._scanner = scanner(groups, odd=_ODD, seven=_SEVEN, eleven=_ELEVEN)
        self._hints = sum(bit for bit, _ in self._named)
        self._words: dict[int, tuple[Any, ...]] = {}
        self._telling = ((1 << self._next) - 1) & ~(self._hints | _SEVEN)
        self._landline = _SEVEN, self._named[_LANDLINE][0]
        self._scanner.worth(self._telling, *self._landline)
        self.fired: Callable[[str], int] = self._scanner.fired if self._others is None else self._fired_or_other
        """What there may be in shadow text, as bits; 0: nothing."""
        self._known: dict[int, tuple[Find, ...]] = {}

    def _bit(self) -> int:
        if self._next >= _MOST_BITS:
            raise Unfit("too many detectors")
        self._next += 1
        return 1 << (self._next - 1)

    def _hint(self, groups: list[Group], words: Words | None) -> int:
        if words is None:
            return 0
        groups.append(Group(tuple(map(literal, words.words)), bit := self._bit()))
        return bit

    def _take(self, detector: Detector, groups: list[Group]) -> None:
        if detector is phone.LANDLINE:
            triggers: Sequence[bytes] = (phone.BRACKETS, phone.CODED)
            find: Find = phone.find_marked
        elif detector is email.DETECTOR:
            triggers, find = detector.triggers, self._addresses
        elif detector is social_credit.CHECKED:
            triggers, find = detector.triggers, self._checked
        elif any(detector is one for one in NUMBERS) or not detector.triggers:
            return
        else:
            triggers, find = detector.triggers, detector.find
        groups.append(Group(triggers, bit := self._bit()))
        self._finds.append((bit, find))

    def _fired_or_other(self, text: str) -> int:
        bits: int = self._scanner.fired(text)
        if self._others and self._others.any(text.encode("utf-8", "surrogatepass")):
            return bits | _OTHER
        return bits

    def hits(self, data: bytes) -> bool:
        """False guarantees that no string in these JSON (or plain UTF-8) bytes holds anything to find."""
        if self._told(self._scanner.json(data, _ESCAPED, self._telling)):
            return True
        return self._others is not None and self._others.any(data)

    def places(self, data: bytes) -> list[Place] | None:
        """The strings and long numbers of JSON outside of which there is nothing to find, each with what `fired` says
        of its text (0 for a number) and the text; None where only a look at every string tells."""
        if self._others is not None:
            return None if self.hits(data) else []
        found: list[Place] | None = self._scanner.places(data)
        return found

    def _told(self, bits: int) -> int:
        seven, words = self._landline
        return bits if bits & self._telling or (bits & seven and bits & words) else 0

    @staticmethod
    def is_odd(fired: int) -> bool:
        """Whether a character was there that folding changes."""
        return fired & _ODD != 0

    @staticmethod
    def has_islands(fired: int) -> bool:
        """Whether a stretch may say something else than it shows."""
        return fired & _ISLAND != 0

    def found(self, view: View, fired: int) -> list[Found]:
        """What is in a view of which `fired` was said."""
        seven, words = self._landline
        found: list[Found] = self._read(view, fired) if fired & _ELEVEN or (fired & seven and fired & words) else []
        finds = self._known.get(fired)
        if finds is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            finds = self._known[fired] = tuple(find for bit, find in self._finds if fired & bit)
        for find in finds:
            found.extend(find(view))
        return found

    def _addresses(self, view: View) -> list[Found]:
        found: list[Found] = self._mail(view.text, Found, email.DETECTOR.entity)
        if "\n" in view.text:
            found.extend(email.broken(view))
        return found

    def _checked(self, view: View) -> list[Found]:
        found: list[Found] = self._codes(view.text, Found, social_credit.CHECKED.entity)
        return found

    def _read(self, view: View, fired: int) -> list[Found]:
        named = self._words.get(fired & self._hints)
        if named is None:
            named = tuple(words.places if words and fired & bit else None for bit, words in self._named)
            self._words[fired & self._hints] = named  # 32 combinations at most
        found: list[Found] = self._numbers(view, view.text, Found, _NAMES, named, phone.with_prefix)
        if "\n" in view.text:
            found.extend(resident_id.broken(view))
        return found


_NAMES: Final = (*(detector.entity for detector in NUMBERS), phone.FOREIGN.entity)  # the last: a 1 that is a code
assert all(detector in DETECTORS for detector in NUMBERS)
