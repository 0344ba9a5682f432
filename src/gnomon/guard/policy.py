"""What happens to each finding: the operators, and the one object that the gateway asks."""

import hmac
from collections.abc import Iterator
from typing import Literal

from gnomon.contract.bundle import MaskPolicy, MaskRule, Operator
from gnomon.contract.verdicts import Masked, Span
from gnomon.guard.detectors import DETECTORS
from gnomon.guard.finding import Finder, Window, default_finder
from gnomon.guard.placeholders import Vault, code, placeholder
from gnomon.kit.errors import BadInput, NotReady

Way = Literal["input", "output"]
BLOCK = 4096
"""Characters looked at in one go; longer texts pass through a window, so that a few hits cost a few blocks."""

_LABELS = {detector.entity: detector.label for detector in DETECTORS}
_VISIBLE = {detector.entity: detector.visible for detector in DETECTORS}
_SECRETS = tuple(detector.entity for detector in DETECTORS if detector.is_secret)

DEFAULT_POLICY = MaskPolicy(
    id="default",
    version="1",
    rules=(
        # A secret is of no use to a model and must not come back: nothing of it stays, not even a digest.
        *(MaskRule(entity=entity, operator="redact") for entity in _SECRETS),
        MaskRule(entity="*", operator="pseudonym"),
    ),
)
"""Everything that is found is replaced, in both directions: secrets for good, the rest by restorable placeholders."""


class BadMaskPolicy(BadInput):
    code = "bad_mask_policy"


class SpeedMissing(NotReady):
    code = "mask_speed_missing"


class Masker:
    """Applies one policy. Immutable; safe to share between threads. `key` makes pseudonyms and hashes (>= 16 bytes).

    Raises whatever a detector raises: an error is an error, never unmasked text.
    """

    def __init__(self, policy: MaskPolicy, *, key: bytes, finder: Finder | None = None) -> None:
        if len(key) < 16:
            raise BadMaskPolicy(
                f"The key for pseudonyms has {len(key)} bytes; at least 16 are needed.",
                next_step="Give a random key of 32 bytes.",
            )
        if policy.speed != "structured":
            raise SpeedMissing(
                f"The policy {policy.id} asks for the speed {policy.speed}; only structured is built in.",
                next_step="Set speed to structured.",
            )
        self.policy = policy
        self.finder = finder or default_finder()
        self._key = key
        known = {detector.entity for detector in self.finder.detectors}
        for rule in policy.rules:
            if rule.entity != "*" and rule.entity not in known:
                raise BadMaskPolicy(
                    f"The policy {policy.id} has a rule for {rule.entity!r}, which no detector finds.",
                    next_step=f"Use * or one of: {', '.join(sorted(known))}.",
                )
        self._operators = {
            way: {entity: _decide(policy, entity, way) for entity in known} for way in ("input", "output")
        }

    def mask(self, text: str, direction: Way, vault: Vault | None = None) -> Masked:
        """`text` after the policy. When an entity blocks, `text` ends before it. Spans are those acted upon."""
        if len(text) > BLOCK:
            run = Run(self, direction, vault)
            masked = "".join(run.apply(piece, spans) for piece, spans in self._pieces(text))
            return Masked(masked, tuple(run.spans), run.counts, run.blocked)
        spans = self.finder.spans(text)
        if not spans:
            return Masked(text, (), {}, "")
        run = Run(self, direction, vault)
        masked = run.apply(text, spans)
        return Masked(masked, tuple(run.spans), run.counts, run.blocked)

    def hits(self, data: bytes) -> bool:
        """False guarantees that `mask` changes no string in these raw JSON bytes. Microseconds per KB."""
        return self.finder.hits(data)

    def operator(self, entity: str, direction: Way) -> Operator:
        """What the policy does with an entity."""
        return self._operators[direction][entity]

    def replacement(self, span: Span, value: str, direction: Way, vault: Vault | None) -> str:
        """What stands for `value`. Not for `keep` and `block`."""
        operator, label = self.operator(span.entity, direction), _LABELS.get(span.entity, span.entity)
        if operator == "pseudonym":
            letters = code(value, key=self._key, entity=span.entity, length=12)
            return placeholder(label, vault.keep(label, letters, value) if vault is not None else letters[:6])
        if operator == "mask":
            return _starred(value, span.entity)
        if operator == "hash":
            digest = hmac.digest(self._key, f"hash\0{span.entity}\0{value}".encode("utf-8", "surrogatepass"), "sha256")
            return placeholder(f"{label}#{digest.hex()[:16].translate(_HEX_LETTERS)}")
        return placeholder(label)

    def _pieces(self, text: str) -> Iterator[tuple[str, list[Span]]]:
        window = Window(self.finder)
        for at in range(0, len(text), BLOCK):
            yield window.feed(text[at : at + BLOCK])
        yield window.rest()


class Run:
    """One text on its way through a masker: counts, spans with places in the whole, and whether it was blocked."""

    def __init__(self, masker: Masker, direction: Way, vault: Vault | None) -> None:
        self._masker = masker
        self._direction = direction
        self._vault = vault
        self._at = 0
        self.spans: list[Span] = []
        self.counts: dict[str, int] = {}
        self.blocked = ""

    def apply(self, text: str, spans: list[Span]) -> str:
        """The next decided piece, after the policy. Nothing follows a block."""
        start, self._at = self._at, self._at + len(text)
        if self.blocked:
            return ""
        if not spans:
            return text
        parts: list[str] = []
        at = 0
        for span in spans:
            operator = self._masker.operator(span.entity, self._direction)
            if operator == "keep":
                continue
            self.counts[span.entity] = self.counts.get(span.entity, 0) + 1
            self.spans.append(Span(span.start + start, span.end + start, span.entity, span.score))
            parts.append(text[at : span.start])
            at = span.end
            if operator == "block":
                self.blocked = span.entity
                return "".join(parts)
            value = text[span.start : span.end]
            parts.append(self._masker.replacement(span, value, self._direction, self._vault))
        parts.append(text[at:])
        return "".join(parts)


# Letters only: a digest of digits could be read as a number by the next masker.
_HEX_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjkmnpqrstv")


def _decide(policy: MaskPolicy, entity: str, way: str) -> Operator:
    for rule in policy.rules:
        if rule.entity in ("*", entity) and rule.direction in ("both", way):
            return rule.operator
    return "redact"


def _starred(value: str, entity: str) -> str:
    """The ends that the entity's format shows, stars between; never more than two thirds of the value are shown."""
    head, tail = _VISIBLE.get(entity, (0, 0))
    if entity == "EMAIL":
        return value[:1] + "***" + value[value.rindex("@") :]
    if 3 * (head + tail) > 2 * len(value):
        head, tail = 0, 0
    return value[:head] + "*" * (len(value) - head - tail) + value[len(value) - tail :]


__all__ = ["DEFAULT_POLICY", "BadMaskPolicy", "Masker", "Run", "SpeedMissing", "Vault"]
