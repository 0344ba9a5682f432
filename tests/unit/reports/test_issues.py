"""An issue: numbered, kept once, proved, verifiable, and open only to those who may."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.remediation.tables import Case, Task
from gnomon.control.reports import actions, jobs, queries, rendering, routes, rules
from gnomon.control.reports.schemas import NewReport
from gnomon.control.reports.tables import Report
from gnomon.control.rulebook import queries as board
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit import services
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.outbox import JobRow
from gnomon.kit.web import tell_errors
from tests.fakes.client import TestClient
from tests.fakes.platform import actor, do, run_jobs
from tests.unit.reports.conftest import Office

REPORT = "remediation_report"


def test_languages_and_formats_of_an_issue_share_its_number_and_each_language_is_evidence(
    case_office: tuple[Office, Case],
) -> None:
    office, case = case_office
    found = office.issue(REPORT, case.id, languages=["zh-CN", "en"])
    assert {(one.language, one.format) for one in found} == {
        (language, format) for language in ("zh-CN", "en") for format in ("docx", "pdf")
    }
    assert {(one.number, one.version, one.state) for one in found} == {("ZG-2026-01-001", 1, "ready")}
    with office.platform.read() as session:
        proofs = {one.language: evidence.artefact(session, one.evidence_id) for one in found}
    assert proofs["zh-CN"].id != proofs["en"].id
    for one in found:
        assert proofs[one.language].facts["files"][one.format] == one.sha256 == digest_bytes(queries.file(one))


def test_an_issue_is_evidence_that_the_rulebook_accepts(case_office: tuple[Office, Case]) -> None:
    office, case = case_office
    (one, _) = office.issue(REPORT, case.id)
    book = rulebook.load()
    (control,) = book.controls_from("reports.remediation_report_issued")
    with office.platform.read() as session:
        assert board.refusal(book, control, evidence.artefact(session, one.evidence_id)) == ""


def test_every_control_that_wants_one_of_our_papers_names_a_source_that_we_leave() -> None:
    wanted = {one.source for one in rulebook.load().controls if one.source.startswith("reports.")}
    ours = {kind.source for kind in rules.KINDS.values()}
    assert {"reports.requirements_exported", "reports.remediation_report_issued"} <= wanted & ours


def test_the_next_issue_has_the_next_version_and_number(case_office: tuple[Office, Case]) -> None:
    office, case = case_office
    first, second = office.issue(REPORT, case.id)[0], office.issue(REPORT, case.id)[0]
    assert (first.version, second.version) == (1, 2)
    assert (first.number, second.number) == ("ZG-2026-01-001", "ZG-2026-01-002")
    assert first.content_sha256 == second.content_sha256


def test_a_job_that_runs_again_makes_the_same_bytes_and_no_second_evidence(case_office: tuple[Office, Case]) -> None:
    office, case = case_office
    found = office.issue(REPORT, case.id)
    with office.platform.database.session() as session:
        for one in found:  # as if it had died before the rows were written
            row = session.get_one(Report, one.id)
            row.state, row.sha256 = "queued", ""
        session.get_one(JobRow, found[0].job_id).state = "queued"
        session.commit()
    run_jobs(office.platform, ["reports.render"])
    with office.platform.read() as session:
        again = queries.reports(session, issue_id=found[0].issue_id)
        proofs = [one for one in evidence.about(session, "case", case.id) if one.source.startswith("reports.")]
    assert [one.sha256 for one in again] == [one.sha256 for one in found]
    assert len(proofs) == 1


def test_a_paper_is_genuine_until_its_file_or_its_evidence_is_touched(case_office: tuple[Office, Case]) -> None:
    office, case = case_office
    one = office.issue(REPORT, case.id)[0]

    def verified() -> queries.Verification:
        with office.platform.read() as session:
            return queries.verify(session, one.id)

    assert (verified().genuine, verified().current) == (True, True)
    with office.platform.database.session() as session:
        session.get_one(Artefact, one.evidence_id).facts = {"version": 9}
        session.commit()
    assert (verified().file, verified().evidence, verified().genuine) == (True, False, False)
    home: Path = services.settings().home
    (home / "store" / one.sha256[:2] / one.sha256).write_bytes(b"something else")
    assert (verified().file, verified().found_sha256) == (False, digest_bytes(b"something else"))
    with pytest.raises(rules.ReportAltered):
        queries.file(one)


def test_a_paper_stays_genuine_when_the_rows_move_on_and_says_that_they_did(case_office: tuple[Office, Case]) -> None:
    office, case = case_office
    one = office.issue(REPORT, case.id)[0]
    with office.platform.database.session() as session:
        task = session.query(Task).filter(Task.case_id == case.id).first()
        assert task is not None
        task.progress = 100
        session.commit()
    with office.platform.read() as session:
        found = queries.verify(session, one.id)
    assert (found.genuine, found.current) == (True, False)


def test_a_file_that_cannot_be_made_says_why_and_is_no_evidence(
    case_office: tuple[Office, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, case = case_office

    def broken(_document: object) -> bytes:
        raise RuntimeError("no font")

    monkeypatch.setitem(rendering._PAPERS, "docx", broken)
    asked = do(office.platform, "lin", actions.request_report, NewReport(kind=REPORT, subject_id=case.id))
    with pytest.raises(RuntimeError, match="no font"):
        run_jobs(office.platform, ["reports.render"])
    with office.platform.read() as session:
        failed = next(one for one in queries.reports(session, issue_id=asked[0].issue_id) if one.state == "failed")
        assert failed.error == "RuntimeError: no font"
        assert not [one for one in evidence.about(session, "case", case.id) if one.source.startswith("reports.")]
    with pytest.raises(rules.ReportNotReady, match="no font"):
        queries.file(failed)
    assert jobs.render is not None


def test_papers_over_http_are_asked_for_fetched_and_verified_by_those_who_may(case_office: tuple[Office, Case]) -> None:
    office, case = case_office
    app = FastAPI()
    app.include_router(routes.router)
    app.state.platform, app.state.identify = office.platform, lambda _session, token: actor(token)
    tell_errors(app)
    http = TestClient(app)

    def ask(login: str, method: str, path: str, body: object = None) -> object:
        return http.request(method, f"/api/v1/reports{path}", json=body, headers={"authorization": f"Bearer {login}"})

    body = {"kind": REPORT, "subject_id": case.number, "languages": ["en"]}
    assert ask("guo", "POST", "", body).status_code == 403  # management reads, it does not write
    issued = ask("wei", "POST", "", body)
    assert issued.status_code == 202
    id = issued.json()["reports"][0]["id"]
    assert ask("lin", "GET", f"/{id}/file").json()["error"]["code"] == "report_not_ready"
    run_jobs(office.platform, ["reports.render"])
    assert ask("wei", "GET", f"/{id}/file").status_code == 403  # engineers write, they do not take away
    file = ask("lin", "GET", f"/{id}/file")
    row = ask("shen", "GET", f"/{id}").json()
    assert digest_bytes(file.content) == row["sha256"] == file.headers["x-gnomon-sha256"]
    assert file.headers["content-disposition"] == f'attachment; filename="{row["file_name"]}"'
    assert row["file_name"] == "ZG-2026-01-001_v1_en.docx"
    assert [one["id"] for one in ask("shen", "GET", f"?subject_id={case.id}").json()].count(id) == 1
    assert ask("shen", "GET", f"/{id}/verify").json()["genuine"] is True
    assert ask("shen", "GET", "/report_none").status_code == 404
    assert ask("lin", "POST", "", {"kind": "poem"}).status_code == 422
    assert len(ask("shen", "GET", "/kinds").json()) == len(rules.KINDS)


@given(st.lists(st.sampled_from(sorted(rules.KINDS)), min_size=1, max_size=30), st.integers(1, 40))
def test_numbers_are_never_given_twice(kinds: list[str], round: int) -> None:
    taken: list[str] = []
    for place, kind in enumerate(kinds):
        by_round = round + place % 3 if rules.KINDS[kind].subject == "case" else None
        taken.append(rules.next_number(kind, 2026, taken, round=by_round))
    assert len(set(taken)) == len(taken)
    assert all(number.isascii() for number in taken)
