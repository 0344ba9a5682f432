"""What goes in and out of evaluation, and the facts that it tells."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from gnomon.control.evaluation.rules import RunPurpose, SuitePurpose
from gnomon.kit.events import Event


class NewSuite(BaseModel):
    name: str = Field(min_length=1, max_length=120)
    purpose: SuitePurpose = "test"
    recipe: dict[str, Any]
    positive: str = ""
    source: str = Field(min_length=1, max_length=500)
    licence: str = Field(min_length=1, max_length=200)
    sealed: bool = True
    rows: list[dict[str, Any]] = Field(min_length=1, max_length=200_000)


class DecodingIn(BaseModel):
    mode: Literal["label_loglik", "generate"] = "label_loglik"
    max_tokens: int = Field(default=16, ge=1, le=4096)
    temperature: float = Field(default=0.0, ge=0, le=2)
    top_logprobs: int = Field(default=20, ge=0, le=20)


class NewRun(BaseModel):
    suite_id: str
    model: str = Field(min_length=1, max_length=200)
    target_id: str = ""
    purpose: RunPurpose = "exploration"
    decoding: DecodingIn = Field(default_factory=DecodingIn)
    concurrency: int = Field(default=4, ge=1, le=64)


class NewComparison(BaseModel):
    before_run: str
    after_run: str
    goal: dict[str, Any]
    guards: list[dict[str, Any]] = Field(default_factory=list, max_length=50)


class LeakCheck(BaseModel):
    dataset_ids: list[str] = Field(min_length=1, max_length=50)


@dataclass(frozen=True, slots=True)
class EvaluationFinished(Event):
    """A run completed or failed (`state`); its figures are in the row."""

    run_id: str
    state: str
    purpose: str
    evidence_ids: tuple[str, ...] = ()
