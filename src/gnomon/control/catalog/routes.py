"""HTTP: the register, versions and their upload, data sets."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from gnomon.control.catalog import actions, queries, uploads
from gnomon.control.catalog.schemas import FileEntry, NewDataset, NewModel, NewVersion, Reason, StageChange
from gnomon.control.catalog.tables import DatasetVersion, Model, ModelVersion
from gnomon.kit import services
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(prefix="/api/v1", tags=["catalog"])


def plain_model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "title": model.title,
        "task": model.task,
        "stage": model.stage,
        "owner_id": model.owner_id,
        "created_at": iso(model.created_at),
    }


def plain_version(version: ModelVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "model": version.model,
        "label": version.label,
        "kind": version.kind,
        "base_id": version.base_id,
        "files": version.files,
        "sha256": version.sha256,
        "state": version.state,
        "source": version.source,
        "licence": version.licence,
        "lineage": version.lineage,
        "report": version.report,
        "evidence_id": version.evidence_id,
        "created_at": iso(version.created_at),
        "created_by": version.created_by,
        "checked_at": iso(version.checked_at) if version.checked_at else None,
    }


def plain_dataset(dataset: DatasetVersion) -> dict[str, Any]:
    return {
        "id": dataset.id,
        "name": dataset.name,
        "label": dataset.label,
        "n": dataset.n,
        "sha256": dataset.sha256,
        "source": dataset.source,
        "licence": dataset.licence,
        "purpose": dataset.purpose,
        "state": dataset.state,
        "checks": dataset.checks,
        "evidence_id": dataset.evidence_id,
        "created_at": iso(dataset.created_at),
        "created_by": dataset.created_by,
    }


@router.get("/models", dependencies=[allow("model.view")])
def models(session: ReadDep) -> list[dict[str, Any]]:
    return [plain_model(model) for model in queries.models(session)]


@router.post("/models", status_code=201)
def register(body: NewModel, work: WorkDep) -> dict[str, Any]:
    return plain_model(actions.register_model(work, body))


@router.get("/models/{model}", dependencies=[allow("model.view")])
def one_model(model: str, session: ReadDep) -> dict[str, Any]:
    found = queries.model(session, model)
    return plain_model(found) | {"versions": [plain_version(v) for v in queries.versions(session, model)]}


@router.post("/models/{model}/stage")
def set_stage(model: str, body: StageChange, work: WorkDep) -> dict[str, Any]:
    return plain_model(actions.set_stage(work, model, stage=body.stage, reason=body.reason))


@router.post("/models/{model}/retirement")
def retire(model: str, body: Reason, work: WorkDep) -> dict[str, Any]:
    return plain_model(actions.retire_model(work, model, reason=body.reason))


@router.post("/models/{model}/versions", status_code=201)
def create_version(model: str, body: NewVersion, work: WorkDep) -> dict[str, Any]:
    return plain_version(actions.create_version(work, model, body))


@router.get("/models/{model}/versions/{id}", dependencies=[allow("model.view")])
def one_version(model: str, id: str, session: ReadDep) -> dict[str, Any]:
    return plain_version(queries.version_of(session, model, id))


@router.post("/models/{model}/versions/{id}/check", status_code=202, dependencies=[allow("model.verify")])
def check(model: str, id: str, work: WorkDep) -> dict[str, Any]:
    queries.version_of(work.session, model, id)
    return {"job": actions.check_version(work, id)}


@router.put("/models/{model}/versions/{id}/files/{path:path}", dependencies=[allow("model.upload")])
def put_file(
    model: str, id: str, path: str, received: Annotated[uploads.Received, Depends(uploads.receive)], work: WorkDep
) -> dict[str, Any]:
    """The body, whole or the part that Content-Range names; `complete` says whether all bytes are here."""
    if not received.complete:
        return {"path": path, "received": received.size, "complete": False}
    sha256 = services.blobs().put_file(received.part)
    actions.add_file(work, id, FileEntry(path=path, sha256=sha256, size=received.size))
    received.part.unlink(missing_ok=True)
    return {"path": path, "received": received.size, "complete": True, "sha256": sha256}


@router.get("/models/{model}/versions/{id}/uploads/{path:path}", dependencies=[allow("model.view")])
def upload_status(model: str, id: str, path: str, session: ReadDep) -> dict[str, Any]:
    """How many bytes of the file are here: a broken upload goes on from there."""
    version = queries.version_of(session, model, id)
    stored = next((entry for entry in version.files if entry["path"] == path), None)
    if stored:
        return {"path": path, "received": stored["size"], "complete": True, "sha256": stored["sha256"]}
    return {"path": path, "received": uploads.received(id, path), "complete": False}


@router.get("/datasets", dependencies=[allow("dataset.view")])
def datasets(session: ReadDep, name: str = "") -> list[dict[str, Any]]:
    return [plain_dataset(dataset) for dataset in queries.datasets(session, name=name)]


@router.post("/datasets", status_code=201)
def add_dataset(body: NewDataset, work: WorkDep) -> dict[str, Any]:
    return plain_dataset(actions.add_dataset(work, body))


@router.get("/datasets/{id}", dependencies=[allow("dataset.view")])
def one_dataset(id: str, session: ReadDep) -> dict[str, Any]:
    return plain_dataset(queries.dataset(session, id))
