"""Checks of the catalogue: the register is complete, no weights lie about that nobody registered, lineage is whole."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.catalog import queries
from gnomon.control.catalog.tables import ModelVersion
from gnomon.control.people import queries as people
from gnomon.control.rulebook.checks import SHOWN, CheckContext, CheckResult, check, gate, register
from gnomon.control.rulebook.subjects import living
from gnomon.kit.canonical import digest
from gnomon.kit.settings import Settings

WEIGHTS = frozenset({".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt"})
LINEAGE = ("data_sha256", "code", "parameters", "base_sha256")


@check("catalog.register_complete")
def register_complete(ctx: CheckContext) -> CheckResult | None:
    """Every model has a stage, an owner who is still there, and at least one version."""
    active = {person.id for person in people.people(ctx.session) if person.active}
    models = queries.models(ctx.session)
    missing = {
        model.name: [
            *([] if model.owner_id in active else ["owner"]),
            *([] if model.stage else ["stage"]),
            *([] if queries.versions(ctx.session, model.name) else ["version"]),
        ]
        for model in models
    }
    return register("models", entries=len(models), missing=missing)


@check("catalog.unregistered_weights", costly=True)
def unregistered_weights(ctx: CheckContext) -> CheckResult | None:
    """Files of weights in the folder that model servers load from, which belong to no checked version."""
    settings: Settings = ctx.service("settings")
    folder = settings.home / "models"
    versions = ctx.session.scalars(select(ModelVersion).where(ModelVersion.state == "checked"))
    registered = {f"{version.id}/{entry['path']}" for version in versions for entry in version.files}
    found = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.suffix.lower() in WEIGHTS]
    return gate(
        "weights are loaded from checked versions only",
        examined=len(found),
        broken=[path for path in found if path not in registered],
    )


@check("catalog.lineage_complete")
def lineage_complete(ctx: CheckContext) -> CheckResult | None:
    """Checked versions whose origin is not told: of an adapter data, code, parameters, base; else source, licence."""
    versions = list(
        ctx.session.scalars(
            select(ModelVersion).where(ModelVersion.state == "checked").order_by(ModelVersion.checked_at.desc())
        )
    )
    if not versions:
        return None
    lacking = [version for version in versions if _lacks(version)]
    shown = next(iter(lacking), versions[0])
    facts = {
        "subject": shown.model,
        "version": shown.id,
        "data_hash": shown.lineage.get("data_sha256"),
        "code_hash": shown.lineage.get("code"),
        "parameters_hash": digest(shown.lineage["parameters"]) if "parameters" in shown.lineage else None,
        "examined": len(versions),
        "without_lineage": {version.id: _lacks(version) for version in lacking[:SHOWN]},
    }
    return CheckResult(
        n=len(versions), value=float(len(lacking)), facts=facts, numerator=len(lacking), denominator=len(versions)
    )


@check("catalog.data_inventory_complete")
def data_inventory_complete(ctx: CheckContext) -> CheckResult | None:
    """Every data set has a source, a licence and a purpose."""
    datasets = queries.datasets(ctx.session)
    missing = {
        f"{dataset.name} {dataset.label}": [
            name for name in ("source", "licence", "purpose") if not getattr(dataset, name)
        ]
        for dataset in datasets
    }
    return register("data sets", entries=len(datasets), missing=missing)


def _lacks(version: ModelVersion) -> list[str]:
    if version.kind == "adapter":
        return [name for name in LINEAGE if not version.lineage.get(name)]
    return [name for name in ("source", "licence") if not getattr(version, name)]


@living("model_version")
def living_versions(session: Session, ids: Collection[str]) -> set[str]:
    """Those that may be loaded, of models that are not retired; what was refused is used by nobody."""
    retired = {model.name for model in queries.models(session) if model.stage == "retired"}
    found = session.scalars(select(ModelVersion).where(ModelVersion.id.in_(ids), ModelVersion.state != "refused"))
    return {version.id for version in found if version.model not in retired}


@living("dataset")
def living_datasets(session: Session, ids: Collection[str]) -> set[str]:
    return {dataset.id for dataset in queries.datasets(session) if dataset.state != "refused"} & set(ids)
