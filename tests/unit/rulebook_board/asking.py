"""Ask one check as a round does, and get what would become evidence."""

from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.rulebook.checks import CHECKS, Answer, CheckContext, judged
from gnomon.control.rulebook.rules import load
from gnomon.kit.work import Platform

BOOK = load()


def ask(platform: Platform, source: str, *, services: dict[str, Any] | None = None) -> Answer | None:
    """The judged answer of the check behind `source`; what it raises, this raises."""
    control = BOOK.controls_from(source)[0]
    held = services or {}
    with platform.read() as session:
        context = CheckContext(session, platform.clock.now(), BOOK, control.max_age, held.__getitem__)
        result = CHECKS[source].run(context)
        return None if result is None else judged(control, result, rulebook=BOOK)


def state(platform: Platform, source: str, *, services: dict[str, Any] | None = None) -> State | None:
    found = ask(platform, source, services=services)
    return found.state if found else None
