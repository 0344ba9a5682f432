"""Who steals a copy of all stored bytes learns none of the personal data that went through, nor a password or key."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from gnomon.cli.demo.planted import Plant, plants
from gnomon.engine.byte_search import search
from tests.fakes.upstream import Script
from tests.journeys.installation import Installation, question

ASKED, REPLIED = plants(11, 24), plants(12, 24)
HARMLESS = "旅程标记乙丑号"  # stands in prompt and reply, is no personal data, and is stored
pytestmark = pytest.mark.journey


@dataclass(frozen=True)
class Loot:
    """The copy, with what the record store hides by compression written out beside it."""

    folder: Path
    records: int


@pytest.fixture
def loot(house: Installation, tmp_path: Path) -> Loot:
    """Traffic with planted values on both ways, streaming and not; then a copy of every file in the home."""
    ids = [converse(house, n, asked, replied) for n, (asked, replied) in enumerate(zip(ASKED, REPLIED, strict=True))]
    stored = house.stored(ids)
    assert {record["outcome"] for record in stored.values()} == {"ok"}
    assert all(record["entities_in"] and record["entities_out"] for record in stored.values())
    folder = tmp_path / "loot"
    shutil.copytree(house.home, folder, ignore=lambda _, names: [name for name in names if name.endswith(".sock")])
    return Loot(folder, decode(folder))


def converse(house: Installation, n: int, asked: Plant, replied: Plant) -> str:
    """One exchange; every other one streamed, in pieces of one to four characters. Returns the request id."""
    text = f"{HARMLESS}：{replied.sentence}"
    size = 1 + n % 4
    pieces = tuple(text[at : at + size] for at in range(0, len(text), size))
    house.upstream.script = Script(reply=text, pieces=pieces)
    with house.client() as http:
        body = question(f"{HARMLESS}。{asked.sentence}", stream=n % 2 == 1)
        answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    assert replied.value not in answer.text, "the reply's personal data went out"
    return str(answer.headers["x-request-id"])


def decode(folder: Path) -> int:
    """Write every row of the stolen record store as text beside it; returns how many rows there are."""
    path, rows = folder / "records" / "traffic.duckdb", 0
    with duckdb.connect(str(path)) as database, (folder / "traffic.jsonl").open("w", encoding="utf-8") as out:
        for (table,) in database.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            for row in database.execute(f'SELECT to_json(t)::VARCHAR FROM "{table}" t').fetchall():
                out.write(json.dumps(json.loads(row[0]), ensure_ascii=False) + "\n")
                rows += 1
    return rows


def test_a_stolen_copy_holds_none_of_the_planted_personal_data(house: Installation, loot: Loot) -> None:
    seen = str([body for _, body, _ in house.upstream.requests])
    assert not [plant.value for plant in ASKED if plant.value in seen], "the model saw personal data"
    values = [plant.value for plant in (*ASKED, *REPLIED)]
    found = search(loot.folder, values)
    assert {values[place]: where for place, where in found.hits.items()} == {}
    assert house.records.query("containing", values=values) == []

    # The search can fail: what is legitimately stored is found, in the database of people and among the records.
    control = search(loot.folder, [HARMLESS, "林若川"])
    assert "traffic.jsonl" in control.hits[0]
    assert any(place.startswith("control.sqlite") for place in control.hits[1])
    assert loot.records >= len(ASKED)
    assert house.records.query("containing", values=[HARMLESS])[0]["records"] >= len(ASKED)


def test_a_stolen_copy_opens_no_door(house: Installation, loot: Loot) -> None:
    secrets = [*house.passwords.values(), *house.tokens.values(), *house.keys.values()]
    found = search(loot.folder, secrets)
    assert {found_at for places in found.hits.values() for found_at in places} == set()
