"""From files to a rulebook: every file's shape, then every reference between files. One error names file and id."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from gnomon.control.rulebook.protection import ContentFile, MaskingFile, PersonsFile
from gnomon.control.rulebook.rules.book import Matrix, Rulebook
from gnomon.control.rulebook.schemas import (
    ApprovalFile,
    ClauseFile,
    ControlFile,
    Edition,
    EvidenceKindFile,
    GuardFile,
    MatrixFile,
    SloFile,
    ThresholdFile,
)
from gnomon.kit.canonical import digest
from gnomon.kit.errors import BadInput

FILES: dict[str, type[BaseModel]] = {
    "edition.yaml": Edition,
    "operations/clauses.yaml": ClauseFile,
    "operations/controls.yaml": ControlFile,
    "remediation/clauses.yaml": ClauseFile,
    "remediation/controls.yaml": ControlFile,
    "evidence_kinds.yaml": EvidenceKindFile,
    "thresholds.yaml": ThresholdFile,
    "guards.yaml": GuardFile,
    "matrix.yaml": MatrixFile,
    "approvals.yaml": ApprovalFile,
    "slo.yaml": SloFile,
    "masking.yaml": MaskingFile,
    "content.yaml": ContentFile,
    "persons.yaml": PersonsFile,
}
_NAMES = ("id", "indicator", "kind")
_Shape = TypeVar("_Shape", bound=BaseModel)


class RulebookError(BadInput):
    code = "bad_rulebook"


def _wrong(file: str, name: str, problem: str) -> RulebookError:
    return RulebookError(
        f"{file}: {name}: {problem}", next_step="Correct the rulebook file and load it again.", file=file, id=name
    )


@cache
def load() -> Rulebook:
    """The rulebook inside the package, read once. Raises RulebookError when it is not whole."""
    root = resources.files("gnomon").joinpath("rulebook")
    return parse({name: read_yaml(name, root.joinpath(name).read_text("utf-8")) for name in FILES})


class _UniqueKeys(yaml.CSafeLoader):
    """Plain YAML keeps the last of two equal keys without a word; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(key.value for key, _ in node.value)
        twice = [key for key, count in keys.items() if count > 1]
        if twice:
            raise yaml.MarkedYAMLError(problem=f"the key {twice[0]!r} stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(file: str, text: str) -> Any:
    """`text` as plain values. Raises RulebookError on bad YAML and on a key that stands twice."""
    loader = _UniqueKeys(text)
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "unknown line"
        raise _wrong(file, line, str(error.problem)) from error
    except yaml.YAMLError as error:
        raise _wrong(file, "unknown line", str(error)) from error
    finally:
        loader.dispose()


def parse(documents: Mapping[str, Any]) -> Rulebook:
    """A whole rulebook from its files by name (see FILES), or RulebookError with the file and the id at fault."""
    content = {name: _plain(name, documents.get(name)) for name in FILES}
    files = _Files(
        edition=_shaped(Edition, "edition.yaml", content),
        clauses={p: _shaped(ClauseFile, f"{p}/clauses.yaml", content) for p in ("operations", "remediation")},
        controls={p: _shaped(ControlFile, f"{p}/controls.yaml", content) for p in ("operations", "remediation")},
        kinds=_shaped(EvidenceKindFile, "evidence_kinds.yaml", content),
        thresholds=_shaped(ThresholdFile, "thresholds.yaml", content),
        guards=_shaped(GuardFile, "guards.yaml", content),
        matrix=_shaped(MatrixFile, "matrix.yaml", content),
        approvals=_shaped(ApprovalFile, "approvals.yaml", content),
        slo=_shaped(SloFile, "slo.yaml", content),
        masking=_shaped(MaskingFile, "masking.yaml", content),
        judging=_shaped(ContentFile, "content.yaml", content),
        persons=_shaped(PersonsFile, "persons.yaml", content),
    )
    _check_clauses(files)
    _check_controls(files)
    _check_figures(files)
    _check_posts(files)
    return _assembled(files, digest(content))


@dataclass(frozen=True, slots=True)
class _Files:
    edition: Edition
    clauses: Mapping[str, ClauseFile]
    controls: Mapping[str, ControlFile]
    kinds: EvidenceKindFile
    thresholds: ThresholdFile
    guards: GuardFile
    matrix: MatrixFile
    approvals: ApprovalFile
    slo: SloFile
    masking: MaskingFile
    judging: ContentFile
    persons: PersonsFile

    def clause_ids(self) -> list[str]:
        return [c.id for file in self.clauses.values() for c in file.clauses]

    def control_ids(self) -> list[str]:
        return [c.id for file in self.controls.values() for c in file.controls]


def _plain(file: str, document: Any) -> Any:
    """Dates as ISO text, so that the shapes are checked as JSON is and the digest does not depend on YAML's types."""
    if document is None:
        raise _wrong(file, "whole file", "it is missing or empty")

    def text_of(value: Any) -> str:
        if isinstance(value, date):
            return value.isoformat()
        raise _wrong(file, "whole file", f"{value!r} is no plain value")

    return json.loads(json.dumps(document, default=text_of))


def _shaped(shape: type[_Shape], file: str, content: Mapping[str, Any]) -> _Shape:
    try:
        return shape.model_validate_json(json.dumps(content[file]), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "whole file"
        raise _wrong(file, _name_at(content[file], first["loc"]), f"{place}: {first['msg']}") from error


def _name_at(document: Any, path: Sequence[int | str]) -> str:
    """The id of the innermost entry on `path`, so that a reader finds it by name and not by position."""
    name, here = "whole file", document
    for step in path:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(here, dict):
            name = next((str(here[key]) for key in _NAMES if key in here), name)
    return name


def _no_twins(file: str, ids: Iterable[str]) -> None:
    for name, count in Counter(ids).items():
        if count > 1:
            raise _wrong(file, name, f"the id stands {count} times")


def _known(file: str, name: str, wanted: Iterable[str], known: Iterable[str], *, what: str) -> None:
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise _wrong(file, name, f"unknown {what}: {', '.join(unknown)}")


def _check_clauses(files: _Files) -> None:
    _no_twins("clauses.yaml", files.clause_ids())
    for policy in files.edition.policies:
        name, entry = f"{policy.id}/clauses.yaml", files.clauses[policy.id]
        _no_twins(name, [c.id for c in entry.chapters])
        if len(entry.clauses) != policy.clauses:
            raise _wrong(name, policy.id, f"has {len(entry.clauses)} clauses, the edition says {policy.clauses}")
        for clause in entry.clauses:
            _known(name, clause.id, [clause.chapter], [c.id for c in entry.chapters], what="chapter")
            if not clause.id.startswith(f"{policy.prefix}-"):
                raise _wrong(name, clause.id, f"a clause of this policy begins with {policy.prefix}-")


def _check_controls(files: _Files) -> None:
    _no_twins("controls.yaml", files.control_ids())
    _no_twins("evidence_kinds.yaml", [k.id for k in files.kinds.kinds])
    thresholds = {t.indicator: t for t in files.thresholds.thresholds}
    covered: set[str] = set()
    for policy, entry in files.controls.items():
        name = f"{policy}/controls.yaml"
        for control in entry.controls:
            _known(name, control.id, control.clauses, files.clause_ids(), what="clause")
            _known(name, control.id, [control.evidence], [k.id for k in files.kinds.kinds], what="evidence kind")
            _known(name, control.id, [control.owner], [t.id for t in files.matrix.teams], what="owner")
            covered |= set(control.clauses)
            if control.threshold is None:
                continue
            _known(name, control.id, [control.threshold], thresholds, what="indicator")
            if not set(control.clauses) & set(thresholds[control.threshold].clauses):
                raise _wrong(name, control.id, f"{control.threshold} is a figure of other clauses")
    for clause_id in files.clause_ids():
        if clause_id not in covered:
            raise _wrong("controls.yaml", clause_id, "the clause has no control")


def _check_figures(files: _Files) -> None:
    clauses, indicators = files.clause_ids(), [t.indicator for t in files.thresholds.thresholds]
    _no_twins("thresholds.yaml", indicators)
    for threshold in files.thresholds.thresholds:
        _known("thresholds.yaml", threshold.indicator, threshold.clauses, clauses, what="clause")
    _no_twins("guards.yaml", [g.id for g in files.guards.guards])
    _no_twins("slo.yaml", [o.id for o in files.slo.objectives] + [b.id for b in files.slo.burn_windows])
    for objective in files.slo.objectives:
        _known("slo.yaml", objective.id, [objective.clause], clauses, what="clause")
        _known("slo.yaml", objective.id, [objective.indicator], indicators, what="indicator")
    for window in files.slo.burn_windows:
        _known("slo.yaml", window.id, [window.indicator], indicators, what="indicator")
    policies = [p.id for p in files.masking.policies]
    _no_twins("masking.yaml", policies)
    _known("masking.yaml", "default", [files.masking.default], policies, what="mask policy")
    for policy in files.masking.policies:
        _known("masking.yaml", policy.id, [policy.clause], clauses, what="clause")
    judges = [p.id for p in files.judging.policies]
    _no_twins("content.yaml", judges)
    _known("content.yaml", "default", [files.judging.default], judges, what="content policy")
    for judge in files.judging.policies:
        _known("content.yaml", judge.id, [judge.clause], clauses, what="clause")
    persons = files.persons
    _known("persons.yaml", "answer_within", [persons.answer_within], indicators, what="indicator")
    _no_twins("persons.yaml", [*persons.strong, *persons.weak])
    _no_twins("persons.yaml", [table for kept in persons.kept for table in kept.tables])


def _check_posts(files: _Files) -> None:
    matrix, file = files.matrix, "matrix.yaml"
    posts = [p.id for p in matrix.posts]
    for ids in (posts, [t.id for t in matrix.teams], [r.id for r in matrix.resources]):
        _no_twins(file, ids)
    for post in matrix.posts:
        _known(file, post.id, [post.team], [t.id for t in matrix.teams], what="team")
    for group, members in matrix.groups.items():
        _known(file, group, members, posts, what="post")
    for rule in matrix.separation:
        _known(file, rule.id, rule.posts, posts, what="post")
    grantees = posts + [f"@{group}" for group in matrix.groups]
    for resource in matrix.resources:
        _known(file, resource.id, resource.grants, matrix.verbs, what="verb")
        for verb, who in resource.grants.items():
            _known(file, f"{resource.id}.{verb}", who, grantees, what="post or group")
    _no_twins("approvals.yaml", [q.kind for q in files.approvals.quorums])
    for quorum in files.approvals.quorums:
        _known("approvals.yaml", quorum.kind, quorum.clauses, files.clause_ids(), what="clause")
        _known("approvals.yaml", quorum.kind, [post for seat in quorum.seats for post in seat], posts, what="post")


def _matrix(file: MatrixFile) -> Matrix:
    permissions = {
        f"{resource.id}.{verb}": frozenset(
            post for name in who for post in (file.groups[name[1:]] if name.startswith("@") else (name,))
        )
        for resource in file.resources
        for verb, who in resource.grants.items()
    }
    return Matrix(
        teams=file.teams,
        posts=file.posts,
        resources=file.resources,
        verbs=file.verbs,
        permissions=permissions,
        separation=file.separation,
    )


def _assembled(files: _Files, content_digest: str) -> Rulebook:
    return Rulebook(
        version=f"{files.edition.edition}+{content_digest[:16]}",
        digest=content_digest,
        edition=files.edition,
        chapters=tuple(c for file in files.clauses.values() for c in file.chapters),
        clauses=tuple(c for file in files.clauses.values() for c in file.clauses),
        controls=tuple(c for file in files.controls.values() for c in file.controls),
        evidence_kinds=files.kinds.kinds,
        thresholds=files.thresholds.thresholds,
        guards=files.guards,
        slo=files.slo,
        quorums=files.approvals.quorums,
        matrix=_matrix(files.matrix),
        masking=files.masking.policies,
        default_mask_policy=files.masking.default,
        restorable_days=files.masking.restorable_days,
        restoration_hours=files.masking.restoration_hours,
        content_policies=tuple(shape.as_policy() for shape in files.judging.policies),
        content_shapes=files.judging.policies,
        default_content_policy=files.judging.default,
        persons=files.persons,
    )
