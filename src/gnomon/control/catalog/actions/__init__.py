"""Changes to the catalogue: models, their versions, data sets."""

from gnomon.control.catalog.actions.datasets import add_dataset, note_leaks
from gnomon.control.catalog.actions.models import register_model, retire_model, set_stage
from gnomon.control.catalog.actions.versions import (
    add_file,
    check_version,
    create_version,
    note_checked,
    register_adapter,
)

__all__ = [
    "add_dataset",
    "add_file",
    "check_version",
    "create_version",
    "note_checked",
    "note_leaks",
    "register_adapter",
    "register_model",
    "retire_model",
    "set_stage",
]
