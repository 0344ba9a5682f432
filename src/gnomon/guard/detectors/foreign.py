"""IBAN, US SSN, UK NINO / identifiers of other countries."""

import re
from collections.abc import Iterator

from gnomon.guard.checksums import iban
from gnomon.guard.detectors.base import Detector, matching
from gnomon.guard.scan import SPACE
from gnomon.guard.view import Found, View

_IBAN = re.compile(
    r"(?=(?<![A-Za-z0-9])(?P<v>[A-Z]{2}[0-9]{2}"
    r"(?:[A-Z0-9]{11,30}|(?:[ \-\u00a0][A-Z0-9]{4}){2,7}(?:[ \-\u00a0][A-Z0-9]{1,4})?))(?![A-Za-z0-9]))"
)
_JOINTS = re.compile(r"[ \-\u00a0]")


def _find_iban(view: View) -> Iterator[Found]:
    for match in _IBAN.finditer(view.text):
        if iban(_JOINTS.sub("", match["v"])):
            yield Found(match.start("v"), match.end("v"), "IBAN")


# SSA: no area 000, 666 or 9xx, no group 00, no serial 0000.
# Directly after a Chinese character, 146-10-1172 is building, unit and room.
_SSN = (
    r"(?<![0-9A-Za-z\-.\u4e00-\u9fff])"
    r"(?P<v>(?!000|666|9)[0-9]{3}([\- ])(?!00)[0-9]{2}\2(?!0000)[0-9]{4})(?![0-9A-Za-z]|-[0-9])"
)
# HMRC NIM39110: letters and prefixes that are never issued.
_NINO = (
    r"(?<![A-Za-z0-9])(?P<v>(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?[0-9]{2}\s?[0-9]{2}\s?[0-9]{2}\s?[A-D])"
    r"(?![A-Za-z0-9])"
)
IBAN = Detector(
    "IBAN",
    "IBAN",
    (rb"[A-Z]{2}[0-9]{2}(?:[ -]|\xc2\xa0)?[A-Z0-9]{4}(?:[ -]|\xc2\xa0)?[A-Z0-9]{4}",),
    _find_iban,
    visible=(4, 2),
)
SSN = Detector(
    "US_SSN", "SSN", (rb"[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}",), matching("US_SSN", _SSN, first="[0-8]"), visible=(0, 4)
)
NINO = Detector(
    "UK_NINO",
    "NINO",
    (rb"[A-Z]{2}" + SPACE + rb"?[0-9]{2}" + SPACE + rb"?[0-9]{2}" + SPACE + rb"?[0-9]{2}" + SPACE + rb"?[A-D]",),
    matching("UK_NINO", _NINO, first="[A-Z]"),
    visible=(2, 1),
)
