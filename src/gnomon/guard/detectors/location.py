"""经纬度 / geographic coordinates: a latitude and a longitude with at least four decimals, in either order."""

import re
from collections.abc import Iterator

from gnomon.guard.detectors.base import Detector
from gnomon.guard.scan import BETWEEN, JOINTS
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, View

_ONE = r"[-+]?[0-9]{1,3}\.[0-9]{4,12}"
_PAIR = re.compile(
    rf"(?=(?<![0-9A-Za-z.+\-])(?P<a>{_ONE})\s?°?\s?[NSEW]?\s?[,，、\s/]\s?(?P<b>{_ONE})(?:\s?°\s?[NSEW]?)?(?![0-9A-Za-z.]))"
)


def _find(view: View) -> Iterator[Found]:
    for match in _PAIR.finditer(view.text):
        first, second = abs(float(match["a"])), abs(float(match["b"]))
        if min(first, second) <= 90 and max(first, second) <= 180:
            yield Found(match.start("a"), match.end("b"), "GEO")


DETECTOR = Detector(
    "GEO",
    "坐标",
    (
        trigger(
            rb"\.[0-9]{4,12}(?:" + BETWEEN + rb"|\xc2\xb0|[NSEW]|\xe3\x80\x81){1,7}[+-]?[0-9]{1,3}\.[0-9]{4}",
            rf"\.[0-9]{{4,12}}[{JOINTS}°NSEW、]{{1,7}}[+\-]?[0-9]{{1,3}}\.[0-9]{{4}}",
        ),
    ),
    _find,
)
