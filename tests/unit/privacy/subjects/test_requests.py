"""A person learns what is stored, gets a copy of it, and has it erased with proof; nobody else loses anything."""

import base64
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.orm import Session

from gnomon.contract.verdicts import State
from gnomon.control.approvals import actions as approvals
from gnomon.control.audit.sealer import Sealer
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.evaluation import actions as evaluation
from gnomon.control.evaluation import vault
from gnomon.control.evaluation.schemas import NewSuite
from gnomon.control.evaluation.tables import Suite
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.findings.tables import Finding
from gnomon.control.people.tables import Person
from gnomon.control.privacy.looking import Look, look
from gnomon.control.privacy.subjects import actions, jobs, rules
from gnomon.control.privacy.subjects.checks import rights_requests_in_time
from gnomon.control.rulebook.checks import CheckContext
from gnomon.control.rulebook.rules import load
from gnomon.engine.byte_search import search_apart
from gnomon.guard.persons import person_index
from gnomon.kit import services
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import BadInput, Denied, NotFound
from gnomon.kit.jobs import JobContext
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, run_jobs
from tests.fakes.records import StoredRecords
from tests.unit.privacy.subjects.conftest import (
    JOBS,
    MAIL,
    MINE,
    OTHERS,
    add_dataset,
    add_record,
    add_texts,
    asked,
    erased,
    found,
    read,
)


def test_everything_about_a_person_is_found_however_it_is_written(
    platform: Platform, records: StoredRecords, tmp_path: Path
) -> None:
    add_record(records, tmp_path, f"我是{MINE}")
    add_record(records, tmp_path, f"我是{OTHERS}")
    add_texts(platform)
    dataset = add_dataset(platform)
    (tmp_path / "work" / "job_1").mkdir(parents=True)
    (tmp_path / "work" / "job_1" / "train.jsonl").write_text(json.dumps({"text": f"+86 {MINE}"}) + "\n")
    row = found(platform)
    assert row.found["by_holder"] == {"traffic": 1, "texts": 1, "datasets": 1, "copies": 1}
    assert {one["ref"] for one in row.places} >= {dataset, "work/job_1/train.jsonl"}
    assert MINE not in json.dumps([row.places, row.found])


def test_whom_it_is_about_stands_nowhere_while_the_request_is_open(platform: Platform, tmp_path: Path) -> None:
    row = found(platform)
    platform.database.compact()
    assert search_apart(tmp_path, [MINE, MAIL]).hits == {}
    assert row.entities == ["CN_MOBILE"]


def test_nothing_is_looked_for_before_somebody_answers_for_who_asks(platform: Platform) -> None:
    row = do(platform, "bai", actions.open_request, asked())
    with pytest.raises(rules.WrongState):
        do(platform, "ren", actions.start_search, row.id)


def test_an_unknown_kind_of_identifier_is_refused(platform: Platform) -> None:
    with pytest.raises(BadInput, match="SHOE_SIZE"):
        do(platform, "bai", actions.open_request, asked(SHOE_SIZE="44"))


def test_the_copy_holds_the_persons_own_words_and_nobody_elses_identifiers(
    platform: Platform, records: StoredRecords, tmp_path: Path
) -> None:
    add_record(records, tmp_path, f"我是{MINE}，介绍人{OTHERS}")
    add_dataset(platform)
    row = found(platform, asked("export"))
    do(platform, "ren", actions.make_package, row.id)
    run_jobs(platform, JOBS)
    data = do(platform, "ren", actions.read_package, row.id)
    archive = zipfile.ZipFile(io.BytesIO(data))
    said = archive.read("data.json").decode()
    assert f"我是{MINE}，介绍人⟦手机" in said
    assert OTHERS not in said
    manifest = archive.read("manifest.json")
    told = json.loads(manifest)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(told["public_key"]))
    key.verify(base64.b64decode(archive.read("manifest.sig")), manifest)
    assert told["files"] == {name: digest_bytes(archive.read(name)) for name in told["files"]}
    assert set(told["files"]) == {"data.json", "个人信息副本.docx", "personal-data.docx"}
    assert digest_bytes(data) == read(platform, row.id).package["sha256"]


def test_a_request_ends_with_evidence_and_the_key_of_whom_it_was_about_is_destroyed(
    platform: Platform, tmp_path: Path
) -> None:
    row = found(platform, asked("export"))
    with pytest.raises(actions.NoPackage):
        do(platform, "ren", actions.close_request, row.id)
    do(platform, "ren", actions.make_package, row.id)
    run_jobs(platform, JOBS)
    do(platform, "ren", actions.read_package, row.id)
    row = do(platform, "ren", actions.close_request, row.id)
    assert (row.state, row.sealed, row.package["stored"]) == ("done", "", "")
    assert list((tmp_path / "keys" / "rights").iterdir()) == []
    with platform.read() as session:
        artefact = session.get_one(Artefact, row.evidence_id)
    assert load().missing_facts("rights_request", artefact.facts) == ()
    assert artefact.facts["in_time"] is True


