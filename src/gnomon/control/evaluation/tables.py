"""Suites, runs, their answers, comparisons, and every look at a sealed set. Texts are in the suite's object alone."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Suite(Base):
    """A fixed set of labelled items, named by the hash of its content; a sealed one is stored encrypted only."""

    __tablename__ = "evaluation_suite"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str]  # development | validation | test
    sha256: Mapped[str] = mapped_column(index=True)  # of the content, sealed or not: engine.sealing.content_hash
    n: Mapped[int]
    labels: Mapped[list[str]]
    label_counts: Mapped[dict[str, Any]]
    positive: Mapped[str]  # label for sensitivity, AUC and KS; empty: none
    recipe: Mapped[dict[str, Any]]  # engine.suites.recipes.Recipe
    source: Mapped[str]
    licence: Mapped[str]
    sealed: Mapped[bool]
    blob_sha256: Mapped[str]
    wrapped_key: Mapped[str] = mapped_column(default="")  # the set's own key, encrypted under keys/suites.key
    features: Mapped[dict[str, Any]]  # slice name → item ids, so that slices are counted without opening the set
    text_hashes: Mapped[list[str]]  # catalog.fingerprints of each text, for leak checks without a look
    looks: Mapped[int] = mapped_column(default=0)
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class Look(Base):
    """One release of a sealed set's key: for what, and how often it was repeated because a process died."""

    __tablename__ = "evaluation_look"
    id: Mapped[str] = mapped_column(primary_key=True)  # of the run (or check) that looked
    suite_id: Mapped[str] = mapped_column(index=True)
    purpose: Mapped[str]
    number: Mapped[int]
    openings: Mapped[int]
    at: Mapped[datetime]


class EvaluationRun(Base):
    """A suite put to one version of a model, through the gateway; figures are computed from the stored answers."""

    __tablename__ = "evaluation_run"
    id: Mapped[str] = mapped_column(primary_key=True)
    suite_id: Mapped[str] = mapped_column(index=True)
    suite_sha256: Mapped[str]
    model: Mapped[str] = mapped_column(index=True)
    target_id: Mapped[str] = mapped_column(default="")
    version_id: Mapped[str] = mapped_column(default="", index=True)
    recipe: Mapped[dict[str, Any]]
    decoding: Mapped[dict[str, Any]]
    environment: Mapped[dict[str, Any]]
    purpose: Mapped[str]  # baseline | verification | comparison | exploration; masking: one side of a MaskingTrial
    state: Mapped[str] = mapped_column(index=True)  # rules.RunState
    n: Mapped[int]
    n_done: Mapped[int] = mapped_column(default=0)
    scores: Mapped[dict[str, Any]]
    slices: Mapped[list[dict[str, Any]]]
    resources: Mapped[dict[str, Any]]
    answers_sha256: Mapped[str] = mapped_column(default="")
    evidence_ids: Mapped[list[str]]
    error: Mapped[str] = mapped_column(default="")
    job_id: Mapped[str] = mapped_column(default="")
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class EvaluationAnswer(Base):
    """What became of one item: labels and figures, never its text or the reply's."""

    __tablename__ = "evaluation_answer"
    run_id: Mapped[str] = mapped_column(primary_key=True)
    item_id: Mapped[str] = mapped_column(primary_key=True)
    expected: Mapped[str]
    predicted: Mapped[str | None]
    scores: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    outcome: Mapped[str]
    latency_ms: Mapped[float | None]
    request_id: Mapped[str]


class Comparison(Base):
    """Two runs over the same items, judged against a goal that was given."""

    __tablename__ = "evaluation_comparison"
    id: Mapped[str] = mapped_column(primary_key=True)
    before_run: Mapped[str] = mapped_column(index=True)
    after_run: Mapped[str] = mapped_column(index=True)
    goal: Mapped[dict[str, Any]]
    guards: Mapped[list[dict[str, Any]]]
    state: Mapped[str]
    goal_state: Mapped[str]
    result: Mapped[dict[str, Any]]
    evidence_id: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class MaskingTrial(Base):
    """A suite asked as it is and masked, of one model server under the same conditions, and what masking cost.

    Both sides are runs. `changed` says which entities were masked in which item, never what stood there.
    """

    __tablename__ = "evaluation_masking"
    id: Mapped[str] = mapped_column(primary_key=True)
    suite_id: Mapped[str] = mapped_column(index=True)
    model: Mapped[str]
    target_id: Mapped[str]
    version_id: Mapped[str] = mapped_column(index=True)
    policy_id: Mapped[str]
    policy_version: Mapped[str]
    mask_purpose: Mapped[str]  # evaluation | training
    metric: Mapped[str]
    raw_run: Mapped[str] = mapped_column(index=True)
    masked_run: Mapped[str] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(index=True)  # rules.RunState
    verdict: Mapped[str] = mapped_column(default="")  # contract.verdicts.State once completed
    threshold: Mapped[dict[str, Any]]
    changed: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    blocked: Mapped[int] = mapped_column(default=0)
    # {"values", "items"} of the masked side; empty where nobody counted
    surrogates: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    result: Mapped[dict[str, Any]]  # engine.stats.masking.MaskingEffect
    evidence_id: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    job_id: Mapped[str] = mapped_column(default="")
    requested_by: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
