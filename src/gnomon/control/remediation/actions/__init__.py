"""Changes of remediation: cases, plans, the work itself, verification and closure, checks."""

from gnomon.control.remediation.actions.cases import assess, form_group, open_case, supervise
from gnomon.control.remediation.actions.plans import plan_decided, plan_round
from gnomon.control.remediation.actions.verification import (
    closure_decided,
    open_next_round,
    request_closure,
    start_verification,
    verify_round,
)
from gnomon.control.remediation.actions.work import (
    finish_measure,
    note_training,
    record_spend,
    start_measures,
    update_task,
)

__all__ = [
    "assess",
    "closure_decided",
    "finish_measure",
    "form_group",
    "note_training",
    "open_case",
    "open_next_round",
    "plan_decided",
    "plan_round",
    "record_spend",
    "request_closure",
    "start_measures",
    "start_verification",
    "supervise",
    "update_task",
    "verify_round",
]
