"""Versions: files come in, are checked byte by byte, and never change again."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from gnomon.contract.verdicts import State
from gnomon.control.catalog import inspection, queries, rules
from gnomon.control.catalog.schemas import FileEntry, NewVersion, VersionChecked
from gnomon.control.catalog.tables import ModelVersion
from gnomon.control.evidence import actions as evidence
from gnomon.kit import keys, services
from gnomon.kit.errors import BadInput, Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@action("model.upload")
def create_version(work: Work, model: str, new: NewVersion) -> ModelVersion:
    """A draft without files. Raises Conflict when the label is taken, BadInput for an adapter without a base."""
    return _create(work, model, new, lineage={})


@action("model.upload")
def add_file(work: Work, version_id: str, file: FileEntry) -> ModelVersion:
    """The draft holds the file, whose bytes are in the object store; one of the same path is replaced."""
    version = queries.version(work.session, version_id)
    work.about("model_version", version.id, path=file.path, sha256=file.sha256, size=file.size)
    rules.require_draft(version.state, label=f"{version.model} {version.label}")
    rules.check_path(file.path)
    if not services.blobs().has(file.sha256):
        raise BadInput(f"The bytes of {file.path} are not stored.", next_step="Upload them first.")
    others = [entry for entry in version.files if entry["path"] != file.path]
    version.files = sorted([*others, file.model_dump()], key=lambda entry: str(entry["path"]))
    return version


@action("model.verify")
def check_version(work: Work, version_id: str) -> str:
    """The version is fixed and its check is queued; returns the job's id. May be asked again until it is checked."""
    version = queries.version(work.session, version_id)
    work.about("model_version", version.id)
    if version.state != "checking":
        rules.require_draft(version.state, label=f"{version.model} {version.label}")
    if not version.files:
        raise BadInput(f"The version {version.label} has no files.", next_step="Upload the files first.")
    version.state = "checking"
    return work.enqueue("catalog.check", version.id)


@system_action("model.note_checked")
def note_checked(work: Work, version_id: str, found: inspection.Inspection) -> ModelVersion:
    """The version is checked or refused, with signed evidence. A version that has its verdict keeps it."""
    version = queries.version(work.session, version_id)
    work.about("model_version", version.id)
    if version.state != "checking":
        return version
    _conclude(work, version, found)
    return version


@system_action("model.register_adapter")
def register_adapter(
    work: Work,
    *,
    model: str,
    label: str,
    base_id: str,
    files: Sequence[FileEntry],
    lineage: Mapping[str, Any],
    source: str,
    licence: str,
) -> ModelVersion:
    """A checked adapter version with its lineage; the same files under the same label give the version that is there.

    The bytes are in the object store already. Raises BadInput when the check refuses them: nothing is registered then.
    """
    plain = sorted((file.model_dump() for file in files), key=lambda entry: str(entry["path"]))
    known = _labelled(work, model, label)
    if known is not None and known.sha256 == rules.files_sha256(plain) and known.state == "checked":
        work.about("model_version", known.id, label=label, again=True)
        return known
    new = NewVersion(label=label, kind="adapter", base_id=base_id, source=source, licence=licence)
    version = _create(work, model, new, lineage=dict(lineage))
    for file in files:
        rules.check_path(file.path)
    version.files, version.state = plain, "checking"
    found = inspection.inspect(services.blobs(), plain, kind="adapter")
    if found.problems:
        first = found.problems[0]
        raise BadInput(
            f"The adapter {label} is refused: {first['path']} {first['problem']}.",
            next_step="Look at the training's result.",
            problems=found.problems,
        )
    _conclude(work, version, found)
    return version


def _create(work: Work, model: str, new: NewVersion, *, lineage: dict[str, Any]) -> ModelVersion:
    rules.require_in_life(queries.model(work.session, model).stage, model=model)
    if _labelled(work, model, new.label) is not None:
        raise Conflict(f"The model {model} has a version {new.label} already.", next_step="Choose another label.")
    if new.kind == "adapter":
        if not new.base_id:
            raise BadInput("An adapter needs the version that it adapts.", next_step="Name it as base_id.")
        base = queries.checked_version(work.session, new.base_id)
        if base.kind != "base":
            raise BadInput(f"{base.label} is itself an adapter.", next_step="Name the base version.")
        lineage = {"base_sha256": base.sha256} | lineage
    elif new.base_id:
        raise BadInput("A base version adapts nothing.", next_step="Leave base_id out, or choose kind adapter.")
    version = ModelVersion(
        id=new_id("version"),
        model=model,
        files=[],
        state="draft",
        lineage=lineage,
        report={},
        created_at=work.now,
        created_by=work.actor.id,
        **new.model_dump(),
    )
    work.session.add(version)
    work.session.flush()
    work.about("model_version", version.id, model=model, label=new.label, kind=new.kind)
    return version


def _labelled(work: Work, model: str, label: str) -> ModelVersion | None:
    query = select(ModelVersion).where(ModelVersion.model == model, ModelVersion.label == label)
    return work.session.scalars(query).first()


def _conclude(work: Work, version: ModelVersion, found: inspection.Inspection) -> None:
    good = not found.problems
    key = keys.signing_key(services.settings().home / "keys" / "catalog.key")
    signature = inspection.signature(key, found.sha256) if good else {}
    version.state = "checked" if good else "refused"
    version.sha256, version.checked_at = found.sha256, work.now
    version.report = found.as_dict() | {"signature": signature}
    proof = evidence.record(
        work,
        source="catalog.model_checked",
        kind="upload_check",
        subject=("model_version", version.id),
        state=State.MET if good else State.NOT_MET,
        facts={
            "model": version.model,
            "label": version.label,
            "version": version.id,
            "files": len(version.files),
            "bytes": found.bytes,
            "sha256": found.sha256,
            "format": found.formats,
            "unsafe_code": found.problems,
            "signature": signature,
            "lineage": version.lineage,
        },
    )
    version.evidence_id = proof.id
    work.emit(VersionChecked(version.id, version.model, version.state))
