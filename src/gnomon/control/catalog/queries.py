"""Reads: the register, versions, data sets; and versions as files on a disk."""

import hashlib
import json
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.catalog import rules
from gnomon.control.catalog.tables import DatasetVersion, Model, ModelVersion
from gnomon.kit.blobs import Blobs
from gnomon.kit.errors import NotFound


def model(session: Session, name: str) -> Model:
    found = session.get(Model, name)
    if found is None:
        raise NotFound(f"There is no model {name} in the register.", next_step="Register it first.")
    return found


def models(session: Session) -> list[Model]:
    return list(session.scalars(select(Model).order_by(Model.name)))


def version(session: Session, id: str) -> ModelVersion:
    found = session.get(ModelVersion, id)
    if found is None:
        raise NotFound(f"There is no model version {id}.")
    return found


def version_of(session: Session, model: str, id: str) -> ModelVersion:
    """The version, which must belong to `model`."""
    found = version(session, id)
    if found.model != model:
        raise NotFound(f"The model {model} has no version {id}.")
    return found


def versions(session: Session, model: str) -> list[ModelVersion]:
    """All versions of a model, oldest first."""
    query = select(ModelVersion).where(ModelVersion.model == model)
    return list(session.scalars(query.order_by(ModelVersion.created_at, ModelVersion.id)))


def checked_version(session: Session, id: str) -> ModelVersion:
    """The version, fit to be loaded. Raises NotChecked otherwise."""
    found = version(session, id)
    rules.require_checked(found.state, label=f"{found.model} {found.label}")
    return found


def dataset(session: Session, id: str) -> DatasetVersion:
    found = session.get(DatasetVersion, id)
    if found is None:
        raise NotFound(f"There is no data set {id}.")
    return found


def datasets(session: Session, *, name: str = "") -> list[DatasetVersion]:
    query = select(DatasetVersion).order_by(DatasetVersion.created_at, DatasetVersion.id)
    return list(session.scalars(query.where(DatasetVersion.name == name) if name else query))


def dataset_rows(blobs: Blobs, dataset: DatasetVersion) -> list[dict[str, Any]]:
    """The rows, digest checked. Raises BadInput when the stored bytes were altered."""
    return [json.loads(line) for line in blobs.get(dataset.sha256).splitlines()]


def materialise(blobs: Blobs, version: ModelVersion, folder: Path) -> Path:
    """`folder` holds exactly the files of the version; returns it. A file whose bytes already fit is left alone.

    Raises NotChecked for a version that did not pass its check, BadInput when stored bytes were altered.
    """
    rules.require_checked(version.state, label=f"{version.model} {version.label}")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {entry["path"]: entry for entry in version.files}
    for present in sorted(folder.rglob("*")):
        if present.is_file() and present.relative_to(folder).as_posix() not in wanted:
            present.unlink()  # a stray file could be loaded, and nobody checked it
    for path, entry in wanted.items():
        rules.check_path(path)
        target = folder / path
        if not _fits(target, entry):
            blobs.fetch(entry["sha256"], target)
    return folder


def _fits(file: Path, entry: dict[str, Any]) -> bool:
    if not file.is_file() or file.stat().st_size != entry["size"]:
        return False
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == str(entry["sha256"])
