"""A person learns what is stored, gets a copy of it, and has it erased with proof; nobody else loses anything."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.orm import Session

import gnomon.control.evaluation.persons
import gnomon.control.privacy.jobs  # noqa: F401 - both as wiring does
from gnomon.app.wiring import subscribe
from gnomon.contract.verdicts import State
from gnomon.control.approvals import actions as approvals
from gnomon.control.audit.sealer import Sealer
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog.schemas import NewDataset
from gnomon.control.evaluation import actions as evaluation
from gnomon.control.evaluation import vault
from gnomon.control.evaluation.schemas import NewSuite
from gnomon.control.evaluation.tables import Suite
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.findings.tables import Finding
from gnomon.control.people.tables import Person
from gnomon.control.privacy import queries as privacy
from gnomon.control.privacy.looking import Look, look
from gnomon.control.privacy.subjects import actions, jobs, queries, rules
from gnomon.control.privacy.subjects.checks import rights_requests_in_time
from gnomon.control.privacy.subjects.schemas import Identifier, IdentityCheck, NewRightsRequest
from gnomon.control.privacy.tables import RightsRequest
from gnomon.control.rulebook.checks import CheckContext
from gnomon.control.rulebook.rules import load
from gnomon.engine.byte_search import search_apart
from gnomon.engine.documents import Document, Paragraph, Section
from gnomon.engine.documents.pdf import to_pdf
from gnomon.guard.persons import person_index
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, Masker
from gnomon.guard.sealed import CopySealer
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import BadInput, Denied, NotFound
from gnomon.kit.jobs import JobContext
from gnomon.kit.keys import signing_key
from gnomon.kit.outbox import JobRow
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, make_platform, run_jobs
from tests.fakes.records import StoredRecords

MINE, OTHERS = "13812345678", "13998765432"
MAIL = "li.lei@example.com"
JOBS = ("privacy.rights_search", "privacy.rights_package", "privacy.rights_erase")


@pytest.fixture
def records(tmp_path: Path) -> Iterator[StoredRecords]:
    made = StoredRecords(tmp_path / "records")
    yield made
    made.close()


@pytest.fixture
def platform(tmp_path: Path, records: StoredRecords, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """The search of all bytes, which takes a process of its own, is in tests/journeys and in one test here."""
    monkeypatch.setattr(jobs, "look", lambda values: Look({}, len(values), 0, ()))
    services.fill(
        settings=Settings(home=tmp_path),
        records=records,
        blobs=Blobs(f"file://{tmp_path / 'store'}"),
        audit_key=signing_key(tmp_path / "keys" / "audit.key"),
        bundle_key=signing_key(tmp_path / "keys" / "bundle.key"),
    )
    made = make_platform(tmp_path)
    subscribe(made)
    return made


def asked(wants: str = "erase", **more: str) -> NewRightsRequest:
    values = {"CN_MOBILE": MINE} | more
    given = [Identifier(entity=entity, value=value) for entity, value in values.items()]
    return NewRightsRequest(wants=wants, identifiers=given, contact=MAIL)  # type: ignore[arg-type]


def add_record(records: StoredRecords, home: Path, text: str) -> None:
    """As a gateway leaves it: masked, with tokens, and a copy that only control opens."""
    vault = Vault()
    masked = Masker(DEFAULT_POLICY, key=bytes(32)).mask(text, "input", vault)
    sealed = CopySealer(base64.b64decode(privacy.restore_key())).seal(vault, expires_at=MONDAY.timestamp() + 9e6)
    records.add(
        1, MONDAY.timestamp(), request=masked.text, reply="好的", persons=person_index(home).tokens_of(vault.met),
        sealed=base64.b64encode(sealed).decode(),
    )  # fmt: skip


def add_texts(platform: Platform, *details: str) -> None:
    """Findings as people write them."""
    with platform.database.session() as session:
        for number, detail in enumerate(details or ("客户来电，回拨 138 1234 5678", f"另一客户 {OTHERS} 反映延迟")):
            session.add(
                Finding(
                    id=f"f{number}", number=f"F{number}", title="x", detail=detail, severity="low", clauses=[],
                    source="people", subject_kind="model", subject_id="m", evidence_ids=[], state="open",
                    raised_by="wei", raised_at=MONDAY,
                )
            )  # fmt: skip
        session.commit()


def add_dataset(platform: Platform) -> str:
    rows = [{"text": f"我的号码是{MINE}", "label": "正"}, {"text": f"他的号码是{OTHERS}", "label": "负"}]
    new = NewDataset(name="reviews", label="v1", source="门店", licence="自有", purpose="train", rows=rows)
    return do(platform, "wei", catalog.add_dataset, new).id


def found(platform: Platform, new: NewRightsRequest | None = None) -> RightsRequest:
    row = do(platform, "bai", actions.open_request, new or asked())
    do(platform, "ren", actions.verify_identity, row.id, IdentityCheck(how="document"))
    do(platform, "ren", actions.start_search, row.id)
    run_jobs(platform, JOBS)
    return read(platform, row.id)


def erased(platform: Platform, row: RightsRequest) -> RightsRequest:
    asking = do(platform, "ren", actions.ask_erasure, row.id)
    do(platform, "rong", approvals.vote, asking.approval_id, approve=True, comment="同意")
    run_jobs(platform, JOBS)
    return read(platform, row.id)


def read(platform: Platform, id: str) -> RightsRequest:
    with platform.read() as session:
        return queries.request(session, id)


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


def add_evidence(platform: Platform, data: bytes) -> str:
    """A file of evidence, as somebody attached it."""
    digest = services.blobs().put(data)
    with platform.database.session() as session:
        session.add(
            Artefact(
                id=f"e{digest[:8]}", kind="report", source="people", subject_kind="model", subject_id="m", state="met",
                facts={}, file_sha256=digest, sha256=digest, made_by="wei", made_at=MONDAY,
            )
        )  # fmt: skip
        session.commit()
    return f"evidence_artefact:{digest}"


def packed(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return out.getvalue()


PAPER = packed(word__document_xml=f"<w:p><w:t>电话{MINE}</w:t></w:p>".encode())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (PAPER[: len(PAPER) - 8], "damaged"),
        (PAPER.replace(PAPER[60:80], bytes(20)), "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted"),
        (packed(word__document_xml=b"<p/>", word__embeddings__object1=b"\1\2\0\3" * 40), "binary"),
        (packed(a=packed(b=packed(c=packed(d=b"text")))), "nested"),
    ],
)
def test_a_file_that_cannot_be_looked_into_makes_a_search_insufficient(
    platform: Platform, data: bytes, why: str
) -> None:
    ref = add_evidence(platform, data)
    row = found(platform, asked("find"))
    assert row.found["unread"] == [{"holder": "files", "ref": ref, "why": why}]
    again = found(platform, asked("find"))  # it was noted, and is not taken for looked through the second time
    assert again.found["unread"] == row.found["unread"]
    row = do(platform, "ren", actions.close_request, row.id)
    with platform.read() as session:
        assert session.get_one(Artefact, row.evidence_id).state == State.INSUFFICIENT


def test_what_can_be_read_of_a_file_is_found_beside_what_cannot(platform: Platform) -> None:
    ref = add_evidence(platform, packed(word__document_xml=f"<t>{MINE}</t>".encode(), bin=b"\0\1\2" * 99))
    row = found(platform, asked("find"))
    assert [one["ref"] for one in row.places] == [ref]
    assert [one["why"] for one in row.found["unread"]] == ["binary"]


def test_a_paper_with_a_picture_or_another_paper_in_it_is_read_whole(platform: Platform) -> None:
    inner = packed(xl__sharedStrings_xml=f"<si><t>{MINE}</t></si>".encode())
    ref = add_evidence(platform, packed(word__document_xml=b"<p/>", chart=b"\x89PNG\r\n\0", table=inner))
    row = found(platform, asked("find"))
    assert [one["ref"] for one in row.places] == [ref]
    assert row.found["unread"] == []


def test_an_erasure_beside_a_file_that_cannot_be_read_ends_and_proves_nothing_of_that_file(
    platform: Platform,
) -> None:
    add_texts(platform)
    add_evidence(platform, b"PK\x03\x04 and nothing more")
    row = erased(platform, found(platform))
    assert (row.state, [one["why"] for one in row.outcome["unread"]]) == ("done", ["damaged"])
    with platform.read() as session:
        assert session.get_one(Artefact, row.evidence_id).state == State.INSUFFICIENT


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


def test_a_report_of_our_own_as_pdf_is_read(platform: Platform) -> None:
    paper = Document(
        title="运行报告", number="R-1", locale="zh-CN", made_at=MONDAY, date="2026-01-05", issuer="Gnomon", facts=(),
        sections=(Section("一", (Paragraph(f"客户来电 {MINE}，已回复。"),)),),
    )  # fmt: skip
    ref = add_evidence(platform, to_pdf(paper))
    row = found(platform, asked("find"))
    assert [one["ref"] for one in row.places] == [ref]
    assert row.found["unread"] == []


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.4\n1 0 obj\n<</Type /Catalog>>\nendobj\n%%EOF",
        b"%PDF-1.7\n1 0 obj\n<</Type /ObjStm/First 9 >>\nstream\n1 0 x y\nendstream\nendobj\n%%EOF",
        b"%PDF-",
    ],
)
def test_a_pdf_of_others_is_told_as_unread(platform: Platform, data: bytes) -> None:
    add_evidence(platform, data)
    assert [one["why"] for one in found(platform, asked("find")).found["unread"]] == ["pdf"]
