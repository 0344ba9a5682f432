"""Changes to deployments, candidates, routes and releases."""

from gnomon.control.deployments.actions.canaries import (
    abort_release,
    full_release,
    note_retreat,
    release_decided,
    request_release,
    start_canary,
)
from gnomon.control.deployments.actions.candidates import add_candidate, note_loaded
from gnomon.control.deployments.actions.papers import (
    declare_environment,
    note_probe,
    open_deployment,
    probe_environment,
    requirements_decided,
    set_tests,
    submit_requirements,
    write_requirements,
)
from gnomon.control.deployments.actions.plans import plan_decided, submit_plan, write_plan
from gnomon.control.deployments.actions.rollout import (
    begin_test,
    go_live,
    note_initialised,
    note_install_failed,
    note_server,
    note_step,
    note_test_broken,
    note_tested,
    retire,
    start,
    test,
)
from gnomon.control.deployments.actions.routing import configure_route
from gnomon.control.deployments.actions.switches import note_switched, roll_back, roll_forward
from gnomon.control.deployments.actions.upstreams import set_upstream

__all__ = [
    "abort_release",
    "add_candidate",
    "begin_test",
    "configure_route",
    "declare_environment",
    "full_release",
    "go_live",
    "note_initialised",
    "note_install_failed",
    "note_loaded",
    "note_probe",
    "note_retreat",
    "note_server",
    "note_step",
    "note_switched",
    "note_test_broken",
    "note_tested",
    "open_deployment",
    "plan_decided",
    "probe_environment",
    "release_decided",
    "request_release",
    "requirements_decided",
    "retire",
    "roll_back",
    "roll_forward",
    "set_tests",
    "set_upstream",
    "start",
    "start_canary",
    "submit_plan",
    "submit_requirements",
    "test",
    "write_plan",
    "write_requirements",
]
