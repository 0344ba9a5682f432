"""Records and rules for tests of the detectors; the limits are the rulebook's."""

from typing import Any

from gnomon.contract.content import ContentFinding, Way
from gnomon.contract.traffic import Timings, TrafficRecord
from gnomon.control.rulebook.rules import load
from gnomon.engine.defence import Rules, Suspicion, Watch

START = 1_772_409_600.0  # a Monday, 00:00 UTC


def rules() -> Rules:
    book = load()
    return Rules.of({name: book.threshold(name).limit for name in Rules.names()})


RULES = rules()


def watch() -> Watch:
    return Watch(RULES, own_caller="gnomon")


def asked(at: float, text: str = "", **changes: Any) -> TrafficRecord:
    """An answered request of the caller `shop` with its key."""
    given: dict[str, Any] = {"outcome": "ok", "status": 200, "key_id": "k1", "caller": "shop", "address": "home"}
    return TrafficRecord(id=f"r{at}", at=START + at, timings=Timings(total=100.0), request=text, **(given | changes))


def unsafe(at: float, direction: Way = "input") -> TrafficRecord:
    """What the guard refused for what it says."""
    why = ContentFinding(
        category="unsafe.weapons", direction=direction, score=0.9, action="block", rule="r", book="b", start=0, end=5
    )
    return asked(at, "q", outcome="blocked", status=400, content=(why,))


def wrong(at: float, tried: str, address: str = "stranger") -> TrafficRecord:
    refused = {"outcome": "unauthorised", "status": 401, "key_id": "", "caller": "", "error": "invalid_api_key"}
    return asked(at, tried=tried, address=address, **refused)


def shown(watch: Watch, records: list[TrafficRecord]) -> list[Suspicion]:
    return [one for record in records for one in watch.observe(record)]
