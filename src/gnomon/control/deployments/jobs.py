"""What the worker does for deployments. Every job may run again from any point: what is done is found and left."""

import json
import os
import platform
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import actions, dependencies, installation, probing, queries, rules, servers
from gnomon.control.deployments.tables import Deployment
from gnomon.kit import log, services
from gnomon.kit.errors import GnomonError, NotReady
from gnomon.kit.jobs import JobContext, job

_log = log.get(__name__)
TARGET_WITHIN_S = 60.0  # a published bundle reaches the gateway in about a second; a loaded machine needs longer
SWITCH_WITHIN_S = 60.0
SWITCH_POLL_S = 0.02


class NotAsPinned(NotReady):
    code = "dependencies_not_as_pinned"
    status = 409


class NotRecorded(NotReady):
    code = "installation_not_recorded"
    status = 409


@job("deployments.probe")
def probe(ctx: JobContext) -> None:
    """The machine is looked at and compared with what is declared."""
    with ctx.read() as session:
        declared = queries.deployment(session, ctx.subject).environment
    ctx.progress(done=0, total=1, note="looking at the machine")
    found = ctx.step(
        "look",
        lambda: probing.look(
            home=services.settings().home,
            ports=declared["ports"],
            packages={name: installation.current().version(name) for name in declared["packages"]},
        ),
    )
    with ctx.work() as work:
        actions.note_probe(work, ctx.subject, target=platform.node(), declared=declared, found=found, job=ctx.id)
    ctx.progress(done=1, total=1, note="done")


@job("deployments.install", lane="long")
def install(ctx: JobContext) -> None:
    """Dependencies are as pinned, the weights lie on the disk, the model server runs and answers."""
    with ctx.read() as session:
        deployment = queries.deployment(session, ctx.subject)
    try:
        _check_dependencies(ctx, deployment)
        server = _materialise(ctx, deployment)
        _write_desired(ctx)
        _initialise(ctx, deployment, server)
    except Exception as error:
        why = error.message if isinstance(error, GnomonError) else f"{type(error).__name__}: {error}"
        with ctx.work() as work:
            actions.note_install_failed(work, ctx.subject, job=ctx.id, why=why)
        raise
    with ctx.work() as work:
        actions.note_initialised(work, ctx.subject, job=ctx.id)
    ctx.progress(done=4, total=4, note="initialised")


@job("deployments.functional_test", lane="long")
def functional_test(ctx: JobContext) -> None:
    """Every case was asked through the gateway's public API, and the verdict is in."""
    kind = ctx.args["kind"]
    with ctx.work() as work:
        if not actions.begin_test(work, ctx.subject, kind=kind, job=ctx.id):
            return
        tests, model = _tests(work.session, ctx.subject, kind)
    try:
        results = ctx.step("ask", lambda: _ask_all(ctx, rules.cases(tests, model=model), tests))
    except GnomonError as error:
        with ctx.work() as work:
            actions.note_test_broken(work, ctx.subject, kind=kind, job=ctx.id, why=error.message)
        raise
    with ctx.work() as work:
        state = actions.note_tested(work, ctx.subject, kind=kind, job=ctx.id, results=results)
    ctx.progress(done=len(results), total=len(results), note=state)


@job("deployments.load_adapter", lane="long")
def load_adapter(ctx: JobContext) -> None:
    """The candidate's adapter answers on its base's model server."""
    with ctx.read() as session:
        candidate = queries.candidate(session, ctx.subject)
        version = catalog.version(session, candidate.version_id)
        server = queries.deployment(session, candidate.deployment_id).server
    name, folder = served_name(version.model, version.label), _models() / version.id
    problem = ""
    try:
        ctx.progress(done=0, total=2, note="copying the adapter")
        catalog.materialise(services.blobs(), version, folder)
        ctx.progress(done=1, total=2, note="loading the adapter")
        servers.load_adapter(server["url"], name=name, folder=str(folder))
    except GnomonError as error:
        problem = error.message
    with ctx.work() as work:
        actions.note_loaded(work, ctx.subject, job=ctx.id, served_name=name, problem=problem)
    ctx.progress(done=2, total=2, note=problem or "loaded")


