"""What a fine-tuning is told, checked before anything heavy is loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gnomon.engine.hyper_parameters import HyperParameters
from gnomon.engine.models.files import sha256_of
from gnomon.engine.suites.recipes import Recipe, recipe_from
from gnomon.kit.canonical import digest
from gnomon.kit.errors import BadInput, NotFound


class BadSpec(BadInput):
    code = "bad_tuning_spec"


class DataChanged(BadInput):
    code = "training_data_changed"


class DataNotFound(NotFound):
    code = "training_data_not_found"


class TuningSpec(HyperParameters):
    """The hyper-parameters with what the platform adds: which weights, which rows. Rows are JSONL {"text", "label"}."""

    model: Path  # folder with safetensors
    recipe: dict[str, Any]
    train: Path
    train_sha256: str
    validation: Path | None = None
    validation_sha256: str = ""

    @property
    def identity(self) -> str:
        """Equal for two specs that train the same adapter: a checkpoint is taken up only by its own spec."""
        return digest(self.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class LabelledText:
    text: str
    label: str


def spec_from(data: Mapping[str, Any]) -> TuningSpec:
    """The checked spec. Raises BadSpec naming the first wrong field."""
    try:
        return TuningSpec.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        raise BadSpec(
            f"{field}: {first['msg']} (given: {first['input']!r}).", next_step="Correct the spec.", field=field
        ) from error


def recipe_of(spec: TuningSpec) -> Recipe:
    return recipe_from(spec.recipe)


def read_rows(path: Path, sha256: str, recipe: Recipe) -> list[LabelledText]:
    """The rows of a file that is byte by byte the expected one and uses the recipe's labels only.

    Raises DataNotFound, DataChanged or BadSpec (with the number of the bad line).
    """
    if not path.is_file():
        raise DataNotFound(f"The data file {path} is missing.", next_step="Prepare the data again.", path=str(path))
    actual = sha256_of(path)
    if actual != sha256:
        raise DataChanged(
            f"{path.name} has the checksum {actual}, the spec says {sha256}.",
            next_step="Train on the data that was approved, or have the new data approved.",
            actual=actual,
            expected=sha256,
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [_row(line, number, recipe) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise BadSpec(f"{path.name} has no rows.", next_step="Give at least one labelled text.")
    return rows


def _row(line: str, number: int, recipe: Recipe) -> LabelledText:
    try:
        data = json.loads(line)
        text, label = data["text"], data["label"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadSpec(
            f"Line {number} is not a row with text and label: {line[:60]!r}.",
            next_step="Correct the file.",
            line=number,
        ) from error
    if not isinstance(text, str) or label not in recipe.choices:
        raise BadSpec(
            f"Line {number} has the label {label!r}, the recipe knows {list(recipe.choices)}.",
            next_step="Correct the label or choose another recipe.",
            line=number,
        )
    return LabelledText(text, label)
