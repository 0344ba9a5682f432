"""The clause board: "met" stands on evidence, and ends for just the clauses whose evidence goes."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gnomon.app.setup import upgrade
from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.rulebook.queries import board
from gnomon.control.rulebook.rules import ClauseVerdict, load
from gnomon.kit.clock import SystemClock
from gnomon.kit.db import Database
from gnomon.kit.work import Platform, system
from tests.fakes.platform import ControlHooks
from tests.journeys.installation import Installation, question, until

BOOK = load()
pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
FIRST_ROUND_S = 120.0  # a worker's first look at every control, on two busy cores


def states(path: Path) -> dict[str, ClauseVerdict]:
    database = Database(f"sqlite:///{path}")
    try:
        with database.read() as session:
            return {one.clause.id: one.state.state for one in board(session, datetime.now(UTC)).clauses}
    finally:
        database.close()


def copy_of(home: Path, folder: Path) -> Path:
    """A consistent copy of the control database, its triggers dropped so that rows can be taken away."""
    path = folder / "copy.sqlite"
    with sqlite3.connect(home / "control.sqlite") as source, sqlite3.connect(path) as target:
        source.backup(target)
    source.close()
    for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        target.execute(f'DROP TRIGGER "{name}"')
    target.commit()
    target.close()
    return path


def without(path: Path, source: str) -> Path:
    """A copy that lacks all evidence of one source."""
    lacking = path.with_name("lacking.sqlite")
    shutil.copyfile(path, lacking)
    database = sqlite3.connect(lacking)
    gone = database.execute("DELETE FROM evidence_artefact WHERE source = ?", (source,)).rowcount
    database.commit()
    database.close()
    assert gone > 0, source
    return lacking


def assert_each_piece_carries_its_clauses(path: Path) -> int:
    """Take the evidence of every control of a met clause away in turn; returns how many clauses were met."""
    before = states(path)
    met = {clause for clause, state in before.items() if state is ClauseVerdict.MET}
    for source in {control.source for clause in met for control in BOOK.controls_of(clause)}:
        hit = {clause for control in BOOK.controls if control.source == source for clause in control.clauses}
        after = states(without(path, source))
        ended = {clause for clause in met if after[clause] is not ClauseVerdict.MET}
        assert ended == met & hit, source
        assert {clause: after[clause] for clause in before.keys() - hit} == {
            clause: before[clause] for clause in before.keys() - hit
        }, f"{source} changed clauses that it has nothing to do with"
    return len(met)


def test_what_is_met_on_a_running_installation_ends_with_each_piece_of_its_evidence(
    house: Installation, tmp_path: Path
) -> None:
    """Latency (OPS-3.1) is met by real requests, measured by the worker's real checks."""
    with house.client() as http:
        for n in range(150):
            assert http.post("/v1/chat/completions", json=question(f"第{n}问")).is_success
    wanted = {control.id for control in BOOK.controls_of("OPS-3.1")}
    with house.as_("rong") as rong:

        def met() -> bool:
            return bool(rong.get("/api/v1/clauses/OPS-3.1")["state"] == "met")

        def looked() -> bool:
            return all(map(looked_at, mine(rong.get("/api/v1/controls"), wanted)))

        until("the worker has looked once", looked, within_s=FIRST_ROUND_S)
        for id in wanted:
            rong.post(f"/api/v1/controls/{id}/run")
        until("OPS-3.1 is met", met, within_s=60)
        shown = rong.get("/api/v1/clauses")["clauses"]
    assert all(one["evidence"] for one in shown if one["state"] == "met"), "met without evidence"
    assert assert_each_piece_carries_its_clauses(copy_of(house.home, tmp_path)) > 0


def test_with_evidence_for_everything_each_of_the_58_clauses_ends_with_each_piece(complete: Path) -> None:
    assert assert_each_piece_carries_its_clauses(complete) == 58


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """A migrated database, no running platform behind it, with fresh evidence for every control."""
    home = tmp_path / "home"
    home.mkdir()
    url = f"sqlite:///{home / 'control.sqlite'}"
    upgrade(url)
    platform = Platform(Database(url), hooks=ControlHooks(), clock=SystemClock())
    with platform.work(system("journey")) as work:
        for control in BOOK.controls:
            facts: dict[str, Any] = dict.fromkeys(BOOK.evidence_kind(control.evidence).facts, 1)
            evidence.record(
                work,
                source=control.source,
                kind=control.evidence,
                subject=("installation", "gnomon"),
                state=State.MET,
                facts=facts,
            )
    platform.database.close()
    return copy_of(home, tmp_path)


def mine(controls: list[dict[str, Any]], wanted: set[str]) -> list[dict[str, Any]]:
    return [one for one in controls if one["id"] in wanted]


def looked_at(control: dict[str, Any]) -> bool:
    return control["last_run"] is not None
