"""IMEI、车架号 / device and vehicle identification numbers."""

import re
from collections.abc import Iterator

from gnomon.guard.checksums import luhn, vehicle_id
from gnomon.guard.detectors.base import Detector, Words, keyed, numbers
from gnomon.guard.scan import LONG_NUMBER, literal
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, Number, View

IMEI_NAMED = Words(("imei", "imei号", "串号", "设备号", "meid"))
_is_imei_named = IMEI_NAMED.before
# Reporting bodies that issue IMEIs (TS.06): the first two digits. Without one, a key word is needed.
_REPORTING_BODIES = frozenset({"01", "35", "86", "99"})
_VIN_WORDS = ("车架号", "车辆识别代号", "车辆识别代码", "vin", "vin码", "vin号")
_VIN = re.compile(r"(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-HJ-NPR-Z0-9]{17}")
_vin_named = keyed("VIN", _VIN_WORDS, r"(?ai:[A-HJ-NPR-Z0-9]{17})(?![A-Za-z0-9])")


def _judge_imei(view: View, number: Number) -> float:
    if not number.is_even:
        return 0.0
    if _is_imei_named(view, number.start):
        return 1.0
    return 0.7 if number.digits[:2] in _REPORTING_BODIES and not number.gaps and luhn(number.digits) else 0.0


def _find_vin(view: View) -> Iterator[Found]:
    for start, end in view.words:
        if end - start == 17 and _VIN.match(view.text, start) and vehicle_id(view.text[start:end]):
            yield Found(start, end, "VIN", 0.9)
    yield from _vin_named(view)


# A number alone is 17 characters of which none touches another; after a key word, it may touch that.
_VIN_TRIGGERS = (
    trigger(
        rb"[A-HJ-NPR-Z0-9]{17}",
        "(?<![A-Z0-9])[A-HJ-NPR-Z0-9]{17}(?![A-Z0-9])",
        "vin[0-9:：#]",
        *_VIN_WORDS[:3],
        r"(?<![A-Z])vin(?![A-Z])",
    ),
    literal("车架号"),
)
IMEI = Detector("IMEI", "设备号", LONG_NUMBER, numbers("IMEI", (15,), _judge_imei), visible=(2, 2))
VIN = Detector("VIN", "车架号", _VIN_TRIGGERS, _find_vin, visible=(3, 2))
