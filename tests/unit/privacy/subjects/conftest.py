"""A platform with a person in its rows, records and files, and the steps of a request about that person."""

import base64
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import gnomon.control.evaluation.persons
import gnomon.control.privacy.jobs  # noqa: F401 - both as wiring does
from gnomon.app.wiring import subscribe
from gnomon.control.approvals import actions as approvals
from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog.schemas import NewDataset
from gnomon.control.evidence.tables import Artefact
from gnomon.control.findings.tables import Finding
from gnomon.control.privacy import queries as privacy
from gnomon.control.privacy.looking import Look
from gnomon.control.privacy.subjects import actions, jobs, queries
from gnomon.control.privacy.subjects.schemas import Identifier, IdentityCheck, NewRightsRequest
from gnomon.control.privacy.tables import RightsRequest
from gnomon.guard.persons import person_index
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, Masker
from gnomon.guard.sealed import CopySealer
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.keys import signing_key
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
