"""Checks: functions that answer a control's question from stored facts. A domain registers its own in `checks.py`.

A check looks and changes nothing. It returns None when there is nothing to measure yet, so that no evidence is left
and its control stays "not measured"; it never says that something is met because nobody looked.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gnomon.contract.thresholds import Threshold, judge
from gnomon.contract.verdicts import State
from gnomon.control.rulebook.rules import Rulebook
from gnomon.control.rulebook.schemas import Control
from gnomon.kit import log, services
from gnomon.kit.errors import GnomonError, Unavailable

_log = log.get(__name__)

SHOWN = 20  # offenders named in evidence; their number is always whole
INSTALLATION = ("installation", "gnomon")


class BrokenCheck(GnomonError):
    """A check that does not keep its side of the contract: a fault of ours, told as "not measured"."""

    code = "broken_check"


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a check may look at. `window`: the stretch up to `now` that its evidence has to speak for."""

    session: Session
    now: datetime
    rulebook: Rulebook
    window: timedelta
    service: Callable[[str], Any] = services.get

    @property
    def since(self) -> datetime:
        return self.now - self.window


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check saw in `n` observations.

    Where the control has a threshold, `value` is judged by it and `state` must stay None; elsewhere `state` says it.
    """

    n: int
    facts: Mapping[str, Any]
    value: float | None = None
    state: State | None = None
    subject: tuple[str, str] = INSTALLATION
    numerator: float | None = None
    denominator: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A result as evidence will hold it. `error` is set when the check itself broke down."""

    state: State
    facts: dict[str, Any] = field(default_factory=dict)
    subject: tuple[str, str] = INSTALLATION
    error: str = ""


Check = Callable[[CheckContext], CheckResult | None]


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """`costly`: run only when its evidence is due again or somebody asks, not at every round."""

    source: str
    run: Check
    costly: bool


CHECKS: dict[str, CheckInfo] = {}  # filled at import


def check(source: str, *, costly: bool = False) -> Callable[[Check], Check]:
    """Register the function that answers the controls whose `source` this is. Raises ValueError on a second one."""

    def register(run: Check) -> Check:
        known = CHECKS.get(source)
        if known and (known.run.__module__, known.run.__qualname__) != (run.__module__, run.__qualname__):
            raise ValueError(f"{source} is answered by {known.run.__module__} already")
        CHECKS[source] = CheckInfo(source, run, costly)
        return run

    return register


def gate(rule: str, *, examined: int, broken: Collection[str]) -> CheckResult | None:
    """Evidence of kind `gate_check`: how many of the examined records got past the gate; None when there were none."""
    if examined == 0:
        return None
    facts = {"rule": rule, "examined": examined, "violations": len(broken), "broken": sorted(broken)[:SHOWN]}
    return CheckResult(n=examined, value=float(len(broken)), facts=facts, numerator=len(broken), denominator=examined)


def register(name: str, *, entries: int, missing: Mapping[str, Collection[str]]) -> CheckResult | None:
    """Evidence of kind `register_check`; `missing` is what each incomplete entry lacks. None for an empty register."""
    if entries == 0:
        return None
    lacking = {entry: sorted(parts) for entry, parts in sorted(missing.items()) if parts}
    facts = {
        "register": name,
        "entries": entries,
        "incomplete": len(lacking),
        "missing": dict(list(lacking.items())[:SHOWN]),
    }
    return CheckResult(n=entries, state=State.NOT_MET if lacking else State.MET, facts=facts)


def answer(control: Control, run: Check, context: CheckContext) -> Answer | None:
    """What the check says, judged; None when there is nothing to measure. A check that breaks is "not measured"."""
    try:
        result = run(context)
        return None if result is None else judged(control, result, rulebook=context.rulebook)
    except Exception as error:  # noqa: BLE001 - one failing check must not stop the others, and must not look green
        return _broken(control, error, context.rulebook)


def judged(control: Control, result: CheckResult, *, rulebook: Rulebook) -> Answer:
    """`result` by the control's threshold, or by its own word. Raises BrokenCheck when it is not fit to be evidence."""
    facts: dict[str, Any] = dict(result.facts)
    threshold = rulebook.threshold_of(control.id)
    if threshold is None:
        state = _explicit(control, result)
        facts = _figures(result) | facts
    else:
        judgement = _by_threshold(control, result, threshold)
        state = State(judgement["state"])
        facts |= judgement
    missing = rulebook.missing_facts(control.evidence, facts)
    if missing:
        raise BrokenCheck(f"The check of {control.source} leaves out {', '.join(missing)}.", control=control.id)
    return Answer(state, facts, result.subject)


def _by_threshold(control: Control, result: CheckResult, threshold: Threshold) -> dict[str, Any]:
    if result.state is not None:
        raise BrokenCheck(f"{control.id} is decided by {threshold.indicator}, not by the check.", control=control.id)
    judgement = judge(
        threshold, value=result.value, n=result.n, numerator=result.numerator, denominator=result.denominator
    )
    return judgement.as_dict()


def _explicit(control: Control, result: CheckResult) -> State:
    if result.state is None:
        raise BrokenCheck(f"{control.id} has no threshold, and its check gives no state.", control=control.id)
    return result.state if result.n > 0 else State.NOT_MEASURED


def _figures(result: CheckResult) -> dict[str, Any]:
    return {
        "value": result.value,
        "n": result.n,
        "numerator": result.numerator,
        "denominator": result.denominator,
        "threshold": None,
    }


def _broken(control: Control, error: Exception, rulebook: Rulebook) -> Answer:
    # In evidence only the kind of error: its text could quote what the check was reading.
    code = error.code if isinstance(error, GnomonError) else type(error).__name__
    # What is expected (the collector is down) needs no trace at every round; what is not must be seen whole.
    unexpected = None if isinstance(error, Unavailable) else error
    _log.error("check_failed", source=control.source, control=control.id, error=code, exc_info=unexpected)
    facts: dict[str, Any] = dict.fromkeys(rulebook.evidence_kind(control.evidence).facts)
    return Answer(State.NOT_MEASURED, facts | {"error": code}, error=code)
