"""Decisions about deployments: life cycles, papers, environments, test cases, weights."""

from gnomon.control.deployments.rules.cases import Case, cases, judge_case, tests_problems
from gnomon.control.deployments.rules.environment import (
    INSTALL_RECORD,
    SERVER_PACKAGES,
    mismatches,
    same_version,
    unpinned,
)
from gnomon.control.deployments.rules.lifecycle import (
    EDITABLE,
    SERVING,
    ApprovalMissing,
    NotTested,
    Standing,
    WatchOpen,
    WrongState,
    advance,
    advance_release,
    check_watch,
)
from gnomon.control.deployments.rules.papers import SECTIONS, Incomplete, plan_problems, requirements_problems
from gnomon.control.deployments.rules.routing import UNJUDGED, UnfitOptions, content_policy, fitting, options_problems
from gnomon.control.deployments.rules.upstreams import (
    Authority,
    Connection,
    SecretElsewhere,
    UnfitUpstream,
    authorities,
    connection_problems,
)
from gnomon.control.deployments.rules.weights import shift, target_name, with_target

__all__ = [
    "EDITABLE",
    "INSTALL_RECORD",
    "SECTIONS",
    "SERVER_PACKAGES",
    "SERVING",
    "UNJUDGED",
    "ApprovalMissing",
    "Authority",
    "Case",
    "Connection",
    "Incomplete",
    "NotTested",
    "SecretElsewhere",
    "Standing",
    "UnfitOptions",
    "UnfitUpstream",
    "WatchOpen",
    "WrongState",
    "advance",
    "advance_release",
    "authorities",
    "cases",
    "check_watch",
    "connection_problems",
    "content_policy",
    "fitting",
    "judge_case",
    "mismatches",
    "options_problems",
    "plan_problems",
    "requirements_problems",
    "same_version",
    "shift",
    "target_name",
    "tests_problems",
    "unpinned",
    "with_target",
]