@job("deployments.keep_adapters", every=timedelta(seconds=15))
def keep_adapters(ctx: JobContext) -> None:
    """A model server that was started again has its adapters again."""
    with ctx.read() as session:
        wanted = []
        for candidate in queries.candidates(session):
            host = queries.deployment(session, candidate.deployment_id)
            if candidate.state in ("testing", "tested") and host.state == "live":
                wanted.append((host.server["url"], catalog.version(session, candidate.version_id)))
    for url, version in wanted:
        name = served_name(version.model, version.label)
        try:
            if servers.serves(url, name) is False:
                folder = catalog.materialise(services.blobs(), version, _models() / version.id)
                servers.load_adapter(url, name=name, folder=str(folder))
                _log.info("adapter_loaded_again", version=version.id)
        except GnomonError as error:
            _log.warning("adapter_not_loaded", version=version.id, why=error.message)


@job("deployments.write_desired")
def write_desired(ctx: JobContext) -> None:
    """The supervisor's file says what the deployments want now."""
    _write_desired(ctx)


@job("deployments.time_switch")
def time_switch(ctx: JobContext) -> None:
    """The seconds from the decision until the gateway obeyed a newer policy are known, or known not to be measured."""
    before = tuple(ctx.args["before"]) if ctx.args["before"] else None
    decided = datetime.fromisoformat(ctx.args["at"])

    def wait() -> tuple[float | None, str]:
        deadline = time.monotonic() + SWITCH_WITHIN_S
        while before is not None and time.monotonic() < deadline:
            now = servers.gateway_policy()
            if now is not None and now > before:
                passed = (ctx.platform.clock.now() - decided).total_seconds()
                return round(max(passed, 0.0), 3), ".".join(map(str, now))
            time.sleep(SWITCH_POLL_S)
        return None, ""

    ctx.progress(done=0, total=1, note="waiting for the gateway")
    seconds, policy = ctx.step("wait", wait)
    with ctx.work() as work:
        actions.note_switched(
            work,
            ctx.subject,
            verb=ctx.args["verb"],
            at=ctx.args["at"],
            seconds=seconds,
            policy=policy,
            reason=ctx.args["reason"],
        )
    ctx.progress(done=1, total=1, seconds=seconds, note="timed" if seconds is not None else "not measured")


def served_name(model: str, label: str) -> str:
    """The name by which a model server knows a version."""
    return f"{model}-{label}"


def _models() -> Path:
    return services.settings().home.resolve() / "models"


def _check_dependencies(ctx: JobContext, deployment: Deployment) -> None:
    ctx.progress(done=0, total=4, note="checking the dependencies")
    pinned = deployment.environment["packages"]
    found = dependencies.check(pinned, installation.current())
    name, data = found.file
    log_sha256 = services.blobs().put(data)
    with ctx.work() as work:
        actions.note_step(
            work,
            ctx.subject,
            step="dependencies",
            job=ctx.id,
            source="deployments.dependencies_installed",
            kind="install_log",
            state=found.state,
            facts={
                "environment": pinned,
                "lock_sha256": found.lock_sha256,
                "packages": found.packages,
                "wrong": found.wrong,
                "exit_code": found.exit_code,
                "log_sha256": log_sha256,
                "pip_runs": found.runs,
                "files_read": found.files,
                "bytes_read": found.bytes_read,
                "altered": found.altered,
                "why": found.why,
            },
            file=(name, log_sha256),
        )
    if found.state is State.NOT_MET:
        raise NotAsPinned(f"The environment is {found.why}.", next_step="Install the pinned versions.")
    if found.state is State.NOT_MEASURED and rules.INSTALL_RECORD not in deployment.plan["accepted_mismatches"]:
        raise NotRecorded(
            f"How the packages were installed is not known: {found.why}.",
            next_step=f"Install with the script `gnomon`, or accept {rules.INSTALL_RECORD} in the plan.",
        )


