"""Changes of evaluation: suites and looks, runs, comparisons, masking trials, checks."""

from gnomon.control.evaluation.actions.comparisons import compare
from gnomon.control.evaluation.actions.leaks import record_leaks, request_leak_check
from gnomon.control.evaluation.actions.masking import (
    MaskingOpened,
    begin_masking,
    fail_masking,
    finish_masking,
    finish_side,
    request_masking,
    resume_masking,
)
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
    "MaskingOpened",
    "Opened",
    "add_suite",
    "begin",
    "begin_masking",
    "compare",
    "fail",
    "fail_masking",
    "finish",
    "finish_masking",
    "finish_side",
    "open_suite",
    "record_answers",
    "record_leaks",
    "record_references",
    "request_leak_check",
    "request_masking",
    "request_run",
    "request_sealed_run",
    "resume_masking",
    "resume_run",
]
