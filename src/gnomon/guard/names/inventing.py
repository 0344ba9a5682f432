"""Names that nobody bears on purpose: of people, places and organisations, put together from lists and a dictionary."""

import random
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Final

from gnomon.guard.names.places import CITIES, PROVINCES
from gnomon.guard.names.surnames import COMPOUND, SURNAMES

_CORPUS: Final = Path(__file__).with_name("corpus")
_DIGITS: Final = "一二三四五六七八九"


def read_words(path: Path = _CORPUS / "words.txt") -> dict[str, list[str]]:
    """Word lists by their name."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {line[0]: line[1:] for line in lines if line}


class Inventor:
    """Makes names and other fillings. The same seed makes the same ones."""

    def __init__(self, dictionary: Iterable[str], seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - samples, not secrets
        self._words = read_words() | read_words(_CORPUS / "organisations.txt")
        known = [(word, int(frequency), tag) for word, frequency, tag in map(str.split, dictionary)]
        self._given, self._foreign, self._places = _from_dictionary(known)
        self.plain, self.often = _plain(known)
        self._weights = [1 / (rank + 12) for rank in range(len(SURNAMES))]

    def surname(self) -> str:
        if self.dice.random() < 0.02:
            return self.dice.choice(sorted(COMPOUND))
        return self.dice.choices(SURNAMES, self._weights)[0]

    def person(self) -> str:
        kind = self.dice.random()
        if kind < 0.12:
            return self.foreigner()
        given = self.dice.choice(self._given) if kind < 0.7 else self.pick("given")
        return self.surname() + given

    def foreigner(self) -> str:
        part = self._sound
        if self._foreign and self.dice.random() < 0.3:
            return self.dice.choice(self._foreign)
        return part() if self.dice.random() < 0.7 else f"{part()}·{part()}"

    def place(self) -> str:
        kind = self.dice.random()
        if kind < 0.18:
            return self.pick("countries")
        if kind < 0.25:
            return self.pick("abroad")
        if kind < 0.33:
            return self._sound() + (self.dice.choice("市市州省岛河山城镇区港堡湖") if self.dice.random() < 0.5 else "")
        if kind < 0.45 and self._places:
            return self.dice.choice(self._places)
        city = self.dice.choice(CITIES if kind < 0.85 else PROVINCES)
        city += self.dice.choice(("", "", "市" if kind < 0.85 else "省"))
        if kind > 0.7:
            city += self.pick("areas") + self.dice.choice(("区", "县", "镇", "乡", "村", "路", "街道"))
        return city

    def organisation(self) -> str:
        kind = self.dice.random()
        if kind < 0.25:
            return self.pick("national")
        if kind < 0.32:
            return self.place() + self.dice.choice(("队", "男队", "女队", "队", "国家队"))
        return self._local(kind) + self.dice.choices(("", self.pick("departments")), (5, 1))[0]

    def _sound(self) -> str:
        """What a foreign name sounds like in Chinese."""
        return "".join(self.dice.choices(self._words["syllables"], k=self.dice.choice((2, 2, 3, 3, 4))))

    def body(self) -> str:
        return self.dice.choice((self.company, self.company, self.team, self.authority, self.school))()

    def company(self) -> str:
        kind = self.dice.random()
        if kind < 0.3:
            return self.pick("big")
        home = self._home() if kind < 0.75 else ""
        if kind < 0.42:
            number = self.dice.choice(("", "第一", "第二", "第三", "东方", "红星"))
            return home + number + self.pick("firms")
        if kind > 0.92:
            return self._sound() + self.dice.choice(("", "公司", "集团", "银行", "公司", "基金", "汽车", "电子"))
        name = home + self._brand() + self.dice.choice((self.pick("trades"), self.pick("trades"), ""))
        name += self.pick(self.dice.choice(("firms", "firms", "kinds")))
        if self.dice.random() < 0.12:
            name += self.dice.choice(("", self.dice.choice(CITIES))) + self.dice.choice(
                ("分公司", "营业部", "办事处", "分行", "支行")
            )
        return name

    def team(self) -> str:
        kind = self.dice.random()
        if kind < 0.55:
            return self.pick("teams") + self.dice.choices(("", "队"), (6, 1))[0]
        if kind < 0.8:
            return self._sound() + self.dice.choices(("", "队", "竞技", "联"), (6, 2, 1, 1))[0]
        return self.place() + self.dice.choice(
            ("队", "男队", "女队", "国家队", "男篮", "女排", "联队", "竞技", "俱乐部", "足球俱乐部")
        )

    def authority(self) -> str:
        if self.dice.random() < 0.45:
            return self.pick("authorities")
        return self._home() + self.pick("offices")

    def school(self) -> str:
        kind = self.dice.random()
        if kind < 0.4:
            name = self.pick("schools")
        else:
            name = (self._home() if kind < 0.85 else self._brand()) + self.pick("units")
        return name + (self.pick("faculties") if self.dice.random() < 0.15 else "")

    def _home(self) -> str:
        kind = self.dice.random()
        if kind < 0.15:
            return self.dice.choice(
                ("中国", "国家", "全国", "中国", "中国")
                if kind < 0.08
                else ("美国", "英国", "日本", "德国", "法国", "香港", "加拿大", "澳大利亚")
            )
        if kind < 0.3:
            return self.dice.choice(PROVINCES) + self.dice.choice(("", "省"))
        name = self.dice.choice(CITIES) + self.dice.choice(("", "市"))
        if kind > 0.8:
            name += self.pick("areas") + self.dice.choice(("区", "县"))
        return name

    def _brand(self) -> str:
        kind = self.dice.random()
        if kind < 0.3:
            return self.pick("brands")
        if kind < 0.45:
            return self.pick("areas")
        if kind < 0.75:
            return "".join(self.dice.choices(self._words["characters"], k=self.dice.choice((2, 2, 2, 3))))
        if kind < 0.88:
            return self._short_word()
        return self.dice.choice(self._given)

    def _short_word(self) -> str:
        while len(word := self.word()) != 2:
            pass
        return word

    def word(self) -> str:
        if self.dice.random() < 0.1:
            return self.pick("events")
        word = ""
        while len(word) < 2:
            word = self.dice.choices(self.plain, cum_weights=self.often)[0]
        return word

    def work(self) -> str:
        if self.dice.random() < 0.3:
            return self.dice.choice((self.person, self._sound, self.place))() + self.dice.choice(
                ("", "传", "的" + self.word())
            )
        return "".join(self.dice.choices(self.plain, cum_weights=self.often, k=self.dice.choice((1, 2, 2, 3))))

    def _local(self, kind: float) -> str:
        home = self.dice.choice((*CITIES, *PROVINCES)) + self.dice.choice(("", "", "市", "省"))
        if kind < 0.6:
            return home + self.dice.choice(("", self.pick("areas") + "区", "", "第二")) + self.pick("bodies")
        brand = self.dice.choice((self.pick("brands"), self.pick("areas"), self.dice.choice(self._given)))
        if kind > 0.93:
            return f"{home}{brand}（{self.dice.choice(('集团', '中国', *CITIES))}）{self.pick('kinds')}"
        name = brand + self.pick("trades") + (self.pick("kinds") if self.dice.random() < 0.75 else "")
        return home + name if self.dice.random() < 0.4 else name

    def pick(self, name: str) -> str:
        return self.dice.choice(self._words[name])

    def number(self) -> str:
        if self.dice.random() < 0.3:
            return "".join(self.dice.choices(_DIGITS, k=self.dice.choice((1, 1, 2))))
        return str(self.dice.randrange(1, 10 ** self.dice.choice((1, 2, 3, 4))))

    def date(self) -> str:
        return self.dice.choice(
            (
                f"{self.dice.randrange(1990, 2027)}年{self.dice.randrange(1, 13)}月",
                f"{self.dice.randrange(1, 13)}月{self.dice.randrange(1, 29)}日",
                f"{self.dice.choice(_DIGITS)}月{self.dice.choice(_DIGITS)}日",
                "昨天",
                "近日",
                "去年",
                "今年以来",
                f"{self.dice.randrange(2000, 2027)}-{self.dice.randrange(1, 13):02}-{self.dice.randrange(1, 29):02}",
            )
        )


Known = list[tuple[str, int, str]]  # word, frequency, tag


def _from_dictionary(known: Known) -> tuple[list[str], list[str], list[str]]:
    """Given names, foreign names and places that a dictionary knows."""
    given, foreign, places = [], [], []
    for word, frequency, tag in known:
        if tag == "nr" and 2 <= len(word) <= 3 and word[0] in SURNAMES[:300]:
            given.append(word[1:])
        elif tag == "nrt" and 2 <= len(word) <= 5 and frequency > 2:
            foreign.append(word)
        elif tag == "ns" and frequency > 2 and 2 <= len(word) <= 6:
            places.append(word)
    return given, foreign, places


def _plain(known: Known) -> tuple[list[str], list[float]]:
    """Words that are no names, and their running weights: rare ones a little more often than they are."""
    words = [(word, frequency) for word, frequency, tag in known if not tag.startswith(("nr", "ns", "nt", "nz", "x"))]
    return [word for word, _ in words], list(accumulate(float(frequency) ** 0.7 for _, frequency in words))
