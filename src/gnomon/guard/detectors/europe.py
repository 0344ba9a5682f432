"""National identity and tax numbers of Europe, VAT numbers, NHS numbers: by their check digits, or a key word, or both.

Where a number alone would be taken for any other (PESEL, BSN, DNI), its key word is needed, as a check digit lets one
in ten to one in a hundred pass.
"""

import re
from collections.abc import Callable, Iterator

from gnomon.guard import checksums
from gnomon.guard.detectors.base import Detector, keyed, matching
from gnomon.guard.scan import SPACE, literal
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, View

_END = r"(?![A-Za-z0-9])"
_JOINTS = re.compile(r"[\s.\-/]")


def _checked(
    find: Callable[[View], Iterator[Found]], is_valid: Callable[[str], bool]
) -> Callable[[View], Iterator[Found]]:
    """Of what `find` finds, that whose letters and digits pass the check."""

    def found(view: View) -> Iterator[Found]:
        for item in find(view):
            if is_valid(_JOINTS.sub("", view.text[item.start : item.end]).upper()):
                yield item

    return found


_ID = "EU_NATIONAL_ID"
_ITALIAN = r"(?<![A-Za-z0-9])(?P<v>[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z])" + _END
_FRENCH = (
    r"(?<![A-Za-z0-9])(?P<v>[12][ .]?[0-9]{2}[ .]?(?:0[1-9]|1[0-2]|[2-9][0-9])[ .]?(?:[0-9]{2}|2[AB])[ .]"
    r"?[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{2})" + _END
)
_BELGIAN = r"(?<![A-Za-z0-9.])(?P<v>[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2})" + _END
_FOREIGNER = r"(?<![A-Za-z0-9])(?P<v>[XYZ]-?[0-9]{7}-?[A-Z])" + _END
_SPANISH_WORDS = ("dni", "nif", "documento nacional de identidad")
_GERMAN_WORDS = ("steuer-id", "steuer-identifikationsnummer", "steueridentifikationsnummer", "idnr")
_SWEDISH_WORDS = ("personnummer", "pnr")
_DUTCH_WORDS = ("bsn", "burgerservicenummer", "sofinummer")
_VAT_WORDS = (
    "vat",
    "vat no",
    "vat number",
    "vat id",
    "ust-id",
    "ust-idnr",
    "tva",
    "n° tva",
    "iva",
    "btw",
    "moms",
    "cif",
)
_NHS_WORDS = ("nhs", "nhs number", "nhs no")
_D = rb"[0-9]"
_G = rb"[ .]?"


def _national(find: Callable[[View], Iterator[Found]], *triggers: bytes) -> Detector:
    return Detector(_ID, "证件号", triggers, find, visible=(2, 1))


# One a country: any long number makes one of them look, and the others need not.
NATIONAL = (
    _national(
        _checked(matching(_ID, _ITALIAN, first="[A-Z]"), checksums.fiscal_code),
        trigger(
            rb"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z]",
            "(?<![A-Za-z0-9])[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z]",
            caseless=False,
        ),
    ),
    _national(
        _checked(matching(_ID, _FRENCH, first="[12]"), checksums.french_insee),
        trigger(
            rb"[12]" + _G + _D * 2 + _G + _D * 2 + _G + rb"(?:[0-9]{2}|2[AB])" + _G + _D * 3 + _G + _D * 3,
            "(?<![A-Z0-9])[12][ .]?[0-9]{2}[ .]?[0-9]{2}[ .]?[0-9][0-9AB]"
            "[ .]?[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{2}(?![A-Z0-9])",
        ),
    ),
    _national(
        _checked(matching(_ID, _BELGIAN, first="[0-9]"), checksums.belgian_register),
        trigger(rb"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.", r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\."),
    ),
    _national(
        _checked(matching(_ID, _FOREIGNER, first="[XYZ]"), checksums.spanish_nif),
        trigger(rb"[XYZ]-?[0-9]{7}-?[A-Z]", "[XYZ]-?[0-9]{7}-?[A-Z]"),
    ),
    _national(
        _checked(keyed(_ID, _SPANISH_WORDS, rf"[0-9]{{8}}[\s\-]?[A-Za-z]{_END}"), checksums.spanish_nif),
        *map(literal, _SPANISH_WORDS),
    ),
    _national(
        _checked(keyed(_ID, _GERMAN_WORDS, rf"[0-9]{{2}}(?:[ ]?[0-9]{{3}}){{3}}{_END}"), checksums.german_tax_id),
        *map(literal, ("steuer", "idnr")),
    ),
    _national(_checked(keyed(_ID, ("pesel",), rf"[0-9]{{11}}{_END}"), checksums.pesel), literal("pesel")),
    _national(
        _checked(keyed(_ID, _DUTCH_WORDS, rf"[0-9]{{4}}[. ]?[0-9]{{2}}[. ]?[0-9]{{3}}{_END}"), checksums.dutch_bsn),
        *map(literal, _DUTCH_WORDS),
    ),
    _national(
        keyed(_ID, _SWEDISH_WORDS, rf"(?:19|20)?[0-9]{{6}}[\-+]?[0-9]{{4}}{_END}"), *map(literal, _SWEDISH_WORDS)
    ),
)
VAT = Detector(
    "EU_VAT",
    "增值税号",
    tuple(map(literal, ("vat", "ust-id", "tva", "iva", "btw", "moms", "cif"))),
    keyed(
        "EU_VAT",
        _VAT_WORDS,
        rf"(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)"
        rf"[ \-]?(?=[A-Z]{{0,3}}[0-9])[A-Z0-9](?:[ .]?[A-Z0-9]){{7,11}}{_END}",
    ),
    visible=(2, 2),
)
NHS = Detector(
    "UK_NHS",
    "NHS号",
    (trigger(rb"nhs" + SPACE + rb"|nhs[:#]|nhs number", r"nhs[\s:#]"),),
    _checked(keyed("UK_NHS", _NHS_WORDS, rf"[0-9]{{3}}[ \-]?[0-9]{{3}}[ \-]?[0-9]{{4}}{_END}"), checksums.nhs),
    visible=(3, 0),
)
