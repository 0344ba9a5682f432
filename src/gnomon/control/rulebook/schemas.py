"""The shape of the rulebook's files. Every text is in both languages; an unknown field is an error.

A shape is checked in strict JSON mode: numbers are not made from strings, dates are ISO 8601. What refers to something
in another file is checked by `rules.parse`, which sees all of them.
"""

from datetime import date, timedelta
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gnomon.contract.bundle import SuccessRule
from gnomon.contract.thresholds import Threshold
from gnomon.contract.traffic import Outcome

Language = Literal["zh-CN", "en"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(-[a-z0-9_]+)*$")]
PostId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$")]
ClauseId = Annotated[str, StringConstraints(pattern=r"^[A-Z]+-\d+\.\d+$")]
ControlId = Annotated[str, StringConstraints(pattern=r"^CTL-[a-z0-9-]+$")]
Source = Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z0-9_]+$")]
Age = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[mhd]$")]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

_AGE_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def duration(age: str) -> timedelta:
    """`15m`, `26h` or `8d` as a length of time."""
    return timedelta(**{_AGE_UNITS[age[-1]]: int(age[:-1])})


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Shape):
    """The same words in Chinese and in English."""

    zh: Words = Field(alias="zh-CN")
    en: Words

    def in_language(self, language: Language) -> str:
        return self.zh if language == "zh-CN" else self.en


class Policy(Shape):
    id: Literal["operations", "remediation"]
    prefix: str
    title: Text
    clauses: int


class Edition(Shape):
    edition: str
    effective: date
    languages: tuple[Language, ...]
    title: Text
    policies: tuple[Policy, ...]


class Chapter(Shape):
    id: str
    title: Text


class Clause(Shape):
    """`text` is what has to be done; `limits` holds the figures that the clause names."""

    id: ClauseId
    chapter: str
    title: Text
    text: Text
    limits: dict[str, int | float | str | tuple[float, ...]] = {}


class ClauseFile(Shape):
    chapters: tuple[Chapter, ...]
    clauses: tuple[Clause, ...]


class Control(Shape):
    """What shows that its clauses are met. `threshold` names an indicator; evidence older than `max_age` counts not."""

    id: ControlId
    title: Text
    clauses: Annotated[tuple[ClauseId, ...], Field(min_length=1)]
    kind: Literal["query", "event", "schedule", "manual"]
    source: Source
    threshold: Name | None = None
    freshness: Age
    evidence: Name
    owner: Name

    @property
    def max_age(self) -> timedelta:
        return duration(self.freshness)


class ControlFile(Shape):
    controls: tuple[Control, ...]


class EvidenceKind(Shape):
    id: Name
    title: Text
    proves: Text
    facts: Annotated[tuple[Name, ...], Field(min_length=1)]


class EvidenceKindFile(Shape):
    kinds: tuple[EvidenceKind, ...]


class ThresholdRule(Shape):
    """A figure with where it comes from. `trigger`: passing it starts an action rather than failing an objective."""

    indicator: Name
    title: Text
    limit: float
    unit: Literal["ratio", "ms", "s", "min", "h", "d", "week", "month", "quarter", "working_day", "count"]
    direction: Literal["at_least", "at_most"]
    trigger: bool = False
    clauses: Annotated[tuple[ClauseId, ...], Field(min_length=1)]
    source: Text
    mark: Literal["V", "V2", "R", "own"]
    verified: bool
    effective: date
    min_n: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _only_v_is_verified(self) -> Self:
        if self.verified != (self.mark == "V"):
            raise ValueError(f"verified is {self.verified} but mark is {self.mark}; only V is verified")
        return self

    def as_threshold(self, version: str) -> Threshold:
        return Threshold(
            indicator=self.indicator,
            limit=self.limit,
            unit=self.unit,
            direction=self.direction,
            source=self.source.zh,
            effective=self.effective,
            rulebook=version,
            min_n=self.min_n,
        )


class ThresholdFile(Shape):
    thresholds: tuple[ThresholdRule, ...]


class Guard(Shape):
    id: Name
    title: Text
    margin: Annotated[float, Field(gt=0, lt=1)]
    scale: Literal["points", "relative"]
    better: Literal["higher", "lower"]


Share = Annotated[float, Field(gt=0, lt=1)]


