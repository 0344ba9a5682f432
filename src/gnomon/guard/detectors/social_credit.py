"""统一社会信用代码 / unified social credit code (GB 32100), with check character, or after a key word."""

import re
from collections.abc import Iterator
from typing import Final

from gnomon.guard.checksums import social_credit_code
from gnomon.guard.detectors.base import Detector, keyed
from gnomon.guard.scan import literal
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, View

_WORDS: Final = ("信用代码", "税号", "纳税人识别", "纳税识别", "uscc")
_CODE: Final = re.compile(r"[0-9A-HJ-NP-RTUWXYa-hj-np-rtuwxy]{2}[0-9]{6}[0-9A-Za-z]{10}")

_TRIGGER: Final = trigger(
    rb"[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}", "(?<![A-Z0-9])[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}(?![A-Z0-9])"
)


def _find(view: View) -> Iterator[Found]:
    for start, end in view.words:
        if end - start == 18 and _CODE.match(view.text, start) and social_credit_code(view.text[start:end].upper()):
            yield Found(start, end, "USCC")


CHECKED: Final = Detector("USCC", "信用代码", (_TRIGGER,), _find, visible=(4, 4))
NAMED: Final = Detector(
    "USCC",
    "信用代码",
    tuple(map(literal, _WORDS)),
    keyed("USCC", _WORDS, r"(?=[0-9A-Z]{0,17}\d)[0-9A-Za-z]{15,20}(?![A-Za-z0-9])"),
    visible=(4, 4),
)
