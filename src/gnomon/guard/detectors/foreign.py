"""IBAN, US SSN, ITIN and EIN, UK NINO / identifiers of other countries."""

import re
from collections.abc import Iterator

from gnomon.guard.checksums import iban
from gnomon.guard.detectors.base import Detector, keyed, matching
from gnomon.guard.scan import SPACE
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, View

_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?=(?P<v>[A-Z]{2}[0-9]{2}"
    r"(?:[A-Z0-9]{11,30}|(?:[ \-\u00a0][A-Z0-9]{4}){2,7}(?:[ \-\u00a0][A-Z0-9]{1,4})?)"
    r"|[a-z]{2}[0-9]{2}[a-z0-9]{11,30})(?![A-Za-z0-9]))"
)
_JOINTS = re.compile(r"[ \-\u00a0]")
# ISO 13616 registry: how long an IBAN of each country is.
_LENGTHS = dict(
    re.findall(
        "([A-Z]{2})([0-9]{2})",
        "AL28AD24AT20AZ28BH22BE16BA20BR29BG22CR22HR21CY28CZ24DK18DO28EE20FO18FI18FR27GE22DE22GI23GR27GL18GT28HU28IS26"
        "IE22IL23IT27JO30KZ20KW30LV21LB28LI21LT20LU20MK19MT31MR27MU30MC27MD24ME22NL18NO15PK24PS29PL28PT25QA29RO24SM27"
        "SA24RS22SK24SI19ES24SE24CH21TN24TR26AE23GB22VG24UA29",
    )
)


def _find_iban(view: View) -> Iterator[Found]:
    for match in _IBAN.finditer(view.text):
        code = _JOINTS.sub("", match["v"]).upper()
        length = _LENGTHS.get(code[:2])
        # In small letters it could be any word: only of a known country.
        if iban(code) and (int(length) == len(code) if length else match["v"][0].isupper()):
            yield Found(match.start("v"), match.end("v"), "IBAN")


# SSA: no area 000, 666 or 9xx, no group 00, no serial 0000.
# Directly after a Chinese character, 146-10-1172 is building, unit and room.
_SSN = (
    r"(?<![0-9A-Za-z\-.\u4e00-\u9fff])"
    r"(?P<v>(?!000|666|9)[0-9]{3}([\- ])(?!00)[0-9]{2}\2(?!0000)[0-9]{4})(?![0-9A-Za-z]|-[0-9])"
)
_SSN_WORDS = ("ssn", "social security", "social security number")
_ssn_written = matching("US_SSN", _SSN, first="[0-8]")
_ssn_named = keyed("US_SSN", _SSN_WORDS, r"(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}(?![A-Za-z0-9])")
# IRS: an ITIN has 50-65, 70-88, 90-92 or 94-99 in the middle.
_itin = matching(
    "US_TAX_ID",
    r"(?<![0-9A-Za-z\-.\u4e00-\u9fff])(?P<v>9[0-9]{2}([\- ])(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])\2[0-9]{4})"
    r"(?![0-9A-Za-z]|-[0-9])",
    first="9",
)
_EIN_WORDS = ("ein", "itin", "employer identification number", "employer id", "tax id", "federal tax id")
_ein = keyed("US_TAX_ID", _EIN_WORDS, r"(?:[0-9]{2}-?[0-9]{7})(?![A-Za-z0-9])")


def _find_ssn(view: View) -> Iterator[Found]:
    yield from _ssn_written(view)
    yield from _ssn_named(view)


def _find_tax(view: View) -> Iterator[Found]:
    yield from _itin(view)
    yield from _ein(view)


# HMRC NIM39110: letters and prefixes that are never issued.
_NINO = (
    r"(?<![A-Za-z0-9])(?P<v>(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?[0-9]{2}\s?[0-9]{2}\s?[0-9]{2}\s?[A-D])"
    r"(?![A-Za-z0-9])"
)
IBAN = Detector(
    "IBAN",
    "IBAN",
    (
        trigger(
            rb"[A-Z]{2}[0-9]{2}(?:[ -]|\xc2\xa0)?[A-Z0-9]{4}(?:[ -]|\xc2\xa0)?[A-Z0-9]{4}",
            "(?<![A-Z0-9])[A-Z]{2}[0-9]{2}[ \\-\u00a0]?[A-Z0-9]{4}[ \\-\u00a0]?[A-Z0-9]{4}",
        ),
    ),
    _find_iban,
    visible=(4, 2),
)
SSN = Detector(
    "US_SSN",
    "SSN",
    (
        trigger(rb"[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}", r"[0-9]{3}[ \-][0-9]{2}[ \-][0-9]{4}"),
        rb"ssn",
        trigger(rb"social" + SPACE + rb"security", r"social\ssecurity"),
    ),
    _find_ssn,
    visible=(0, 4),
)
TAX = Detector(
    "US_TAX_ID",
    "税号",
    (
        trigger(rb"9[0-9]{2}[ -][5-9][0-9][ -][0-9]{4}", r"9[0-9]{2}[ \-][5-9][0-9][ \-][0-9]{4}"),
        rb"itin",
        rb"ein",
        rb"employer",
        trigger(rb"tax" + SPACE + rb"id", r"tax\sid"),
    ),
    _find_tax,
    visible=(0, 4),
)
NINO = Detector(
    "UK_NINO",
    "NINO",
    (
        trigger(
            rb"[A-Z]{2}" + SPACE + rb"?[0-9]{2}" + SPACE + rb"?[0-9]{2}" + SPACE + rb"?[0-9]{2}" + SPACE + rb"?[A-D]",
            r"(?<![A-Za-z0-9])[A-Z]{2}\s?[0-9]{2}\s?[0-9]{2}\s?[0-9]{2}\s?[A-D]",
            caseless=False,
        ),
    ),
    matching("UK_NINO", _NINO, first="[A-Z]"),
    visible=(2, 1),
)
