"""The shape of the rulebook's files that protect: which content is blocked, what is masked, what persons may ask."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gnomon.contract.content import NEVER, ContentPolicy, ContentRule
from gnomon.contract.masking import Direction, Fingerprint, MaskPolicy, MaskRule, Operator, Pattern, Purpose, Terms
from gnomon.control.rulebook.schemas import ClauseId, Name, Shape, Text, Words

Entity = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]


class ContentRuleShape(Shape):
    category: str
    direction: Direction = "both"
    flag_at: Annotated[float, Field(gt=0, le=NEVER)] = 0.5
    block_at: Annotated[float, Field(gt=0, le=NEVER)] = NEVER


class ContentPolicyShape(Shape):
    id: Name
    title: Text
    version: Words
    clause: ClauseId
    exempt_roles: tuple[str, ...]
    rules: Annotated[tuple[ContentRuleShape, ...], Field(min_length=1)]

    def as_policy(self) -> ContentPolicy:
        rules = tuple(ContentRule(**rule.model_dump()) for rule in self.rules)
        return ContentPolicy(id=self.id, version=self.version, rules=rules, exempt_roles=self.exempt_roles)


class ContentFile(Shape):
    default: Name
    policies: tuple[ContentPolicyShape, ...]


class MaskRuleShape(Shape):
    entity: Entity | Literal["*"]
    operator: Operator
    direction: Direction = "both"
    fields: tuple[Words, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    format: str = ""


class TermsShape(Shape):
    entity: Entity
    label: Words
    terms: Annotated[tuple[Words, ...], Field(min_length=1)]


class PatternShape(Shape):
    entity: Entity
    label: Words
    pattern: Words


class FingerprintShape(Shape):
    entity: Entity
    label: Words
    salt: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]
    hashes: Words
    shingle: Annotated[int, Field(ge=8, le=32)]


class MaskPolicyShape(Shape):
    id: Name
    title: Text
    version: Words
    clause: ClauseId
    speed: Literal["structured", "names", "deep"]
    rules: Annotated[tuple[MaskRuleShape, ...], Field(min_length=1)]
    terms: tuple[TermsShape, ...] = ()
    patterns: tuple[PatternShape, ...] = ()
    fingerprints: tuple[FingerprintShape, ...] = ()

    def as_policy(self) -> MaskPolicy:
        return MaskPolicy(
            id=self.id,
            version=self.version,
            rules=tuple(MaskRule(**rule.model_dump()) for rule in self.rules),
            speed=self.speed,
            terms=tuple(Terms(**one.model_dump()) for one in self.terms),
            patterns=tuple(Pattern(**one.model_dump()) for one in self.patterns),
            fingerprints=tuple(Fingerprint(**one.model_dump()) for one in self.fingerprints),
        )


class MaskingFile(Shape):
    default: Name
    restorable_days: Annotated[int, Field(ge=0, le=365)]
    restoration_hours: Annotated[int, Field(ge=1, le=720)]
    policies: tuple[MaskPolicyShape, ...]


class KeptTables(Shape):
    """Tables that an erasure leaves as they are."""

    tables: Annotated[tuple[Name, ...], Field(min_length=1)]
    why: Text
    source: Text
    mark: Literal["V", "V2", "R"]


class KeptFiles(Shape):
    """Objects that the column `digest` of a table fixes."""

    table: Name
    digest: Name
    why: Text


class PersonsFile(Shape):
    """What tells a person, how long an answer may take, what an erasure leaves."""

    package_days: Annotated[int, Field(ge=1, le=90)]
    answer_within: Name
    strong: Annotated[tuple[Entity, ...], Field(min_length=1)]
    weak: tuple[Entity, ...]
    kept: tuple[KeptTables, ...]
    files: tuple[KeptFiles, ...]

    def keeps(self, table: str) -> KeptTables | None:
        return next((kept for kept in self.kept if table in kept.tables), None)
