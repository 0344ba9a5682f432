"""The first screen of each team, and that whatever waits for a person stands on it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from gnomon.console.pages.workbench import SCREENS
from gnomon.contract.traffic import DefenceNotice
from gnomon.contract.verdicts import State
from gnomon.control.access import actions as access
from gnomon.control.approvals import actions as approvals
from gnomon.control.evidence import actions as evidence
from gnomon.control.findings import actions as findings
from gnomon.control.findings.schemas import NewFinding
from gnomon.control.rulebook.rules import load
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import Platform, Work, action
from tests.fakes.client import TestClient
from tests.fakes.console import cookie, make_console
from tests.fakes.platform import do

HTML = {"accept": "text/html", "accept-language": "zh"}
TEAMS = {"lin": "technical", "bai": "business", "rong": "risk", "shen": "audit", "guo": "management", "admin": "admin"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestClient, Platform]:
    folder: Path = tmp_path_factory.mktemp("console")
    app, platform = make_console(folder)
    seed(platform)
    return TestClient(app, base_url="http://gnomon.test", headers=HTML, follow_redirects=False), platform


def seed(platform: Platform) -> None:
    """A request for approval, a ban of a gateway, a failed job and a finding."""

    @action("deployment.submit")
    def submit(work: Work) -> None:
        seats, later = [["technical_lead"], ["business_lead"]], timedelta(days=3)
        asked = {"kind": "deployment_plan", "subject_id": "d-1", "title": "部署金融问答"}
        approvals.ask(work, **asked, content={"model": "m"}, seats=seats, barred=["wei"], lapses_after=later)

    do(platform, "wei", submit)
    now = platform.clock.now()
    notice = DefenceNotice(
        id="ban_1",
        kind="ban",
        subject="ab" * 16,
        reason="猜测密钥",
        at=now.timestamp(),
        until=now.timestamp() + 3600,
        facts={},
    )
    do(platform, "system", access.take_over_ban, notice)
    proof = do(platform, "system", evidence.record, source="x.y", kind="review", subject=("x", "1"), state=State.MET)
    raised = NewFinding(
        title="多语言准确率偏低",
        severity="high",
        subject_kind="model",
        subject_id="m",
        evidence_ids=[proof.id],
        clauses=["REM-1.4"],
    )
    do(platform, "ren", findings.raise_finding, raised)
    with platform.database.session() as session:
        session.add(
            JobRow(
                id="job_1",
                name="evaluation.run",
                subject="run_1",
                args={},
                state="failed",
                progress={},
                error="Unavailable",
                actor_id="wei",
                created_at=now,
            )
        )
        session.commit()


def first_screen(site: tuple[TestClient, Platform], login: str) -> str:
    client, platform = site
    client.cookies.clear()
    client.cookies.update(cookie(platform, login))
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.text


def test_every_team_has_a_first_screen_of_its_own(site: tuple[TestClient, Platform]) -> None:
    assert set(SCREENS) == {team.id for team in load().matrix.teams}
    assert all(len(screen.tiles) == 3 for screen in SCREENS.values())
    seen = {login: tuple(re.findall(r"<dt><a href=\"([^\"]+)\"", first_screen(site, login))) for login in TEAMS}
    assert len(set(seen.values())) == len(TEAMS)


@pytest.mark.parametrize(
    ("login", "waits"),
    [
        ("lin", ["部署金融问答", "evaluation.run", "多语言准确率偏低"]),
        ("wei", ["evaluation.run"]),
        ("bai", ["部署金融问答", "多语言准确率偏低"]),
        ("ren", ["封禁：猜测密钥", "多语言准确率偏低"]),
        ("shen", []),
        ("guo", []),
    ],
)
def test_what_waits_for_a_person_is_counted_and_listed(
    site: tuple[TestClient, Platform], login: str, waits: list[str]
) -> None:
    card = first_screen(site, login).split("今天轮到你的 ")[1].split("</section>")[0]
    assert card.startswith(f"{len(waits)} 件")
    for text in waits:
        assert text in card


def test_a_returned_request_comes_back_to_who_asked(site: tuple[TestClient, Platform]) -> None:
    client, _ = site
    first_screen(site, "lin")
    id = re.findall(r"/approvals/(approval_\w+)", client.get("/approvals").text)[0]
    client.post(f"/approvals/{id}/vote", data={"decision": "return", "reason": "缺回退步骤"})
    card = first_screen(site, "wei").split("今天轮到你的 ")[1].split("</section>")[0]
    assert "被退回" in card
    assert card.startswith("2 件")


def test_help_names_the_gateway_and_the_pages(site: tuple[TestClient, Platform]) -> None:
    first_screen(site, "wei")
    text = site[0].get("/help").text
    assert "http://127.0.0.1:8421/v1/chat/completions" in text
    assert 'href="/clauses"' in text
    assert 'href="/audit"' in text
