"""Deployments, candidates beside them, the routes they serve, and the releases that move traffic."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Deployment(Base):
    """A base version on its way into service: papers, approvals, installation, test, go-live."""

    __tablename__ = "deployments_deployment"
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)  # BS-2026-001
    title: Mapped[str]
    model: Mapped[str] = mapped_column(index=True)  # the public route name
    version_id: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)  # see rules.lifecycle
    mask_policy: Mapped[str]
    requirements: Mapped[dict[str, Any]]
    requirements_state: Mapped[str]  # draft | submitted | approved | rejected
    environment: Mapped[dict[str, Any]]
    probe: Mapped[dict[str, Any]]  # {environment_sha256, found, mismatches, evidence_id, at}
    plan: Mapped[dict[str, Any]]
    tests: Mapped[dict[str, Any]]
    tested_sha256: Mapped[str] = mapped_column(default="")  # of the content with which the functional test passed
    server: Mapped[dict[str, Any]]  # {id, port, url, model_dir, adapters_dir, served_name}
    target_id: Mapped[str] = mapped_column(default="")
    author_id: Mapped[str]
    executor_id: Mapped[str] = mapped_column(default="")
    steps: Mapped[list[dict[str, Any]]]  # what happened: {step, at, by, state, evidence_id, job, note}
    created_at: Mapped[datetime]


class Candidate(Base):
    """An adapter that answers beside its base at weight 0, until a release gives it traffic."""

    __tablename__ = "deployments_candidate"
    id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(index=True)
    version_id: Mapped[str] = mapped_column(unique=True)
    deployment_id: Mapped[str]  # whose model server holds it
    target_id: Mapped[str]
    state: Mapped[str]  # loading | load_failed | testing | tested | test_failed
    steps: Mapped[list[dict[str, Any]]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class RouteState(Base):
    """What the gateways are told of one model; the bundle is made from these rows."""

    __tablename__ = "deployments_route"
    model: Mapped[str] = mapped_column(primary_key=True)
    mask_policy: Mapped[str]
    targets: Mapped[list[dict[str, Any]]]  # contract.bundle.Target as plain JSON
    canary: Mapped[dict[str, Any] | None]  # contract.bundle.Canary as plain JSON
    timeout_s: Mapped[float]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # schemas.RouteOptions
    changed_at: Mapped[datetime]


class UpstreamSetting(Base):
    """How gateways reach a model server, where that is not as the platform itself does."""

    __tablename__ = "deployments_upstream"
    id: Mapped[str] = mapped_column(primary_key=True)  # of the server
    url: Mapped[str]  # empty: the server's own
    ca: Mapped[str]
    server_name: Mapped[str]
    http_host: Mapped[str]
    connect_timeout_s: Mapped[float]
    secret: Mapped[str]  # sealed to the gateways' key: nobody here can read it
    secret_set_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    reason: Mapped[str]


class Release(Base):
    """Traffic moves from one target to another: canary, watch window, all of it; and back."""

    __tablename__ = "deployments_release"
    id: Mapped[str] = mapped_column(primary_key=True)  # also the id of its canary
    model: Mapped[str] = mapped_column(index=True)
    from_target: Mapped[str]
    to_target: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)  # see rules.lifecycle
    share: Mapped[float]
    watch_s: Mapped[float]
    min_requests: Mapped[int]
    rules: Mapped[list[dict[str, Any]]]  # contract.bundle.RetreatRule as plain JSON
    evidence_id: Mapped[str]  # what shows that the target is worth it
    content: Mapped[dict[str, Any]]  # what the approval is about
    timings: Mapped[list[dict[str, Any]]]  # {verb, at, seconds}
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    canary_at: Mapped[datetime | None]
    watch_until: Mapped[datetime | None]
    full_at: Mapped[datetime | None]
