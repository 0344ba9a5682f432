"""How a paper looks: a formal Chinese one, or a business report in English. Sizes in points, margins in millimetres.

The Chinese layout follows GB/T 9704-2012 (not read in the primary text): A4, type area 156 x 225 mm, title 小标宋
二号, first level 黑体 三号, second 楷体, body 仿宋 三号 on lines of 28 pt. Its fonts come with Windows, macOS and WPS;
where they are missing the open Noto fonts stand in (`FALLBACKS`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Face:
    """A font for Latin and one for Chinese letters, with size and weight."""

    latin: str
    cjk: str
    size: float
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    title: Face
    headings: tuple[Face, Face, Face]
    body: Face
    table: Face
    head: Face
    small: Face
    margins: tuple[float, float, float, float]  # top, right, bottom, left
    line: float  # exact line height of the body; 0: proportional
    indent: int  # first-line indent of the body in characters
    accent: str  # colour of headings, hex
    shade: str  # ground of table heads, hex
    centred_title: bool
    mirrored: bool  # page numbers outside: right on odd pages, left on even ones

    @property
    def width_mm(self) -> float:
        return 210 - self.margins[1] - self.margins[3]


_SONG, _FANG, _HEI, _KAI = "宋体", "仿宋", "黑体", "楷体"
_ROMAN = "Times New Roman"

CHINESE: Final = Layout(
    title=Face(_ROMAN, "方正小标宋简体", 22),
    headings=(Face(_ROMAN, _HEI, 16), Face(_ROMAN, _KAI, 16), Face(_ROMAN, _FANG, 16, bold=True)),
    body=Face(_ROMAN, _FANG, 16),
    table=Face(_ROMAN, _SONG, 10.5),
    head=Face(_ROMAN, _HEI, 10.5),
    small=Face(_ROMAN, _SONG, 9),
    margins=(37, 26, 35, 28),
    line=28,
    indent=2,
    accent="000000",
    shade="EEF1F3",
    centred_title=True,
    mirrored=True,
)
_YAHEI = "微软雅黑"
ENGLISH: Final = Layout(
    title=Face("Calibri", _YAHEI, 24, bold=True),
    headings=(
        Face("Calibri", _YAHEI, 16, bold=True),
        Face("Calibri", _YAHEI, 13, bold=True),
        Face("Calibri", _YAHEI, 11, bold=True),
    ),
    body=Face("Calibri", _YAHEI, 11),
    table=Face("Calibri", _YAHEI, 9.5),
    head=Face("Calibri", _YAHEI, 9.5, bold=True),
    small=Face("Calibri", _YAHEI, 8.5),
    margins=(25, 22, 22, 25),
    line=0,
    indent=0,
    accent="15496B",
    shade="E9EEF2",
    centred_title=False,
    mirrored=False,
)

FALLBACKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "方正小标宋简体": "Noto Serif CJK SC",
        _SONG: "Noto Serif CJK SC",
        _FANG: "Noto Serif CJK SC",
        _KAI: "Noto Serif CJK SC",
        _HEI: "Noto Sans CJK SC",
        _YAHEI: "Noto Sans CJK SC",
        _ROMAN: "Liberation Serif",
        "Calibri": "Carlito",
    }
)
"""The open font that stands in where the named one is not installed."""


def layout(locale: str) -> Layout:
    """The layout of `locale`; the Chinese one where the locale is not English."""
    return ENGLISH if locale == "en" else CHINESE
