"""What a training may become, what it may be fed, and what its result must hold."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from gnomon.kit.errors import BadInput, Conflict, Unavailable

TrainingState = Literal["queued", "running", "completed", "failed", "cancelled"]
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "queued": frozenset({"running", "failed", "cancelled"}),
    "running": frozenset({"running", "completed", "failed", "cancelled"}),  # running again: another worker took over
    "completed": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
ENDED: Final = frozenset({"completed", "failed", "cancelled"})
RESULT_FIELDS: Final = ("adapter", "parameters", "code", "libraries", "cpu_seconds")
"""What of a trainer's result goes into lineage, evidence and budget (`engine.tuning.lora` writes more)."""


class TrainingStateConflict(Conflict):
    code = "training_state"


class UnfitData(BadInput):
    """A data set that may not be trained on."""

    code = "unfit_data"


class BadResult(BadInput):
    """The trainer ended and did not say what has to be known of it."""

    code = "bad_training_result"


class TrainingLost(Unavailable):
    """The trainer's process is gone again and again."""

    code = "training_lost"


def advance(id: str, state: str, to: str) -> str:
    """`to`, where a training in `state` may become that. Raises TrainingStateConflict."""
    if to not in TRANSITIONS[state]:
        raise TrainingStateConflict(
            f"The training {id} is {state}; it cannot become {to}.", next_step="Start a new training.", state=state
        )
    return to


def check_data(*, name: str, state: str, purpose: str, wanted: str) -> None:
    """Return when a data set may be used for `wanted` (train | validation). Test data never is."""
    if state != "checked":
        raise UnfitData(f"The data set {name} is {state}.", next_step="Use one that passed its check.", state=state)
    allowed = {"train": {"train", "feedback"}, "validation": {"validation"}}[wanted]
    if purpose not in allowed:
        raise UnfitData(
            f"The data set {name} is for {purpose}, not for {wanted}.",
            next_step=f"Use one whose purpose is {' or '.join(sorted(allowed))}.",
            purpose=purpose,
        )


def check_labels(name: str, labels: Iterable[str], choices: Sequence[str], *, unlabelled: int) -> None:
    """Return when every row has a label that the recipe can answer."""
    strange = sorted(set(labels) - set(choices))
    if strange or unlabelled:
        what = f"the label {strange[0]}" if strange else f"{unlabelled} rows without a label"
        raise UnfitData(
            f"The data set {name} has {what}; the recipe answers {', '.join(choices)}.",
            next_step="Correct the data or the recipe.",
        )


def next_label(taken: Iterable[str]) -> str:
    """The first free `lora-<n>` after the highest in `taken`."""
    numbers = [int(label[5:]) for label in taken if label.startswith("lora-") and label[5:].isdecimal()]
    return f"lora-{max(numbers, default=0) + 1}"


def check_result(result: Mapping[str, Any]) -> None:
    """Return when a trainer's result says what lineage needs. Raises BadResult naming what is missing."""
    missing = [field for field in RESULT_FIELDS if result.get(field) in (None, "")]
    if missing:
        raise BadResult(
            f"The trainer's result does not say {', '.join(missing)}.",
            next_step="Look at the log in the job's folder.",
            missing=missing,
        )


def cpu_minutes(result: Mapping[str, Any]) -> float:
    """Processor time of a result in minutes; 0 where there is no result."""
    return round(float(result.get("cpu_seconds", 0.0)) / 60, 4)
