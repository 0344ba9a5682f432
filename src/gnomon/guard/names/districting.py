"""Makes the list of districts: the names of cities, districts and counties in cpca's table (MIT), as people write them.

    python -m gnomon.guard.names.districting adcodes.csv [--out FILE]

A name that is a plain word too (和平, 平安) is left out, as the dictionary of the shipped tagger has it.
"""

import argparse
import csv
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gnomon.guard.names.artefact import load
from gnomon.guard.names.features import codes
from gnomon.guard.names.lexicon import Lexicon

FILE: Final = Path(__file__).with_name("corpus") / "districts.txt"
_PEOPLES: Final = (
    "蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 拉祜 水 东乡 纳西 景颇 "
    "柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 锡伯 塔吉克 怒 鄂温克 保安 裕固 独龙 鄂伦春 各"
)
_ALL: Final = "|".join(sorted(_PEOPLES.split(), key=len, reverse=True))
_LONG: Final = "|".join(name for name in _PEOPLES.split() if len(name) > 2)
_RANK: Final = re.compile(
    rf"(?:(?:(?:{_ALL})族|{_LONG}|蒙古)*自治[州县旗区]|特别行政区|地区|林区|矿区|[省市县区旗盟])$"
)
_NONE: Final = re.compile("直辖|岛礁|^(?:市辖区|郊区|城区|矿区|市区|新区|开发区)$")
_PLACE_OR_UNKNOWN: Final = (0, 2)
"""Classes of the dictionary."""


def districts(names: Iterable[str], words: Lexicon) -> list[str]:
    """Each name without what says which kind of district it is, where two characters are left."""
    found = {_bare(name) for name in names if not _NONE.search(name)}
    return sorted(name for name in found if len(name) > 1 and _kind(name, words) in _PLACE_OR_UNKNOWN)


def _bare(name: str) -> str:
    bare = _RANK.sub("", name)
    return bare if len(bare) > 1 else name


def _kind(name: str, words: Lexicon) -> int:
    return int(words.classes(codes(name), len(name))[0]) if len(name) <= 4 else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    with options.table.open(encoding="utf-8") as rows:
        found = districts((row["name"] for row in csv.DictReader(rows)), load().tagger.lexicon)
    options.out.write_text(" ".join(found) + "\n", encoding="utf-8")
    sys.stderr.write(f"{len(found)} districts\n")


if __name__ == "__main__":
    main()
