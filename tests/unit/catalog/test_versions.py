"""Versions: checked byte by byte, fixed for ever, refused when they could run code."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from gnomon.control.catalog import actions, inspection, queries, rules
from gnomon.control.catalog.fingerprints import fingerprint
from gnomon.control.catalog.schemas import FileEntry, NewDataset, NewVersion
from gnomon.control.evidence import queries as evidence
from gnomon.kit import services
from gnomon.kit.blobs import _path
from gnomon.kit.errors import BadInput, Conflict, Unavailable
from gnomon.kit.keys import signing_key
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import Platform
from tests.fakes.catalog import add_adapter, add_version, register_base, stored, weights
from tests.fakes.platform import MONDAY, do, run_jobs


def test_a_checked_version_is_signed_proved_and_fixed(platform: Platform, tmp_path: Path) -> None:
    id = register_base(platform)
    with platform.read() as session:
        version = queries.checked_version(session, id)
        proof = evidence.artefact(session, version.evidence_id)
    assert (proof.state, proof.facts["sha256"], proof.source) == ("met", version.sha256, "catalog.model_checked")
    key: Ed25519PublicKey = signing_key(tmp_path / "keys" / "catalog.key").public_key()
    key.verify(bytes.fromhex(version.report["signature"]["ed25519"]), inspection.signed_bytes(version.sha256))
    with pytest.raises(rules.VersionFixed):
        do(platform, "wei", actions.add_file, id, stored("more.json", b"{}"))


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"model.safetensors": weights(), "pytorch_model.bin": b"\x80\x02"}, "may run code"),
        ({"model.safetensors": weights()[:-1]}, "end at byte"),
        ({"model.safetensors": b"short"}, "shorter than"),
        ({"model.safetensors": weights(), "config.json": b"{"}, "not JSON"),
        ({"config.json": b"{}"}, "no weights"),
    ],
)
def test_a_bad_version_is_refused_with_the_reason(platform: Platform, files: dict[str, bytes], problem: str) -> None:
    register_base(platform)
    id = add_version(platform, files, label="bad-1")
    with platform.read() as session:
        version = queries.version(session, id)
        assert version.state == "refused"
        assert any(problem in found["problem"] for found in version.report["problems"])
        assert evidence.artefact(session, version.evidence_id).state == "not_met"
        with pytest.raises(rules.NotChecked):
            queries.checked_version(session, id)


def test_bytes_that_changed_in_the_store_are_found(platform: Platform, tmp_path: Path) -> None:
    register_base(platform)
    id = add_version(platform, {"model.safetensors": weights(8)}, label="base-2", check=False)
    with platform.read() as session:
        sha256 = queries.version(session, id).files[0]["sha256"]
    stored_file = tmp_path / "store" / _path(sha256)
    stored_file.write_bytes(weights(8, fill=9))
    do(platform, "wei", actions.check_version, id)
    run_jobs(platform)
    with platform.read() as session:
        assert "not the ones" in queries.version(session, id).report["problems"][0]["problem"]


def test_the_verdict_is_given_once(platform: Platform) -> None:
    id = register_base(platform)
    bad = inspection.Inspection("0" * 64, problems=[{"path": "x", "problem": "y"}])
    do(platform, "system", actions.note_checked, id, bad)
    with platform.read() as session:
        assert queries.version(session, id).state == "checked"


def test_a_file_that_was_never_stored_cannot_be_added(platform: Platform) -> None:
    register_base(platform)
    version = do(platform, "wei", actions.create_version, "reviews", NewVersion(label="b2", source="t", licence="x"))
    with pytest.raises(BadInput):
        do(platform, "wei", actions.add_file, version.id, FileEntry(path="a.json", sha256="0" * 64, size=1))


def test_materialising_restores_what_was_altered_and_removes_strays(platform: Platform, tmp_path: Path) -> None:
    id = register_base(platform)
    folder = tmp_path / "models" / id
    with platform.read() as session:
        version = queries.version(session, id)
    queries.materialise(services.blobs(), version, folder)
    (folder / "config.json").write_text("[]")
    (folder / "evil.py").write_text("boom")
    queries.materialise(services.blobs(), version, folder)
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert (folder / "config.json").read_bytes() == b"{}"


def test_an_adapter_knows_its_base_and_registering_it_again_changes_nothing(platform: Platform) -> None:
    base = register_base(platform)
    adapter = add_adapter(platform, base)
    assert add_adapter(platform, base) == adapter
    with platform.read() as session:
        found = queries.version(session, adapter)
        assert found.lineage["base_sha256"] == queries.version(session, base).sha256
        assert found.state == "checked"
    with pytest.raises(Conflict):
        add_adapter(platform, base, fill=2)


def test_a_retired_model_gets_no_versions(platform: Platform) -> None:
    register_base(platform)
    do(platform, "lin", actions.retire_model, "reviews", reason="replaced")
    with pytest.raises(Conflict):
        do(platform, "wei", actions.create_version, "reviews", NewVersion(label="b2", source="t", licence="x"))
    with pytest.raises(Conflict):
        do(platform, "lin", actions.set_stage, "reviews", stage="use", reason="no")


def sealed(*texts: str) -> None:
    """What the suites above the catalogue hold, as wiring would tell it."""
    services.fill(held_out=lambda _session: {"suite_1": [fingerprint(text) for text in texts]})


def dataset(**more: object) -> NewDataset:
    rows = [{"text": "很好", "label": "正面"}, {"text": "电话13912345678，差", "label": "负面"}]
    plain = {"name": "reviews", "label": "v1", "purpose": "train", "source": "t", "licence": "x", "rows": rows}
    return NewDataset.model_validate(plain | more)


def test_a_data_set_says_what_was_found_in_it(platform: Platform) -> None:
    sealed("别的")
    made = do(platform, "wei", actions.add_dataset, dataset())
    with platform.read() as session:
        found = queries.dataset(session, made.id)
        assert (found.n, found.state, found.checks["leaks"]) == (2, "checked", {"suite_1": 0})
        assert sum(found.checks["personal"].values()) == 1
        assert queries.dataset_rows(services.blobs(), found)[0] == {"text": "很好", "label": "正面"}
        assert evidence.artefact(session, found.evidence_id).state == "met"
    with pytest.raises(Conflict):
        do(platform, "wei", actions.add_dataset, dataset())


def test_a_data_set_that_leaks_the_sealed_items_is_refused_and_dropping_them_mends_it(platform: Platform) -> None:
    sealed("很 好")
    leaking = do(platform, "wei", actions.add_dataset, dataset())
    mended = do(platform, "wei", actions.add_dataset, dataset(label="v2", prepare=["drop_leaks"]))
    assert (leaking.state, mended.state, mended.n) == ("refused", "checked", 1)
    with platform.read() as session:
        sources = {proof.source for proof in evidence.about(session, "dataset", mended.id)}
    assert sources == {"catalog.dataset_checked", "catalog.dataset_prepared"}


def test_nobody_who_adds_data_says_what_it_is_compared_with(platform: Platform) -> None:
    with pytest.raises(ValidationError):
        dataset(held_out={"x": ["0"]})
    sealed("很 好")
    assert do(platform, "wei", actions.add_dataset, dataset()).state == "refused"


def test_without_a_sealed_suite_the_leak_check_is_not_measured(platform: Platform) -> None:
    made = do(platform, "wei", actions.add_dataset, dataset())
    with platform.read() as session:
        assert evidence.artefact(session, made.evidence_id).state == "not_measured"


def test_where_suites_are_kept_is_not_known_nothing_is_added(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(services._shared, "held_out")
    with pytest.raises(Unavailable):
        do(platform, "wei", actions.add_dataset, dataset())


def test_data_from_before_a_suite_was_sealed_is_compared_with_it_too(platform: Platform) -> None:
    made = do(platform, "wei", actions.add_dataset, dataset())
    sealed("很 好")
    with platform.database.session() as session:
        session.add(
            JobRow(
                id="job_1",
                name="catalog.compare_held_out",
                subject="suite_1",
                args={},
                state="queued",
                created_at=MONDAY,
                actor_id="system:test",
                progress={},
            )
        )
        session.commit()
    run_jobs(platform, ["catalog.compare_held_out"])
    with platform.read() as session:
        found = queries.dataset(session, made.id)
        assert (found.state, found.checks["leaks"]) == ("refused", {"suite_1": 1})
        assert evidence.artefact(session, found.evidence_id).state == "not_met"


def test_rows_without_text_are_refused_by_number(platform: Platform) -> None:
    with pytest.raises(rules.BadRows, match="Row 2"):
        do(platform, "wei", actions.add_dataset, dataset(rows=[{"text": "好"}, {"text": " "}]))
