"""Decisions of the rulebook: what it says, whether it is whole, and whether a clause is met."""

from gnomon.control.rulebook.rules.book import Matrix, NotInRulebook, Rulebook
from gnomon.control.rulebook.rules.parse import RulebookError, load, parse
from gnomon.control.rulebook.rules.state import (
    ClauseState,
    ClauseVerdict,
    ControlState,
    ControlVerdict,
    EvidenceFact,
    clause_state,
    control_state,
)

__all__ = [
    "ClauseState",
    "ClauseVerdict",
    "ControlState",
    "ControlVerdict",
    "EvidenceFact",
    "Matrix",
    "NotInRulebook",
    "Rulebook",
    "RulebookError",
    "clause_state",
    "control_state",
    "load",
    "parse",
]
