"""The rulebook as one immutable value with look-ups."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from gnomon.contract.bundle import ContentPolicy, MaskPolicy, SuccessRule
from gnomon.contract.thresholds import Threshold
from gnomon.control.rulebook.protection import ContentPolicyShape, MaskPolicyShape, PersonsFile
from gnomon.control.rulebook.schemas import (
    Chapter,
    Clause,
    Control,
    Edition,
    EvidenceKind,
    GuardFile,
    Post,
    Quorum,
    Resource,
    Separation,
    SloFile,
    Team,
    Text,
    ThresholdRule,
)
from gnomon.kit.errors import NotFound

_T = TypeVar("_T")


class NotInRulebook(NotFound):
    code = "not_in_rulebook"


@dataclass(frozen=True, slots=True)
class Matrix:
    """Who may do what: `permissions` maps `<resource>.<verb>` to posts; all else is refused."""

    teams: tuple[Team, ...]
    posts: tuple[Post, ...]
    resources: tuple[Resource, ...]
    verbs: Mapping[str, Text]
    permissions: Mapping[str, frozenset[str]]
    separation: tuple[Separation, ...]

    def allows(self, held: Iterable[str], permission: str) -> bool:
        """Whether one of the posts `held` has `permission`. An unknown permission is refused."""
        return not self.permissions.get(permission, frozenset()).isdisjoint(held)

    def conflicts(self, held: Iterable[str]) -> tuple[Separation, ...]:
        """The rules of separation that one person holding all of `held` would break."""
        mine = set(held)
        return tuple(rule for rule in self.separation if len(mine & set(rule.posts)) > 1)

    def title(self, permission: str) -> dict[str, str]:
        """`permission` in words, by language."""
        resource_id, _, verb = permission.partition(".")
        resource = next((r for r in self.resources if r.id == resource_id), None)
        if resource is None or verb not in resource.grants:
            raise NotInRulebook(f"There is no permission {permission!r}.", next_step="See matrix.yaml.")
        words = self.verbs[verb]
        return {"zh-CN": f"{words.zh}{resource.title.zh}", "en": f"{words.en} {resource.title.en}".capitalize()}


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Both policies with everything that they are judged by. `version` is `<edition>+<16 hex digits of the digest>`."""

    version: str
    digest: str
    edition: Edition
    chapters: tuple[Chapter, ...]
    clauses: tuple[Clause, ...]
    controls: tuple[Control, ...]
    evidence_kinds: tuple[EvidenceKind, ...]
    thresholds: tuple[ThresholdRule, ...]
    guards: GuardFile
    slo: SloFile
    quorums: tuple[Quorum, ...]
    matrix: Matrix
    masking: tuple[MaskPolicyShape, ...]
    default_mask_policy: str
    restorable_days: int
    restoration_hours: int
    content_policies: tuple[ContentPolicy, ...]
    content_shapes: tuple[ContentPolicyShape, ...]
    default_content_policy: str
    persons: PersonsFile

    def clause(self, clause_id: str) -> Clause:
        return _found({c.id: c for c in self.clauses}, clause_id, "clause")

    def chapter(self, chapter_id: str) -> Chapter:
        return _found({c.id: c for c in self.chapters}, chapter_id, "chapter")

    def control(self, control_id: str) -> Control:
        return _found({c.id: c for c in self.controls}, control_id, "control")

    def controls_of(self, clause_id: str) -> tuple[Control, ...]:
        """All controls of a clause, in the order of the files; never empty."""
        self.clause(clause_id)
        return tuple(c for c in self.controls if clause_id in c.clauses)

    def controls_from(self, source: str) -> tuple[Control, ...]:
        """The controls that the named query, event or job `source` feeds; empty where none does."""
        return tuple(c for c in self.controls if c.source == source)

    def threshold_rule(self, indicator: str) -> ThresholdRule:
        return _found({t.indicator: t for t in self.thresholds}, indicator, "indicator")

    def threshold(self, indicator: str) -> Threshold:
        """The threshold of `indicator`, stamped with this rulebook's version."""
        return self.threshold_rule(indicator).as_threshold(self.version)

    def threshold_of(self, control_id: str) -> Threshold | None:
        """The threshold by which a control's evidence is judged; None where no figure decides."""
        indicator = self.control(control_id).threshold
        return self.threshold(indicator) if indicator else None

    def quorum(self, kind: str) -> Quorum:
        return _found({q.kind: q for q in self.quorums}, kind, "kind of approval")

    def evidence_kind(self, kind: str) -> EvidenceKind:
        return _found({k.id: k for k in self.evidence_kinds}, kind, "kind of evidence")

    def missing_facts(self, kind: str, facts: Mapping[str, object]) -> tuple[str, ...]:
        """The facts that evidence of `kind` must carry and `facts` does not have. None as a value counts as stated."""
        return tuple(name for name in self.evidence_kind(kind).facts if name not in facts)

    @property
    def success_rule(self) -> SuccessRule:
        return self.slo.success_rule.as_rule()

    def mask_policy(self, policy_id: str = "") -> MaskPolicy:
        """The named mask policy, or the default one."""
        shapes = {p.id: p for p in self.masking}
        return _found(shapes, policy_id or self.default_mask_policy, "mask policy").as_policy()


def _found(known: Mapping[str, _T], key: str, what: str) -> _T:
    if key in known:
        return known[key]
    raise NotInRulebook(
        f"The rulebook has no {what} {key!r}.", next_step="See the rulebook for the names that exist.", key=key
    )
