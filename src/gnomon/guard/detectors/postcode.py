"""邮政编码 / postcodes by themselves. Looked for only where a policy names them; in an address they are part of it.

Digits need a key word, or the state of America before them; the codes of Britain and Canada are like nothing else.
"""

from collections.abc import Callable, Iterator
from functools import cache

from gnomon.guard.detectors.base import Detector, keyed, matching
from gnomon.guard.scan import literal
from gnomon.guard.view import Found, View

ENTITY = "POSTCODE"
_WORDS = (
    "邮政编码", "邮编", "邮政区码", "邮递区号", "zip", "zip code", "zipcode", "postal code", "postcode", "post code",
    "postleitzahl", "plz", "code postal", "código postal", "cep",
)  # fmt: skip
_STATES = (
    "A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|"
    "W[AIVY]"
)
_BRITISH = r"(?:GIR 0AA|[A-PR-UWYZ][A-HK-Y]?[0-9][0-9A-HJKPSTUW]? [0-9][ABD-HJLNP-UW-Z]{2})"
_CANADIAN = "[ABCEGHJ-NPRSTVXY][0-9][A-Z] [0-9][A-Z][0-9]"
_VALUE = (
    r"(?:(?ai:[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])|[0-9]{3,6}(?:[- ]?[0-9]{2,4})?)"
)
_after_word = keyed(ENTITY, _WORDS, rf"{_VALUE}(?![0-9A-Za-z_*]|[.\-][0-9])")


@cache
def _alone() -> tuple[Callable[[View], Iterator[Found]], ...]:
    """Made when first asked for: most policies never do."""
    return (
        matching(ENTITY, rf"(?<![0-9A-Za-z_.\-/])(?P<v>{_BRITISH}|{_CANADIAN})(?![0-9A-Za-z_\-])", first="[A-Z]"),
        matching(
            ENTITY,
            rf"(?<![0-9A-Za-z_.\-/])(?:{_STATES}),? (?P<v>[0-9]{{5}}(?:-[0-9]{{4}})?)(?![0-9A-Za-z_\-])",
            first="[A-Z]",
        ),
    )


def _find(view: View) -> Iterator[Found]:
    yield from _after_word(view)
    for find in _alone():
        yield from find(view)


DETECTOR = Detector(
    ENTITY,
    "邮编",
    (
        *map(literal, ("邮政", "邮编", "邮递", "zip", "postal", "postcode", "post code", "postleitzahl", "plz", "cep")),
        rb"[A-Z][0-9][0-9A-Z]? [0-9][A-Z]",
        rb"[A-Z]{2},? [0-9]{5}",
    ),
    _find,
    reach=16,
)
