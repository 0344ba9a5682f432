"""After all that the audit chain verifies, on the server and from an exported file; one altered line is noticed."""

import json
import re
from pathlib import Path

import pytest

from tests.journeys.installation import Installation, gnomon, until

pytestmark = pytest.mark.journey


@pytest.fixture
def exported(house: Installation, tmp_path: Path) -> Path:
    path = tmp_path / "trail.jsonl"
    made = gnomon(house.settings, "audit", "export", str(path), GNOMON_TOKEN=house.tokens["shen"])
    assert made.returncode == 0, made.stderr
    return path


def test_the_chain_verifies_on_the_server_and_alone_from_a_file(house: Installation, exported: Path) -> None:
    with house.as_("shen") as shen:
        verdict = until("everything is sealed", lambda: sealed(shen.get("/api/v1/audit/verify")))
    assert verdict["ok"], verdict["problem"]
    links = [json.loads(line) for line in exported.read_text().splitlines()]
    assert [link["seq"] for link in links] == list(range(links[0]["seq"], links[0]["seq"] + len(links)))
    assert len(links) > 20

    on_the_server = gnomon(house.settings, "audit", "verify", GNOMON_TOKEN=house.tokens["shen"])
    assert on_the_server.returncode == 0, on_the_server.stderr
    alone = gnomon(house.settings, "audit", "verify", str(exported), GNOMON_CONTROL_PORT="1")
    assert alone.returncode == 0, alone.stderr
    (length,) = re.findall(r"\d+", alone.stdout)[:1]
    assert int(length) == len(links)
    assert links[-1]["sha256"][:16] in alone.stdout


def test_one_altered_line_is_noticed_where_it_stands(house: Installation, exported: Path) -> None:
    lines = exported.read_text().splitlines()
    place = len(lines) // 2
    link = json.loads(lines[place])
    link["entry"]["actor_id"] = "somebody-else"
    for altered in ([*lines[:place], json.dumps(link), *lines[place + 1 :]], [*lines[:place], *lines[place + 1 :]]):
        exported.write_text("\n".join(altered) + "\n")
        told = gnomon(house.settings, "audit", "verify", str(exported), GNOMON_CONTROL_PORT="1")
        assert told.returncode == 1
        assert "audit_chain_broken" in told.stderr
        assert "Traceback" not in told.stderr


def sealed(verdict: dict[str, object]) -> dict[str, object] | None:
    return verdict if verdict["unsealed"] == 0 else None
