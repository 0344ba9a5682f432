"""执业证号 / licences to practise medicine: of doctors and nurses in China, after a key word; of the American DEA, by
their check digit. Looked for only where a policy names them: a prescription has to show who wrote it.
"""

import re
from collections.abc import Iterator

from gnomon.guard.detectors.base import Detector, keyed
from gnomon.guard.scan import literal
from gnomon.guard.view import Found, View

ENTITY = "MEDICAL_LICENCE"
_WORDS = (
    "医师资格证书", "医师资格证", "资格证书编码", "医师执业证书", "医师执业证", "执业证书编码", "执业证书",
    "执业证", "护士执业证书", "护士执业证", "medical license", "medical licence", "license to practise",
    "licence to practise", "npi", "dea",
)  # fmt: skip
_named = keyed(ENTITY, _WORDS, r"(?:[0-9]{9,27}[Xx]?|[A-Za-z]{1,2}[0-9]{5,10})(?![0-9A-Za-z_\-])")
_DEA = re.compile(r"(?<![0-9A-Za-z_\-])[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}(?![0-9A-Za-z_\-])")


def dea(number: str) -> bool:
    """Of seven digits the first, third and fifth, and twice the three between, end in the last."""
    digits = [int(digit) for digit in number[2:]]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def _find(view: View) -> Iterator[Found]:
    yield from _named(view)
    for match in _DEA.finditer(view.text):
        if dea(match.group()):
            yield Found(match.start(), match.end(), ENTITY)


DETECTOR = Detector(
    ENTITY,
    "执业证",
    (*map(literal, ("资格证", "执业证")), b"practise", b"npi", b"dea", b"licen", rb"[A-Z][A-Z9][0-9]{7}"),
    _find,
    visible=(2, 2),
    reach=2,
)
