"""The control that frequency is watched: met while the watch keeps up, not when it stops; silent without traffic."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gnomon.contract.traffic import DefenceNotice
from gnomon.contract.verdicts import State
from gnomon.control.access import actions
from gnomon.control.monitoring import checks  # noqa: F401 - registers the check
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, make_platform
from tests.fakes.records import StoredRecords
from tests.unit.rulebook_board.asking import ask, state

NOW = MONDAY.timestamp()
SOURCE = "monitoring.frequency_rules_evaluated"


class Watched(StoredRecords):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.defence: dict[str, Any] = {
            "rules": ["flood"], "since": NOW - 3600, "last_at": NOW - 61, "watched": 5, "baselines": 2, "problem": "",
        }  # fmt: skip

    def health(self) -> dict[str, Any]:
        return {"defence": self.defence}


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.close()


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return make_platform(tmp_path)


def test_without_traffic_nothing_is_measured(platform: Platform, records: Watched) -> None:
    assert state(platform, SOURCE, services={"records": records}) is None
    records.add(1, NOW - 7200)
    assert state(platform, SOURCE, services={"records": records}) is None


def test_a_watch_that_keeps_up_is_met_and_names_what_it_found(platform: Platform, records: Watched) -> None:
    records.add(5, NOW - 61)
    facts = {"level": 3.0}
    subject = "address:" + "d" * 24
    notice = DefenceNotice(id="n1", at=NOW, kind="suspicion", subject=subject, reason="flood", facts=facts)
    do(platform, "system", actions.answer_suspicion, notice)
    answer = ask(platform, SOURCE, services={"records": records})
    assert answer is not None
    assert (answer.state, answer.facts["firing"]) == (State.MET, ["ban n1"])


@pytest.mark.parametrize("change", [{"last_at": NOW - 500}, {"problem": "ZeroDivisionError"}])
def test_a_watch_that_stopped_is_not_met(platform: Platform, records: Watched, change: dict[str, Any]) -> None:
    records.add(5, NOW - 61)
    records.defence |= change
    assert state(platform, SOURCE, services={"records": records}) is State.NOT_MET
