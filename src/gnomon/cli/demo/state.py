"""What an interrupted demo needs to go on: ids and session tokens (no passwords, no planted values), mode 0600."""

import json
import os
from pathlib import Path
from typing import Any


class State:
    """A dictionary on disk, written by rename after every change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self._values.get(key, default)

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[key] = value
        draft = self._path.with_suffix(".part")
        draft.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._values, file, ensure_ascii=False)
            file.flush()
            os.fsync(descriptor)
        draft.rename(self._path)
