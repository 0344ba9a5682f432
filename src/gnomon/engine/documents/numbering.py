"""Numbers of papers, of their headings, figures and tables."""

from typing import Final

_DIGITS: Final = "零一二三四五六七八九"


def paper_number(series: str, year: int, serial: int, *, round: int | None = None) -> str:
    """`YX-BS-2026-0012`; of a remediation round `ZG-2026-03-007` (series, year, round, serial)."""
    return f"{series}-{year}-{serial:04d}" if round is None else f"{series}-{year}-{round:02d}-{serial:03d}"


def heading_number(locale: str, place: tuple[int, ...]) -> str:
    """Of the heading at `place` (1-based, one figure a level), with what separates it from the text.

    Chinese papers count 一、 （一） 1. (GB/T 9704-2012, 7.3.3); English ones 1, 1.1, 1.1.1.
    """
    if locale == "en":
        return ".".join(str(one) for one in place) + "  "
    last = place[-1]
    match len(place):
        case 1:
            return f"{chinese(last)}、"
        case 2:
            return f"（{chinese(last)}）"
        case _:
            return f"{last}. "


def chinese(value: int) -> str:
    """A whole number from 1 to 99 in Chinese figures."""
    if not 1 <= value <= 99:
        return str(value)
    tens, ones = divmod(value, 10)
    head = "" if not tens else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")
