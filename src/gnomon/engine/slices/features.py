"""What can be said of an item at a glance. Each feature is a name that a reader understands and a test on the text.

To add one: a line in `_FEATURES`.
"""

import re
from collections.abc import Callable

# Characters, not tokens: a reader can count them. Edges fit short reviews as well as paragraphs.
_BANDS = ((0, 10), (11, 30), (31, 80), (81, 200), (201, None))

_NEGATION = re.compile(r"[不没无未别非勿]|\b(?:not|no|never|none|without|cannot)\b|n't\b", re.IGNORECASE)
_CONTRAST = re.compile(r"但|却|可是|不过|然而|虽然|尽管|\b(?:but|however|although|though|yet)\b", re.IGNORECASE)
_COMPARISON = re.compile(r"比|更|最|\b(?:than|more|most|less|least)\b", re.IGNORECASE)
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")

_FEATURES: dict[str, Callable[[str], bool]] = {
    "has=negation": lambda text: bool(_NEGATION.search(text)),
    "has=contrast": lambda text: bool(_CONTRAST.search(text)),
    "has=comparison": lambda text: bool(_COMPARISON.search(text)),
    "has=digits": lambda text: bool(re.search(r"\d", text)),
    "has=question": lambda text: bool(re.search(r"[?？]", text)),
    "has=exclamation": lambda text: bool(re.search(r"[!！]", text)),
    "has=ellipsis": lambda text: bool(re.search(r"…|\.{3}|。{2}", text)),
    "has=no punctuation": lambda text: not re.search(r"[，。！？；：、,.!?;:]", text),
}


def features_of(text: str, label: str) -> frozenset[str]:
    """The names of all features that hold: one length band, one language, the label, and any of the rest."""
    held = {name for name, holds in _FEATURES.items() if holds(text)}
    return frozenset(held | {f"length={_band(len(text))}", f"language={language_of(text)}", f"label={label}"})


def language_of(text: str) -> str:
    """`zh`, `en`, `mixed` (both scripts, the rarer at least a tenth of the letters) or `other`, by script alone."""
    han, latin = len(_HAN.findall(text)), len(_LATIN.findall(text))
    if not han and not latin:
        return "other"
    if min(han, latin) >= 0.1 * (han + latin):
        return "mixed"
    return "zh" if han > latin else "en"


def family(feature: str) -> str:
    """Features of one family other than `has` exclude each other, so that their conjunction is empty."""
    return feature.split("=", 1)[0]


def _band(length: int) -> str:
    for low, high in _BANDS:
        if high is None or length <= high:
            return f"{low}+" if high is None else f"{low}-{high}"
    raise AssertionError("the last band is open")
