"""What was said, held against what was done."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from attackers import Attack

AFTER_S = 3600.0  # a caller's hour still shows the attack that just ended


@dataclass(frozen=True, slots=True)
class Said:
    at: float
    subject: str
    level: int = 3
    family: str = ""


@dataclass(slots=True)
class Verdict:
    """By family, in seconds: `delays` from where an attack is established, `evident` from where it is evident too (of
    those that become so), `since_first` from its first request. `hidden` ones never became evident: found or not.
    """

    found: dict[str, list[bool]] = field(default_factory=dict)
    delays: dict[str, list[float]] = field(default_factory=dict)
    since_first: dict[str, list[float]] = field(default_factory=dict)
    evident: dict[str, list[float]] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)  # evident and not found
    hidden: dict[str, list[bool]] = field(default_factory=dict)
    false: list[Said] = field(default_factory=list)
    days: int = 0

    def add(self, attacks: Sequence[Attack], said: Sequence[Said]) -> None:
        """One day. A subject that is accused wrongly counts once a day, however often it is accused."""
        self.days += 1
        right: set[int] = set()
        for attack in attacks:
            mine = [i for i, one in enumerate(said) if _fits(attack, one)]
            right.update(mine)
            self._take(attack, min((said[i].at for i in mine), default=None))
        wrong = {one.subject: one for i, one in reversed(list(enumerate(said))) if i not in right}
        self.false += wrong.values()

    def _take(self, attack: Attack, at: float | None) -> None:
        in_time = at is not None and at <= attack.last + 1.0
        self.found.setdefault(attack.family, []).append(in_time)
        evident = attack.evident if attack.victim else attack.established
        if evident is None:
            self.hidden.setdefault(attack.family, []).append(in_time)
        elif not in_time:
            self.missed[attack.family] = self.missed.get(attack.family, 0) + 1
        if at is not None and in_time:
            if evident is not None:
                self.evident.setdefault(attack.family, []).append(max(at - evident, 0.0))
            self.delays.setdefault(attack.family, []).append(max(at - attack.established, 0.0))
            self.since_first.setdefault(attack.family, []).append(at - attack.first)

    @property
    def hits(self) -> int:
        return sum(map(sum, self.found.values()))

    @property
    def attacks(self) -> int:
        return sum(map(len, self.found.values()))

    @property
    def recall(self) -> float:
        return self.hits / self.attacks

    @property
    def precision(self) -> float:
        accused = self.hits + len(self.false)
        return self.hits / accused if accused else 0.0

    @property
    def f1(self) -> float:
        both = self.recall + self.precision
        return 2 * self.recall * self.precision / both if both else 0.0


def _fits(attack: Attack, said: Said) -> bool:
    if not attack.first <= said.at <= attack.last + AFTER_S:
        return False
    return said.subject in attack.subjects or (attack.whole and said.subject == "installation:")
