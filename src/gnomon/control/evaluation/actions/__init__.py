"""Changes of evaluation: suites and looks, runs, comparisons, checks."""

from gnomon.control.evaluation.actions.comparisons import compare
from gnomon.control.evaluation.actions.leaks import record_leaks, request_leak_check
from gnomon.control.evaluation.actions.references import record_references
from gnomon.control.evaluation.actions.runs import (
    Opened,
    begin,
    fail,
    finish,
    record_answers,
    request_run,
    request_sealed_run,
    resume_run,
)
from gnomon.control.evaluation.actions.suites import add_suite, open_suite

__all__ = [
    "Opened",
    "add_suite",
    "begin",
    "compare",
    "fail",
    "finish",
    "open_suite",
    "record_answers",
    "record_leaks",
    "record_references",
    "request_leak_check",
    "request_run",
    "request_sealed_run",
    "resume_run",
]
