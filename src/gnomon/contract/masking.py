"""The language of mask policies: one for the gateway, records, logs, exports, evaluation sets and training data."""

from typing import Literal

from msgspec import Struct

Direction = Literal["input", "output", "both"]
Operator = Literal["keep", "mask", "redact", "generalise", "pseudonym", "surrogate", "hash", "encrypt", "block"]
Purpose = Literal[
    "gateway", "record", "log", "trace", "error", "export", "evaluation", "training", "feedback", "ticket"
]
FIELD = "FIELD"
"""The entity of a rule about all that stands in its fields, whatever the detectors say."""


class MaskRule(Struct, frozen=True, kw_only=True):
    """What happens to an entity. Where `fields` or `purposes` are named, only there; else everywhere.

    `format` is the operator's own: `3*4` (mask), `month` (generalise), `conversation` (pseudonym), `digits` (encrypt a
    FIELD to as many digits); see docs. A `surrogate` looks real and so names its `purposes`: evaluation or training.
    """

    entity: str  # a detector's entity name, "*", or FIELD
    operator: Operator
    direction: Direction = "both"
    fields: tuple[str, ...] = ()  # names of columns or JSON members
    purposes: tuple[Purpose, ...] = ()
    format: str = ""


class Terms(Struct, frozen=True, kw_only=True):
    """The company's own words: code names, customers, formulas. Letters count whatever their case."""

    entity: str
    label: str  # the word in a placeholder
    terms: tuple[str, ...]


class Pattern(Struct, frozen=True, kw_only=True):
    r"""The company's own numbers, as `HT-\\d{8}`: a subset of regular expressions that is matched in linear time."""

    entity: str
    label: str
    pattern: str


class Fingerprint(Struct, frozen=True, kw_only=True):
    """A document that must not get out, without its text: base64 of the sorted 8-byte salted hashes of its shingles."""

    entity: str
    label: str
    salt: str  # hexadecimal
    hashes: str
    shingle: int  # letters and digits in each


class MaskPolicy(Struct, frozen=True, kw_only=True):
    """Rules in order; the first that fits entity, direction, field and purpose decides; no fitting one: `redact`."""

    id: str
    version: str
    rules: tuple[MaskRule, ...]
    speed: Literal["structured", "names", "deep"] = "structured"
    terms: tuple[Terms, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
