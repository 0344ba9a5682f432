"""What happens to each finding: which rule of a policy decides, and the one object that the gateway asks."""

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from gnomon.contract.masking import FIELD, MaskPolicy, MaskRule, Purpose
from gnomon.contract.masking import Operator as OperatorName
from gnomon.contract.verdicts import Masked, Span
from gnomon.guard import company
from gnomon.guard.detectors import DETECTORS, NAMED_ON_REQUEST, ON_REQUEST
from gnomon.guard.finding import Finder, default_finder
from gnomon.guard.operators import OPERATORS, Operator, Subject
from gnomon.guard.placeholders import Vault
from gnomon.guard.view import Place
from gnomon.kit.errors import BadInput

Way = Literal["input", "output"]
BLOCK: Final = 4096
"""Characters looked at in one go; longer texts pass through a window, so that a few hits cost a few blocks."""

MOST_FIELDS: Final = 1000
"""Fields whose decisions are remembered; names of fields may come from whoever sends them."""
_SECRETS: Final = tuple(detector.entity for detector in DETECTORS if detector.is_secret)
_NOT_NOTED: Final = frozenset(_SECRETS)  # a password is nobody's identifier, and nothing of it stays

DEFAULT_POLICY: Final = MaskPolicy(
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


class Masker:
    """Applies one policy, for one purpose. Safe to share between threads. `key` makes pseudonyms (>= 16 bytes).

    Raises whatever a detector raises: an error is an error, never unmasked text. Names that a vault has seen in one
    text are found again in the next; NamesMissing where the policy's speed needs what is not there.
    """

    def __init__(
        self, policy: MaskPolicy, *, key: bytes, finder: Finder | None = None, purpose: Purpose = "gateway"
    ) -> None:
        if len(key) < 16:
            raise BadMaskPolicy(
                f"The key for pseudonyms has {len(key)} bytes; at least 16 are needed.",
                next_step="Give a random key of 32 bytes.",
            )
        self.policy = policy
        self.purpose = purpose
        self.finder = finder or _finder(policy)
        self._key = key
        self._labels = {detector.entity: (detector.label, detector.visible) for detector in self.finder.detectors}
        self._check()
        self.fields = frozenset(
            field for rule in policy.rules if not rule.purposes or purpose in rule.purposes for field in rule.fields
        )
        """The names of fields that rules speak of for this purpose."""
        self.short_numbers = bool(policy.patterns)
        """Whether a number of a few digits may be somebody's: a company's own may have as few as it likes."""
        self._decided: dict[tuple[Way, str], dict[str, Decision]] = {}

    def _check(self) -> None:
        known = self._labels.keys() | {"*", FIELD}
        for rule in self.policy.rules:
            if rule.entity not in known:
                raise self._bad(
                    f"a rule for {rule.entity!r}, which no detector finds",
                    f"Use * or one of: {', '.join(sorted(self._labels))}.",
                )
            if rule.entity == FIELD and not rule.fields:
                raise self._bad(f"a rule for {FIELD} that names no fields", "Name the fields.")
            only_for = OPERATORS[rule.operator].only_for
            if only_for and (not rule.purposes or set(rule.purposes) - only_for):
                allowed = ", ".join(sorted(only_for))
                raise self._bad(f"a {rule.operator} of {rule.entity} that is not only for {allowed}", "Name purposes.")
            wrong = OPERATORS[rule.operator].wrong(rule.entity, rule.format)
            if wrong:
                raise self._bad(f"the format {rule.format!r} for {rule.operator} of {rule.entity}: {wrong}", "")

    def _bad(self, what: str, next_step: str) -> BadMaskPolicy:
        return BadMaskPolicy(
            f"The policy {self.policy.id} has {what}.", next_step=next_step or "Correct the rule's format."
        )

    def mask(
        self, text: str, direction: Way, vault: Vault | None = None, *, field: str = "", fired: Any = None
    ) -> Masked:
        """`text` after the policy. When an entity blocks, `text` ends before it. Spans are those acted upon.

        `field`: the name of the column or member whose content the text is, for rules that name fields. `fired`: what
        `places` said of the text.
        """
        if field and text and self.is_whole(field, direction):
            run = Run(self, direction, vault, field=field)
            masked = run.apply(text, [Span(0, len(text), FIELD)])
            return run.masked(masked)
        if len(text) > BLOCK or (vault is not None and self.policy.speed != "structured"):
            run = Run(self, direction, vault, field=field)
            masked = "".join(run.apply(piece, spans) for piece, spans in self._pieces(text, vault))
            return run.masked(masked)
        spans = self.finder.spans(text, fired=fired)
        if not spans:
            return Masked(text, (), {}, "")
        run = Run(self, direction, vault, field=field)
        masked = run.apply(text, spans)
        return run.masked(masked)

    @property
    def is_quick(self) -> bool:
        """Whether an ordinary text costs microseconds; looking for names costs milliseconds."""
        return self.policy.speed == "structured"

    def hits(self, data: bytes) -> bool:
        """False guarantees that `mask` changes no string in these raw JSON bytes. Microseconds per KB."""
        return bool(self.fields) or self.finder.hits(data)

    def places(self, data: bytes) -> list[Place] | None:
        """The strings and long numbers of JSON outside of which `mask` changes nothing; None: it may change any."""
        if self.fields or self.short_numbers:
            return None if self.hits(data) else []
        return self.finder.places(data)

    def operator(self, entity: str, direction: Way, field: str = "") -> OperatorName:
        """What the policy does with an entity, in a field of that name."""
        return self.decisions(direction, field)[entity].name

    def decisions(self, direction: Way, field: str = "") -> dict[str, "Decision"]:
        """What the policy does with every entity, worked out once for each field."""
        decided = self._decided.get((direction, field))
        if decided is None:
            entities = (*self._labels, FIELD)
            decided = {entity: self._decide(entity, direction, field) for entity in entities}
            if len(self._decided) < MOST_FIELDS:
                self._decided[direction, field] = decided
        return decided

    def _decide(self, entity: str, way: Way, field: str) -> "Decision":
        label, visible = self._labels.get(entity, (field, (0, 0)))
        subject = Subject("", entity, label, visible, self._key, None)
        for rule in self.policy.rules:
            if is_about(rule, entity, way, field=field, purpose=self.purpose):
                return _decision(rule.operator, rule.format, subject)
        return _decision("keep" if entity == FIELD else "redact", "", subject)

    def is_whole(self, field: str, direction: Way) -> bool:
        """Whether the policy acts upon all that a field of that name holds, whatever the detectors say."""
        return self.decisions(direction, field)[FIELD].name != "keep"

    @property
    def wants_columns(self) -> bool:
        """Whether something would be let through where nobody says which field a text stands in."""
        return any(rule.fields and rule.operator != "keep" for rule in self.policy.rules)

    def _pieces(self, text: str, vault: Vault | None) -> Iterator[tuple[str, list[Span]]]:
        window = self.finder.window(None if vault is None else vault.seen)
        for at in range(0, len(text), BLOCK):
            yield window.feed(text[at : at + BLOCK])
        yield window.rest()


def is_about(rule: MaskRule, entity: str, way: Way, *, field: str, purpose: Purpose) -> bool:
    """Whether the rule says what happens to the entity there; of several, the first one decides."""
    fits = rule.entity == entity or (rule.entity == "*" and entity != FIELD)
    here = (not rule.fields or field in rule.fields) and (not rule.purposes or purpose in rule.purposes)
    return fits and here and rule.direction in ("both", way)


def _finder(policy: MaskPolicy) -> Finder:
    """What looks for all that the policy names; the parts that are the same for every policy are made once."""
    named = {rule.entity for rule in policy.rules}
    asked = tuple(detector for detector in ON_REQUEST if detector.entity in named)
    try:
        own = company.detectors(policy)
    except company.BadEntry as error:
        message = f"The policy {policy.id} has an entry that cannot be: {error}."
        raise BadMaskPolicy(message, next_step="Correct it.") from error
    detectors = (*own, *DETECTORS, *asked)  # what is the company's is called so, whatever else it looks like
    if policy.speed == "structured":
        found = Finder(detectors) if own or asked else default_finder()
    else:
        from gnomon.guard.names.finder import asked_finder, name_finder  # megabytes that only who looks for names needs

        found = name_finder(policy.speed)
        if own or asked or named & NAMED_ON_REQUEST:
            found = asked_finder(found, detectors, named & NAMED_ON_REQUEST, policy.speed)
    if own or asked:
        found.reach = max((company.reach(policy), *(detector.reach for detector in asked)))
    return found


def _decision(name: OperatorName, format: str, subject: Subject) -> "Decision":
    operator = OPERATORS[name]
    made = Decision(name, operator, format, subject, "")
    return made._replace(always=made.applied("", None)) if name == "redact" else made


class Decision(NamedTuple):
    """What a policy does with an entity: the operator, by name and itself, its format, and whom it is done to."""

    name: OperatorName
    operator: Operator
    format: str
    subject: Subject  # still without its value
    always: str  # what stands for every value, where that depends on none

    def applied(self, value: str, vault: Vault | None) -> str:
        """What stands for `value`."""
        if self.always:
            return self.always
        assert self.operator.replace is not None, "nothing is kept or blocked here"
        _, entity, label, visible, key, _ = self.subject
        return self.operator.replace(Subject(value, entity, label, visible, key, vault), self.format)


class Run:
    """One text on its way through a masker: counts, spans with places in the whole, and whether it was blocked."""

    def __init__(self, masker: Masker, direction: Way, vault: Vault | None, *, field: str = "") -> None:
        self._decisions = masker.decisions(direction, field)
        self._vault = vault
        self.at = 0  # characters that were decided
        self.spans: list[Span] = []
        self.replacements: list[str] = []
        self.counts: dict[str, int] = {}
        self.blocked = ""
        self._begun = False

    def masked(self, text: str) -> Masked:
        """All that was seen, with `text` for what `apply` returned."""
        return Masked(text, tuple(self.spans), self.counts, self.blocked, tuple(self.replacements))

    def begin(self, entity: str) -> str:
        """What stands for a finding with which the next piece begins, once; nothing where that depends on its end."""
        decision = self._decisions[entity]
        if self._begun or self.blocked or decision.name != "redact":
            return ""
        self._begun = True
        return decision.applied("", self._vault)

    def apply(self, text: str, spans: list[Span]) -> str:
        """The next decided piece, after the policy. Nothing follows a block."""
        start, self.at = self.at, self.at + len(text)
        if self.blocked:
            return ""
        if not spans:
            return text
        parts: list[str] = []
        at, counts, vault = 0, self.counts, self._vault
        for span in spans:
            entity, begins, ends = span.entity, span.start, span.end
            decision = self._decisions[entity]
            name = decision.name
            if name == "keep":
                continue
            counts[entity] = counts.get(entity, 0) + 1
            self.spans.append(Span(begins + start, ends + start, entity, span.score) if start else span)
            parts.append(text[at:begins])
            at = ends
            if name == "block":
                self.blocked = entity
                return "".join(parts)
            value = text[begins:ends]
            if vault is not None and entity not in _NOT_NOTED:
                vault.met.add(value)
            replacement = decision.applied(value, vault)
            self.replacements.append(replacement)
            parts.append("" if self._begun else replacement)
            self._begun = False
        parts.append(text[at:])
        return "".join(parts)


__all__ = ["DEFAULT_POLICY", "BadMaskPolicy", "Masker", "Run", "Vault"]