def test_who_asks_for_an_erasure_does_not_approve_it(platform: Platform) -> None:
    row = found(platform)
    asking = do(platform, "rong", actions.ask_erasure, row.id)
    with pytest.raises(Denied):
        do(platform, "rong", approvals.vote, asking.approval_id, approve=True, comment="同意")
    assert read(platform, row.id).state == "approving"


def test_erased_is_erased_in_every_byte_and_others_are_as_they_were(
    platform: Platform, records: StoredRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "look", look)
    add_record(records, tmp_path, f"我是{MINE}")
    add_record(records, tmp_path, f"我是{OTHERS}")
    add_texts(platform)
    dataset = add_dataset(platform)
    theirs = found(platform, asked("find", CN_MOBILE=OTHERS))
    row = erased(platform, found(platform))
    assert row.state == "done", row.outcome
    assert row.outcome["by_holder"] == {"traffic": 1, "texts": 1, "datasets": 1}
    assert row.outcome["searched"]["bytes"] > 100_000
    assert (row.outcome["left"], row.outcome["found_again"], row.outcome["chain"]["ok"]) == ([], 0, True)
    (changed,) = row.outcome["objects"]
    assert changed["ref"] == dataset
    with pytest.raises(NotFound):
        services.blobs().get(changed["before"])
    kept = [json.loads(line) for line in services.blobs().get(changed["after"]).splitlines()]
    assert [one["text"] for one in kept] == ["我的号码是⟦手机⟧", f"他的号码是{OTHERS}"]
    again = found(platform, asked("find", CN_MOBILE=OTHERS))
    assert again.places == theirs.places


def test_the_trail_tells_of_every_step_and_of_nobody(
    platform: Platform, records: StoredRecords, tmp_path: Path
) -> None:
    add_record(records, tmp_path, f"我是{MINE}")
    add_dataset(platform)
    erased(platform, found(platform))
    sealer = Sealer(platform, services.get("audit_key"))
    while sealer.run_once():
        pass
    with platform.read() as session:
        rows = session.query(AuditEntry).filter(AuditEntry.permission.like("rights_request.%")).all()
        told = json.dumps([row.facts for row in rows])
    assert {row.permission.partition(".")[2] for row in rows} >= {
        "open", "verify", "perform", "note_found", "request", "note_decision", "begin_erasure", "erase_places",
        "record_erasure",
    }  # fmt: skip
    assert MINE not in told


def test_an_account_goes_once_it_is_disabled_and_its_trail_stays(platform: Platform) -> None:
    do(platform, "wei", _deed)
    row = erased(platform, found(platform, asked(ACCOUNT="wei")))
    assert any("people_person" in one["ref"] for one in row.outcome["kept"])
    with platform.database.session() as session:
        session.get_one(Person, "wei").active = False
        session.commit()
    erased(platform, found(platform, asked(ACCOUNT="wei")))
    with platform.read() as session:
        person = session.get_one(Person, "wei")
        assert (person.name, person.login, person.password_hash) == ("已删除", "erased-wei", "")
        assert session.query(AuditEntry).filter(AuditEntry.actor_id == "wei").count()


def _deed(work: Any) -> None:
    with work.entered("finding.raise", by_system=False):
        work.about("finding", "none")


def test_a_name_alone_is_only_possible_and_beside_an_identifier_it_goes_too(platform: Platform) -> None:
    add_texts(platform, f"李雷，电话{MINE}", "李雷来访")
    row = erased(platform, found(platform, asked(PERSON="李雷")))
    assert row.state == "done", row.outcome
    with platform.read() as session:
        assert session.get_one(Finding, "f0").detail == "⟦姓名⟧，电话⟦手机⟧"
        assert session.get_one(Finding, "f1").detail == "李雷来访"


def test_a_package_ends_with_its_days(platform: Platform) -> None:
    row = found(platform, asked("export"))
    do(platform, "ren", actions.make_package, row.id)
    run_jobs(platform, JOBS)
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(days=load().persons.package_days))
    with pytest.raises(actions.NoPackage):
        do(platform, "ren", actions.read_package, row.id)


def test_a_refusal_has_a_reason_and_ends_the_request(platform: Platform) -> None:
    row = found(platform)
    row = do(platform, "rong", actions.refuse_request, row.id, reason="法定保存期内")
    assert (row.state, row.reason, row.sealed) == ("refused", "法定保存期内", "")


