"""The register of models, their versions, and data sets. Bytes lie in the object store; here are their digests."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Model(Base):
    """An entry of the register: every model of the company, from development to retirement."""

    __tablename__ = "catalog_model"
    name: Mapped[str] = mapped_column(primary_key=True)  # also the public route name
    title: Mapped[str]
    task: Mapped[str]  # classification | extraction | question_answering | chat | generation
    stage: Mapped[str]  # development | deployment | use | maintenance | retired
    owner_id: Mapped[str]
    created_at: Mapped[datetime]


class ModelVersion(Base):
    """A base model or an adapter. `files` is a list of {path, sha256, size}; it is fixed once the state is checked."""

    __tablename__ = "catalog_model_version"
    __table_args__ = (UniqueConstraint("model", "label"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(index=True)
    label: Mapped[str]  # "base-1", "lora-1": unique within the model
    kind: Mapped[str]  # base | adapter
    base_id: Mapped[str | None]
    files: Mapped[list[dict[str, Any]]]
    sha256: Mapped[str] = mapped_column(default="")  # of the sorted file list; set by the check
    state: Mapped[str] = mapped_column(index=True)  # draft | checking | checked | refused
    source: Mapped[str]
    licence: Mapped[str]
    lineage: Mapped[dict[str, Any]]  # adapter: {data_sha256, code, parameters, base_sha256, training_id, …}
    report: Mapped[dict[str, Any]]  # what the check found
    evidence_id: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    checked_at: Mapped[datetime | None]


class DatasetVersion(Base):
    """Rows as canonical JSON lines in the object store; `sha256` is their digest and the name of the object."""

    __tablename__ = "catalog_dataset_version"
    __table_args__ = (UniqueConstraint("name", "label"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    label: Mapped[str]
    n: Mapped[int]
    sha256: Mapped[str]
    source: Mapped[str]
    licence: Mapped[str]
    purpose: Mapped[str]  # train | validation | test | feedback
    state: Mapped[str]  # checked | refused
    checks: Mapped[dict[str, Any]]
    evidence_id: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    created_by: Mapped[str]