def _materialise(ctx: JobContext, deployment: Deployment) -> dict[str, Any]:
    ctx.progress(done=1, total=4, note="copying the weights")
    with ctx.read() as session:
        version = catalog.checked_version(session, deployment.version_id)
    folder = catalog.materialise(services.blobs(), version, _models() / version.id)
    port = probing.free_port()
    wanted = {
        "id": f"server-{deployment.number.lower()}",
        "port": port,
        "url": f"http://127.0.0.1:{port}/v1",
        "model_dir": str(folder),
        "adapters_dir": str(_models()),
        "served_name": served_name(version.model, version.label),
    }
    with ctx.work() as work:
        return actions.note_server(work, ctx.subject, server=wanted)


def _write_desired(ctx: JobContext) -> None:
    """Replace the file by rename: the supervisor never reads half of it."""
    with ctx.read() as session:
        desired = {"model_servers": queries.desired_servers(session)}
    path = services.settings().home / "run" / "desired.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{ctx.id}")
    draft.write_text(json.dumps(desired, indent=1), encoding="utf-8")
    draft.replace(path)


def _initialise(ctx: JobContext, deployment: Deployment, server: dict[str, Any]) -> None:
    ctx.progress(done=2, total=4, note="starting the model server", url=server["url"])
    within_s = float(deployment.plan["ready_within_s"])
    first = rules.cases(deployment.tests, model=server["served_name"])[0]

    def wait() -> dict[str, Any]:
        ready_s = servers.wait_until_ready(server["url"], served_name=server["served_name"], within_s=within_s)
        ctx.progress(done=3, total=4, note="asking the first question", ready_s=ready_s)
        return servers.first_answer(server["url"], first.body, within_s=within_s) | {"ready_s": ready_s}

    answer = ctx.step("initialise", wait)
    with ctx.work() as work:
        actions.note_step(
            work,
            ctx.subject,
            step="initialise",
            job=ctx.id,
            source="deployments.model_initialised",
            kind="test_run",
            state=State.MET,
            facts={
                "subject": ctx.subject,
                "version": deployment.version_id,
                "suite": "first_answer",
                "cases": 1,
                "passed": 1,
                "failures": [],
                **answer,
            },
        )


def _tests(session: Any, id: str, kind: str) -> tuple[dict[str, Any], str]:
    """The test of a deployment, or of the deployment that serves a candidate; and the model's name for the gateway."""
    if kind == "candidate":
        candidate = queries.candidate(session, id)
        host = queries.deployment(session, candidate.deployment_id)
        return host.tests, f"{candidate.model}@{candidate.target_id}"
    deployment = queries.deployment(session, id)
    return deployment.tests, f"{deployment.model}@{deployment.target_id}"


def _ask_all(ctx: JobContext, cases: list[rules.Case], tests: dict[str, Any]) -> list[dict[str, Any]]:
    """Results without contents: what was asked is in the approved test, what was answered is judged and let go."""
    results = []
    with servers.Gateway(timeout_s=float(tests["timeout_s"])) as gateway:
        gateway.wait_for_target(cases[0].body, within_s=TARGET_WITHIN_S)
        for case in cases:
            started = time.monotonic()
            status, reply = gateway.ask(case.body)
            problem = rules.judge_case(case, status=status, reply=reply, labels=tests["labels"])
            results.append(
                {
                    "id": case.id,
                    "kind": case.kind,
                    "covers": case.covers,
                    "status": status,
                    "latency_ms": round((time.monotonic() - started) * 1000, 1),
                    "problem": problem,
                }
            )
            failed = sum(bool(result["problem"]) for result in results)
            ctx.progress(done=len(results), total=len(cases), failed=failed, note=case.id)
    return results
