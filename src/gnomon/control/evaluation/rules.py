"""What a suite must be, what a run may become, and whether stored figures are the recomputed ones."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from gnomon.kit.errors import BadInput, Conflict, NotReady

RunState = Literal["queued", "running", "completed", "failed"]
SuitePurpose = Literal["development", "validation", "test"]
RunPurpose = Literal["baseline", "verification", "comparison", "exploration"]

MASKING: Final = "masking"
"""The purpose of the two runs of a masking trial: asked of the model server itself, so never to be asked of another."""
RUN_STATES: Final[tuple[str, ...]] = get_args(RunState)
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "queued": frozenset({"running", "failed"}),
    "running": frozenset({"running", "completed", "failed"}),  # running again: the process died and another took over
    "completed": frozenset(),
    "failed": frozenset({"queued"}),
}
ITEM_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,119}")
"""Ids are stored in clear beside answers, so they are names and cannot be texts."""
ROW_FIELDS: Final = frozenset({"id", "text", "label"})
_ABSENT: Final = object()  # a field that is missing is not a field that is null


class BadSuite(BadInput):
    code = "bad_suite"


class RunStateConflict(Conflict):
    code = "run_state"


class RunNotComplete(NotReady):
    """Only a completed run has figures."""

    code = "run_not_complete"
    status = 409


class SealedSuite(NotReady):
    """A sealed set is looked at by a request of its own, which is counted."""

    code = "suite_sealed"
    status = 409


class BadReference(BadInput):
    """What a run is to be set beside does not fit it."""

    code = "bad_reference"


@dataclass(frozen=True, slots=True)
class SuiteFacts:
    n: int
    label_counts: dict[str, int]


def check_rows(rows: Sequence[Mapping[str, Any]], labels: Collection[str], *, max_text: int = 20_000) -> SuiteFacts:
    """What a suite of these rows holds. Raises BadSuite on the first row that is no item, naming it by position.

    A row is {"id", "text", "label"} and further text fields, which become slices. The message never shows a text.
    """
    if not rows:
        raise BadSuite("The suite has no rows.", next_step="Give at least one row with id, text and label.")
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        wrong = _wrong(row, labels, seen, max_text)
        if wrong:
            raise BadSuite(f"Row {number} of {len(rows)} {wrong}.", next_step="Correct the row.", row=number)
        seen.add(row["id"])
    counts = Counter(row["label"] for row in rows)
    return SuiteFacts(n=len(rows), label_counts=dict(sorted(counts.items())))


def _wrong(row: Mapping[str, Any], labels: Collection[str], seen: set[str], max_text: int) -> str:
    missing = sorted(ROW_FIELDS - row.keys())
    if missing:
        return f"has no {missing[0]}"
    not_text = [field for field, value in row.items() if not isinstance(value, str)]
    if not_text:
        return f"has a field {not_text[0]!r} that is no text"
    if not ITEM_ID.fullmatch(row["id"]):
        return "has an id that is not 1-120 letters, digits, dots, colons, slashes, dashes or underscores"
    if row["id"] in seen:
        return f"repeats the id {row['id']}"
    if not row["text"].strip() or len(row["text"]) > max_text:
        return f"has a text of {len(row['text'])} characters; 1 to {max_text} are allowed"
    if row["label"] not in labels:
        return f"has a label that is none of {sorted(labels)}"
    return ""


def advance(run_id: str, state: str, to: str) -> str:
    """`to`, where a run in `state` may become that. Raises RunStateConflict."""
    if to not in TRANSITIONS[state]:
        raise RunStateConflict(
            f"The run {run_id} is {state}; it cannot become {to}.", next_step="Request a new run.", state=state
        )
    return to


def require_completed(run_id: str, state: str) -> None:
    if state != "completed":
        raise RunNotComplete(
            f"The run {run_id} is {state}, not completed.", next_step="Wait until it has completed.", state=state
        )


def comparable(
    *, suite_sha256: str, recipe: Mapping[str, Any], decoding: Mapping[str, Any], environment: Mapping[str, Any]
) -> dict[str, Any]:
    """What two runs must share to be compared; empty values become None, which never compares as equal."""
    stated = {
        "item_set": suite_sha256,
        "recipe": dict(recipe),
        "decoding": dict(decoding),
        "mask_policy": environment.get("mask_policy"),
        "hardware": environment.get("hardware"),
    }
    return {key: value or None for key, value in stated.items()}


def side_environment(environment: Mapping[str, Any], *, masked_by: str) -> dict[str, Any]:
    """The conditions of one side of a masking trial: it compares with nothing that went through the gateway."""
    return dict(environment) | {"mask_policy": f"{masked_by or 'none'} (direct)"}


def differences(stored: Any, computed: Any, *, path: str = "") -> list[str]:
    """The places where two JSON values differ, as `a.b[2]: stored -> computed`; exact, floats too."""
    if isinstance(stored, Mapping) and isinstance(computed, Mapping):
        keys = sorted({*stored, *computed})
        return [
            line
            for key in keys
            for line in differences(
                stored.get(key, _ABSENT), computed.get(key, _ABSENT), path=f"{path}.{key}" if path else str(key)
            )
        ]
    if isinstance(stored, list) and isinstance(computed, list) and len(stored) == len(computed):
        pairs = enumerate(zip(stored, computed, strict=True))
        return [line for index, (a, b) in pairs for line in differences(a, b, path=f"{path}[{index}]")]
    return [] if stored == computed else [f"{path}: {_short(stored)} -> {_short(computed)}"]


def value_of(scores: Mapping[str, Any], metric: str) -> float:
    """The value of `metric` (`name` or `name:label`) among a run's figures. Raises BadReference where it has none."""
    name, _, label = metric.partition(":")
    for figure in scores.get("figures", ()):
        if (figure["name"], figure["label"]) == (name, label) and figure["value"] is not None:
            return float(figure["value"])
    raise BadReference(f"The run has no figure {metric}.", next_step="Name a metric that its report shows.")


def figures_without_interval(scores: Mapping[str, Any]) -> list[str]:
    """Names of figures that have a value and do not say how uncertain it is."""
    return [
        f"{figure['name']}:{figure['label']}" if figure.get("label") else figure["name"]
        for figure in scores.get("figures", ())
        if figure["value"] is not None and (figure["low"] is None or figure["high"] is None)
    ]


def _short(value: Any) -> str:
    text = "absent" if value is _ABSENT else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
