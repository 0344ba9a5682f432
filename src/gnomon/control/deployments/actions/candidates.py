"""An adapter beside its base: loaded on the running model server, reachable as `model@target`, without traffic."""

from gnomon.contract.bundle import Target
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.actions import shared
from gnomon.control.deployments.tables import Candidate, Deployment
from gnomon.kit.errors import BadInput, NotReady
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


class NoServer(NotReady):
    code = "no_model_server"
    status = 409


@action("deployment.initialise")
def add_candidate(work: Work, model: str, version_id: str) -> Candidate:
    """The adapter is being loaded, then tested; one that failed is tried again.

    Raises NotChecked, BadInput for a base version, NoServer when its base is not live.
    """
    version = catalog.version_of(work.session, model, version_id)
    catalog.checked_version(work.session, version_id)
    if version.kind != "adapter":
        raise BadInput(f"{version.label} is a base version.", next_step="Open a deployment for it.")
    candidate = queries.candidate_of(work.session, version_id)
    if candidate is None:
        host = _host(work, model, str(version.base_id))
        taken = {target.id for target in queries.targets(queries.route(work.session, model))}
        candidate = Candidate(
            id=new_id("candidate"),
            model=model,
            version_id=version_id,
            deployment_id=host.id,
            target_id=rules.target_name(version.label, taken),
            state="loading",
            steps=[],
            created_at=work.now,
            created_by=work.actor.id,
        )
        work.session.add(candidate)
    work.about("candidate", candidate.id, model=model, version=version_id, target=candidate.target_id)
    if candidate.state != "tested":
        candidate.state = "loading"
        work.enqueue("deployments.load_adapter", candidate.id)
    work.session.flush()
    return candidate


@system_action("deployment.note_loaded")
def note_loaded(work: Work, id: str, *, job: str, served_name: str, problem: str = "") -> None:
    """The adapter answers at weight 0 and its functional test is queued; or it could not be loaded, and why."""
    candidate = queries.candidate(work.session, id)
    work.about("candidate", id, problem=problem)
    if candidate.state != "loading":
        return
    if problem:
        candidate.state = "load_failed"
        shared.log_step(work, candidate, "load_failed", state="failed", job=job, note=problem)
        return
    host = queries.deployment(work.session, candidate.deployment_id)
    route = queries.route(work.session, candidate.model)
    target = Target(id=candidate.target_id, upstream=host.server["id"], model=served_name, version=candidate.version_id)
    targets = rules.with_target(queries.targets(route), target)
    shared.set_route(work, route, targets=targets, canary=shared.canary_of(route))
    candidate.state = "testing"
    shared.log_step(work, candidate, "loaded", state="done", job=job)
    work.enqueue("deployments.functional_test", id, kind="candidate")


def _host(work: Work, model: str, base_id: str) -> Deployment:
    for found in queries.deployments(work.session, model=model):
        if found.version_id == base_id and found.state == "live":
            return found
    raise NoServer(f"No live deployment of {model} serves the adapter's base.", next_step="Deploy the base first.")
