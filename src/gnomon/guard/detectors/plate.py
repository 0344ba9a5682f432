"""车牌 / vehicle registration plates (GA 36), new energy, trailers, police, embassies."""

from gnomon.guard.detectors.base import Detector, matching
from gnomon.guard.scan import literal
from gnomon.guard.shapes import trigger

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
_GAP = r"[\s·•.\-]?"
_PATTERN = (
    rf"[{PROVINCES}]{_GAP}[A-HJ-Z]{_GAP}"
    # New energy: D or F (A-K since 2023) first for small vehicles, last for large ones; then the ordinary five.
    r"(?:[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK]|(?=[A-HJ-NP-Z0-9]{0,4}[0-9])[A-HJ-NP-Z0-9]{5}"
    r"|(?=[A-HJ-NP-Z0-9]{0,3}[0-9])[A-HJ-NP-Z0-9]{4}[学警港澳挂])(?![A-Za-z0-9])"
)
_SPACES = (
    rb"(?:[ \t\n\r.-]|\\[nrt]|\xc2\xb7|\xe2\x80[\x80-\xaf]|"
    rb"\xc2[\x85\xa0]|\xe1\x9a\x80|\xe3\x80\x80|\xe2\x81\x9f|[\x0b\x0c\x1c-\x1f])?"
)
_TRIGGER = rb"(?:" + b"|".join(map(literal, PROVINCES)) + rb")" + _SPACES + rb"[A-Z]" + _SPACES + rb"[A-Z0-9]{4}"
_SHAPE = rf"[{PROVINCES}]{_GAP}[A-Z]{_GAP}[A-Z0-9]{{4}}"

DETECTOR = Detector(
    "PLATE", "车牌", (trigger(_TRIGGER, _SHAPE),), matching("PLATE", _PATTERN, first=f"[{PROVINCES}]"), visible=(2, 2)
)
