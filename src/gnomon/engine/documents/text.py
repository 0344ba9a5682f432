"""Texts that people typed, made fit for XML and for spreadsheets."""

import re

# What XML 1.0 cannot hold: Word would call the file damaged.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def legal(text: str) -> str:
    """`text` with the characters that XML cannot hold replaced by U+FFFD."""
    return _ILLEGAL.sub("\ufffd", text)


def inert(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula when it reads a CSV file (CWE-1236)."""
    is_number = re.fullmatch(r"[+-]?[\d,.]+%?", text) is not None
    return f"'{text}" if text.startswith(_FORMULA) and not is_number else text
