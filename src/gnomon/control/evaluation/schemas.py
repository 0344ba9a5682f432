"""What goes in and out of evaluation, and the facts that it tells."""

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from gnomon.control.evaluation.rules import RunPurpose, SuitePurpose
from gnomon.kit.events import Event
from gnomon.kit.numbers import Plain, Real


class NewSuite(BaseModel):
    name: str = Field(min_length=1, max_length=120)
    purpose: SuitePurpose = "test"
    recipe: Plain
    positive: str = ""
    source: str = Field(min_length=1, max_length=500)
    licence: str = Field(min_length=1, max_length=200)
    sealed: bool = True
    rows: list[Plain] = Field(min_length=1, max_length=200_000)


class DecodingIn(BaseModel):
    mode: Literal["label_loglik", "generate"] = "label_loglik"
    max_tokens: int = Field(default=16, ge=1, le=4096)
    temperature: float = Field(default=0.0, ge=0, le=2, allow_inf_nan=False)
    top_logprobs: int = Field(default=20, ge=0, le=20)


class NewRun(BaseModel):
    suite_id: str
    model: str = Field(min_length=1, max_length=200)
    target_id: str = ""
    purpose: RunPurpose = "exploration"
    decoding: DecodingIn = Field(default_factory=DecodingIn)
    concurrency: int = Field(default=4, ge=1, le=64)


class NewMaskingTrial(BaseModel):
    """Without a policy the one of the route that the model is reached by."""

    suite_id: str
    model: str = Field(min_length=1, max_length=200)
    target_id: str = ""
    policy: str = Field(default="", max_length=200)
    mask_purpose: Literal["evaluation", "training"] = "evaluation"
    metric: str = Field(default="accuracy", min_length=1, max_length=200)
    decoding: DecodingIn = Field(default_factory=DecodingIn)
    concurrency: int = Field(default=4, ge=1, le=64)


class NewComparison(BaseModel):
    before_run: str
    after_run: str
    goal: Plain
    guards: list[Plain] = Field(default_factory=list, max_length=50)


class LeakCheck(BaseModel):
    dataset_ids: list[str] = Field(min_length=1, max_length=50)


class Reference(BaseModel):
    """A figure of somebody else with its source, or the reason why there is none."""

    value: Real | None = None
    name: str = Field(default="", max_length=200)
    source: str = Field(default="", max_length=500)
    reason: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _figure_or_reason(self) -> Self:
        if (self.value is None) != bool(self.reason) or (self.value is not None and not self.source):
            raise ValueError("give a value with its source, or the reason why there is none")
        return self


class References(BaseModel):
    metric: str = "accuracy"
    baseline_run_id: str = ""
    no_baseline_because: str = Field(default="", max_length=500)
    industry: Reference
    competitor: Reference

    @model_validator(mode="after")
    def _baseline_or_reason(self) -> Self:
        if bool(self.baseline_run_id) == bool(self.no_baseline_because):
            raise ValueError("name the run of the launch baseline, or the reason why there is none")
        return self


@dataclass(frozen=True, slots=True)
class EvaluationFinished(Event):
    """A run completed or failed (`state`); its figures are in the row."""

    run_id: str
    state: str
    purpose: str
    evidence_ids: tuple[str, ...] = ()