class Statistics(Shape):
    """Levels and floors of every statistical verdict; all shares in (0, 1)."""

    confidence: Share
    goal_alpha: Share
    goal_correction: Literal["holm"]
    exploration_q: Share
    exploration_correction: Literal["benjamini-hochberg"]
    guard_alpha: Share
    equality_alpha: Share
    exact_below_discordant: Annotated[int, Field(ge=1)]
    bootstrap_resamples: Annotated[int, Field(ge=1000)]
    slice_min_n: Annotated[int, Field(ge=1)]
    slice_min_power: Share


class GuardFile(Shape):
    source: Text
    mark: Literal["V", "V2", "R", "own"]
    verified: bool
    guards: tuple[Guard, ...]
    statistics: Statistics


class Team(Shape):
    id: Name
    title: Text


class Post(Shape):
    id: PostId
    team: Name
    title: Text


class Separation(Shape):
    """A person may hold at most one of `posts`."""

    id: Name
    title: Text
    posts: Annotated[tuple[PostId, ...], Field(min_length=2)]
    source: Text


class Resource(Shape):
    """`grants`: verb to the posts and `@groups` that may."""

    id: Name
    domain: Name
    title: Text
    grants: dict[Name, Annotated[tuple[str, ...], Field(min_length=1)]]


class MatrixFile(Shape):
    teams: tuple[Team, ...]
    posts: tuple[Post, ...]
    groups: dict[Name, tuple[PostId, ...]]
    separation: tuple[Separation, ...]
    verbs: dict[Name, Text]
    resources: tuple[Resource, ...]


class Quorum(Shape):
    """Each seat wants the yes of another person who holds one of its posts; an `excluded` role may not vote."""

    kind: Name
    title: Text
    clauses: Annotated[tuple[ClauseId, ...], Field(min_length=1)]
    seats: Annotated[tuple[Annotated[tuple[PostId, ...], Field(min_length=1)], ...], Field(min_length=1)]
    excluded: tuple[Literal["author", "executor", "owner"], ...]
    expires: Age

    @property
    def lapses_after(self) -> timedelta:
        return duration(self.expires)


class ApprovalFile(Shape):
    quorums: tuple[Quorum, ...]


class SuccessShape(Shape):
    version: Words
    failures: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    excluded: tuple[Outcome, ...]

    @model_validator(mode="after")
    def _every_outcome_has_one_place(self) -> Self:
        both = set(self.failures) & set(self.excluded)
        if both or "ok" in self.failures or "ok" in self.excluded:
            raise ValueError(f"an outcome has one place, and ok is a success: {sorted(both) or 'ok'}")
        unplaced = set(get_args(Outcome)) - {"ok", *self.failures, *self.excluded}
        if unplaced:
            raise ValueError(f"outcomes without a place would count as success: {sorted(unplaced)}")
        return self

    def as_rule(self) -> SuccessRule:
        return SuccessRule(version=self.version, failures=tuple(self.failures), excluded=tuple(self.excluded))


class BurnWindow(Shape):
    """Fires when both windows (minutes) spend the error budget more than `factor` times too fast."""

    id: Name
    factor: Annotated[float, Field(gt=0)]
    long_m: Annotated[int, Field(ge=1)]
    short_m: Annotated[int, Field(ge=1)]
    severity: Literal["page", "ticket"]
    indicator: Name


class Objective(Shape):
    """A promise with its declared way of measuring. `limit_ms` and `streaming` only where `measure` is a time."""

    id: Name
    title: Text
    clause: ClauseId
    indicator: Name
    measure: Literal["total", "first_token", "outcome"]
    limit_ms: Annotated[float, Field(gt=0)] | None = None
    streaming: bool | None = None
    tasks: tuple[Literal["classification", "extraction", "question_answering", "chat", "generation"], ...]
    window_m: Annotated[int, Field(ge=1)]
    objective_d: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _a_time_is_declared(self) -> Self:
        declared = self.limit_ms is not None and self.streaming is not None
        if declared != (self.measure != "outcome"):
            raise ValueError("a time needs limit_ms and streaming, an outcome has neither")
        return self


class SloFile(Shape):
    success_rule: SuccessShape
    burn_windows: tuple[BurnWindow, ...]
    objectives: tuple[Objective, ...]
