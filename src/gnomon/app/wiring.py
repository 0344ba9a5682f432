"""Composition: every binding and every subscription, in one place."""

from importlib import import_module
from types import ModuleType

from fastapi import APIRouter

from gnomon.app.hooks import ControlHooks
from gnomon.backends.records_client import RecordsClient
from gnomon.backends.runner_process import ProcessRunner
from gnomon.control.access.schemas import RosterChanged
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.deployments import actions as deployments
from gnomon.control.deployments.schemas import RoutesChanged
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.privacy import actions as privacy
from gnomon.control.privacy.schemas import MaskPolicyChanged
from gnomon.control.publishing import actions as publishing
from gnomon.control.remediation import actions as remediation
from gnomon.control.rulebook import rules as rulebook
from gnomon.control.traffic.schemas import CanaryRetreated
from gnomon.control.tuning.schemas import TrainingFinished
from gnomon.gateway.home import public_key
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.db import Database
from gnomon.kit.keys import signing_key
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform, Work

DOMAINS = (
    *("people", "audit", "evidence", "approvals", "rulebook", "findings", "catalog", "access", "privacy"),
    *("deployments", "traffic", "publishing", "monitoring", "evaluation", "tuning", "remediation", "reports"),
)


def build(settings: Settings) -> Platform:
    """A platform on the settings' database with its services and subscriptions; every domain is loaded."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = settings.home / "keys"
    services.fill(
        settings=settings,
        blobs=Blobs(f"file://{settings.home.resolve() / 'store'}"),
        records=RecordsClient(settings.home),
        runner=ProcessRunner(),
        bundle_key=signing_key(keys / "bundle.key"),
        audit_key=signing_key(keys / "audit.key"),
        gateway_key=lambda: public_key(settings.home),
        platform_key=_platform_key(settings),
        held_out=evaluation.sealed_text_hashes,
    )
    platform = Platform(Database(settings.database_url), hooks=ControlHooks())
    for name in DOMAINS:
        for file in ("actions", "jobs", "checks", "persons"):
            load(name, file)
    subscribe(platform)
    return platform


def subscribe(platform: Platform) -> None:
    """Who listens to what: a lower domain speaks, a higher one acts, in the same transaction."""
    bus = platform.bus
    bus.subscribe(RosterChanged, lambda work, _event: _publish(work, "roster"))
    bus.subscribe(RoutesChanged, lambda work, _event: _publish(work, "policy"))
    bus.subscribe(MaskPolicyChanged, lambda work, _event: _publish(work, "policy"))
    bus.subscribe(CanaryRetreated, lambda work, event: deployments.note_retreat(work, event.notice))
    bus.subscribe(ApprovalDecided, _approval_decided)
    bus.subscribe(TrainingFinished, remediation.note_training)


def routers() -> list[APIRouter]:
    """The HTTP routes of all domains, lowest first."""
    found = (load(name, "routes") for name in DOMAINS)
    return [module.router for module in found if module is not None]


def _approval_decided(work: Work, event: ApprovalDecided) -> None:
    """Each kind of approval sets off the action that it was asked for."""
    applied = {
        "requirements_report": deployments.requirements_decided,
        "deployment_plan": deployments.plan_decided,
        "release": deployments.release_decided,
        "remediation_plan": remediation.plan_decided,
        "closure": remediation.closure_decided,
        "restoration": privacy.restoration_decided,
        "mask_policy_change": privacy.policy_decided,
        "person_erasure": privacy.erasure_decided,
    }
    if event.kind in applied:
        applied[event.kind](work, event)


def _publish(work: Work, part: str) -> None:
    publishing.publish(work, "policy" if part == "policy" else "roster", rulebook.load())


def load(domain: str, file: str) -> ModuleType | None:
    """The module of a domain, or None when the domain has no such file."""
    name = f"gnomon.control.{domain}.{file}"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in (name, f"gnomon.control.{domain}"):
            raise
        return None


def _platform_key(settings: Settings) -> str:
    path = settings.home / "keys" / "platform.key"
    return path.read_text().strip() if path.exists() else ""
