"""Data sets come in whole, are looked through, and never change."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from gnomon.contract.bundle import MaskPolicy
from gnomon.contract.verdicts import State
from gnomon.control.catalog import fingerprints, queries, rules
from gnomon.control.catalog.schemas import NewDataset
from gnomon.control.catalog.tables import DatasetVersion
from gnomon.control.evidence import actions as evidence
from gnomon.guard.policy import Masker
from gnomon.kit import services
from gnomon.kit.errors import Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@action("dataset.create")
def add_dataset(work: Work, new: NewDataset) -> DatasetVersion:
    """The rows are stored and looked through, beside every sealed suite; one that leaks is kept, but refused.

    Raises Conflict when the label is taken, BadRows for a row without a text.
    """
    if work.session.scalars(
        select(DatasetVersion).where(DatasetVersion.name == new.name, DatasetVersion.label == new.label)
    ).first():
        raise Conflict(f"The data set {new.name} has a version {new.label} already.", next_step="Choose another label.")
    held_out, key = fingerprints.held_out(work.session), fingerprints.key()
    rows, prepared = rules.prepare_rows(new.rows, new.prepare, held_out=held_out, key=key)
    data = rules.rows_as_bytes(rows)
    if not rows:
        raise rules.BadRows("The preparation leaves no row.", next_step="Give other rows, or prepare less.")
    checks = rules.inspect_rows(rows, held_out=held_out, key=key, personal=_personal(rows))
    state = rules.judge_rows(checks, purpose=new.purpose)
    dataset = DatasetVersion(
        id=new_id("dataset"),
        n=len(rows),
        sha256=services.blobs().put(data),
        state="refused" if state is State.NOT_MET else "checked",
        checks=checks,
        created_at=work.now,
        created_by=work.actor.id,
        **new.model_dump(exclude={"rows", "prepare"}),
    )
    work.session.add(dataset)
    work.about("dataset", dataset.id, name=new.name, label=new.label, n=dataset.n, sha256=dataset.sha256)
    dataset.evidence_id = _prove(work, dataset, state)
    if prepared:
        evidence.record(
            work,
            source="catalog.dataset_prepared",
            kind="data_preparation",
            subject=("dataset", dataset.id),
            state=State.MET,
            facts={
                "dataset": dataset.id,
                "steps": prepared,
                "rows_before": len(new.rows),
                "rows_after": dataset.n,
                "dataset_hash": dataset.sha256,
            },
        )
    return dataset


@system_action("dataset.note_leaks")
def note_leaks(work: Work, dataset_id: str, *, leaks: Mapping[str, int | None]) -> DatasetVersion:
    """What a comparison with all sealed suites of today found; a data set that leaks is refused from now on."""
    dataset = queries.dataset(work.session, dataset_id)
    work.about("dataset", dataset.id, leaks=dict(leaks))
    dataset.checks = dataset.checks | {"leaks": dict(leaks)}
    state = rules.judge_rows(dataset.checks, purpose=dataset.purpose)
    dataset.state = "refused" if state is State.NOT_MET else dataset.state
    dataset.evidence_id = _prove(work, dataset, state)
    return dataset


def _prove(work: Work, dataset: DatasetVersion, state: State) -> str:
    proof = evidence.record(
        work,
        source="catalog.dataset_checked",
        kind="data_check",
        subject=("dataset", dataset.id),
        state=state,
        facts={
            "dataset": dataset.id,
            "dataset_hash": dataset.sha256,
            "purpose": dataset.purpose,
            "n": dataset.n,
            "checks": sorted(dataset.checks),
            "findings": dataset.checks,
        },
    )
    return proof.id


def _personal(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Rows in which the detectors of structured personal data found something, by entity; never the values."""
    masker = Masker(MaskPolicy(id="dataset-check", version="1", rules=()), key=bytes(32))
    counts: dict[str, int] = {}
    for row in rows:
        for entity in masker.mask(str(row["text"]), "input").counts:
            counts[entity] = counts.get(entity, 0) + 1
    return counts