@pytest.mark.parametrize("sealed", [False, True])
def test_an_evaluation_set_is_another_set_afterwards_and_a_sealed_one_was_looked_at(
    platform: Platform, sealed: bool
) -> None:
    rows = [
        {"id": "1", "text": f"回访{MINE}，满意", "label": "正"},
        {"id": "2", "text": f"回访{OTHERS}，一般", "label": "负"},
    ]
    recipe = {"id": "r", "prompt_template": "{text}", "choices": ["正", "负"]}
    new = NewSuite(name="s", recipe=recipe, source="门店", licence="自有", sealed=sealed, rows=rows)
    before = do(platform, "lin", evaluation.add_suite, new)
    old = (before.sha256, before.blob_sha256)
    row = erased(platform, found(platform))
    assert row.state == "done", row.outcome
    with platform.read() as session:
        suite = session.get_one(Suite, before.id)
        texts = [one["text"] for one in vault.rows_of(suite.blob_sha256, suite.wrapped_key, suite_id=suite.id)]
    assert texts == ["回访⟦手机⟧，满意", f"回访{OTHERS}，一般"]
    assert suite.sha256 != old[0]
    assert suite.looks == int(sealed)
    assert not services.blobs().has(old[1])
    assert row.outcome["objects"] == [{"ref": suite.id, "before": old[1], "after": suite.blob_sha256}]


def test_what_a_digest_fixes_is_told_and_kept_with_its_reason(platform: Platform) -> None:
    file = services.blobs().put(f"名单\n{MINE}\n{OTHERS}\n".encode())
    do(platform, "system", _record, file)
    row = found(platform)
    assert (row.found["by_holder"], row.found["kept"]) == ({"files": 1}, {"evidence_artefact": 1})
    row = erased(platform, row)
    assert row.state == "done", row.outcome
    (kept,) = row.outcome["kept"]
    assert kept["ref"] == f"evidence_artefact:{file}"
    assert set(kept["why"]) == {"zh-CN", "en"}
    assert services.blobs().has(file)


def _record(work: Any, file: str) -> None:
    evidence.record(
        work, source="test.list", kind="attachment", subject=("model", "m"), state=State.MET, file=("list.txt", file)
    )


def test_an_erasure_that_broke_down_goes_on(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    add_texts(platform)
    asking = do(platform, "ren", actions.ask_erasure, found(platform).id)
    do(platform, "rong", approvals.vote, asking.approval_id, approve=True, comment="同意")

    def away(_values: list[str]) -> Look:
        raise OSError("the disk is away")

    monkeypatch.setattr(jobs, "look", away)
    with pytest.raises(OSError, match="disk"):
        run_jobs(platform, JOBS)
    assert read(platform, asking.id).state == "incomplete"
    monkeypatch.setattr(jobs, "look", lambda values: Look({}, len(values), 0, ()))
    do(platform, "ren", actions.resume_erasure, asking.id)
    run_jobs(platform, JOBS)
    assert read(platform, asking.id).state == "done"


def test_late_requests_are_counted_open_or_not(platform: Platform) -> None:
    def context(session: Session) -> CheckContext:
        return CheckContext(session, platform.clock.now(), load(), timedelta(days=1))

    with platform.read() as session:
        assert rights_requests_in_time(context(session)) is None
    do(platform, "bai", actions.open_request, asked("find"))
    assert isinstance(platform.clock, FakeClock)
    for days, late in ((30, 0.0), (1, 1.0)):
        platform.clock.advance(timedelta(days=days))
        with platform.read() as session:
            result = rights_requests_in_time(context(session))
        assert result is not None
        assert result.value == late


def test_a_new_key_of_the_index_is_in_the_trail_finds_what_was_noted_before_and_replaces_the_old_one(
    platform: Platform, tmp_path: Path
) -> None:
    add_texts(platform)
    first = found(platform, asked("find"))
    names = do(platform, "rong", actions.rotate_key)
    assert len(names) == 2
    assert found(platform, asked("find")).places == first.places
    row = JobRow(id="job_1", name="privacy.rights_upkeep", subject="", args={}, state="running", created_at=MONDAY,
                 actor_id="system:test", progress={})  # fmt: skip
    jobs.upkeep(JobContext(platform, row))
    assert person_index(tmp_path).key_names == names[1:]
    assert found(platform, asked("find")).places == first.places
    sealer = Sealer(platform, services.get("audit_key"))
    while sealer.run_once():
        pass
    with platform.read() as session:
        (entry,) = session.query(AuditEntry).filter(AuditEntry.permission == "rights_request.rotate")
    assert entry.facts["made"] == names[1]
