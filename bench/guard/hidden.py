"""How many people leak when a text is written otherwise: `python bench/guard/hidden.py --data FOLDER [--every N]`.

Every Nth text of MSRA, CLUENER and the resumes as it is, in percent escapes, in \\uXXXX, as JSON in a string of JSON
(its labels moved along), and whole in base64 and hexadecimal, where the island is masked whole or leaks whole.
"""

import argparse
import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.guard.names import JUDGED, PEOPLE, texts  # noqa: E402

from gnomon.guard.islands import LONGEST  # noqa: E402
from gnomon.guard.measure import wilson  # noqa: E402
from gnomon.guard.names.finder import name_finder  # noqa: E402

BY_CHARACTER: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda char: quote(char, safe=""),
    "escapes": lambda char: json.dumps(char)[1:-1],
    "json in json": lambda char: json.dumps(json.dumps(char)[1:-1])[1:-1],
}
WHOLE: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
}


def covered(text: str) -> set[int]:
    return {at for span in name_finder("names").spans(text) for at in range(span.start, span.end)}


def leaks(text: str, people: list[tuple[int, int]], way: str) -> list[bool]:
    """Of each person (of a whole island: of the island) whether a character shows."""
    if way in WHOLE:
        island = WHOLE[way](text)
        seen = covered(f"附 {island} 完")
        return [] if len(island) > LONGEST else [not seen.issuperset(range(2, 2 + len(island)))]
    parts = [BY_CHARACTER[way](char) for char in text]
    places = [0]
    for part in parts:
        places.append(places[-1] + len(part))
    seen = covered("".join(parts))
    return [not seen.issuperset(range(places[start], places[end])) for start, end in people]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=10)
    given = parser.parse_args()
    documents = []
    for file in PEOPLE.values():
        for text, labels in texts(given.data / f"{file}.jsonl", JUDGED, given.every):
            people = [(label.start, label.end) for label in labels if label.entity == "PERSON"]
            documents += [(text, people)] if people else []
    for way in (*BY_CHARACTER, *WHOLE):
        shown = [one for text, people in documents for one in leaks(text, people, way)]
        low, high = wilson(sum(shown), len(shown))
        print(f"{way:14} n {len(shown)}, leak {sum(shown) / len(shown):.1%} [{low:.1%}, {high:.1%}]", flush=True)


if __name__ == "__main__":
    main()
