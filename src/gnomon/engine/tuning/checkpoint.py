"""The state of a training between two steps, written all or nothing. Heavy."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

_NAME = "checkpoint.pt"


@dataclass(slots=True)
class State:
    """Everything that the next step depends on, and what has been measured so far."""

    step: int = 0  # steps done
    weights: dict[str, Any] = field(default_factory=dict)  # adapter name → float32 tensor
    optimiser: dict[str, Any] = field(default_factory=dict)
    curve: list[dict[str, Any]] = field(default_factory=list)
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0


def save(folder: Path, identity: str, state: State) -> None:
    """The folder's checkpoint is this one, also after a power cut."""
    partial = folder / f"{_NAME}.partial"
    with partial.open("wb") as stream:
        torch.save({"identity": identity, **{name: getattr(state, name) for name in State.__slots__}}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(folder / _NAME)


def load(folder: Path, identity: str) -> State | None:
    """The checkpoint of this very spec, or None."""
    path = folder / _NAME
    if not path.is_file():
        return None
    stored: dict[str, Any] = torch.load(path, weights_only=True)
    if stored.pop("identity") != identity:
        return None
    return State(**stored)
