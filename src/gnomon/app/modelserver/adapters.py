"""Which adapters answer by which name, checked before they are loaded and remembered over a restart."""

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.app.modelserver.errors import BadRequest, UnknownModel
from gnomon.app.modelserver.settings import Settings
from gnomon.engine.models.convert import manifest
from gnomon.engine.models.files import differences, write_json

_CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_OURS = "gnomon-adapter.json"  # written by our trainer: checksums and the base model's checksum


@dataclass(frozen=True, slots=True)
class Adapter:
    name: str
    folder: Path
    loaded_at: int  # Unix seconds


class AdapterBook:
    """Names of the base and of the loaded adapters. May be used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._adapters: dict[str, Adapter] = {}
        self._lock = threading.Lock()

    def resolve(self, model: str) -> str | None:
        """The adapter that `model` names, None for the base. Raises UnknownModel."""
        if model == self._settings.served_name:
            return None
        if model not in self._adapters:
            raise UnknownModel(
                f"The model {model!r} is not served here.",
                next_step=f"Use one of: {', '.join([self._settings.served_name, *sorted(self._adapters)])}.",
                param="model",
            )
        return model

    def loaded(self) -> list[Adapter]:
        return [self._adapters[name] for name in sorted(self._adapters)]

    def check(self, name: str, path: str, *, in_place: bool = False) -> Path | None:
        """The folder to load, None when that very folder answers already. Raises BadRequest or UnknownModel."""
        if not name or name == self._settings.served_name:
            raise BadRequest(f"{name!r} cannot name an adapter.", next_step="Choose another name.", param="lora_name")
        folder = self._inside(path)
        known = self._adapters.get(name)
        if known is not None and known.folder == folder and not in_place:
            return None
        if known is not None and not in_place:
            raise BadRequest(
                f"The adapter {name!r} is already loaded from {known.folder.name}.",
                next_step="Unload it first, or set load_inplace.",
                param="lora_name",
            )
        self._check_files(folder)
        return folder

    def add(self, name: str, folder: Path) -> None:
        with self._lock:
            self._adapters[name] = Adapter(name, folder, int(time.time()))
            self._remember()

    def remove(self, name: str) -> None:
        """`name` answers no more. Raises UnknownModel."""
        with self._lock:
            if name not in self._adapters:
                raise UnknownModel(
                    f"The adapter {name!r} is not loaded.", next_step="See GET /v1/models.", param="lora_name"
                )
            del self._adapters[name]
            self._remember()

    def remembered(self) -> dict[str, str]:
        """Name → folder of the adapters that were loaded when the server last ran."""
        state = self._settings.state
        if state is None or not state.is_file():
            return {}
        value: dict[str, str] = json.loads(state.read_text(encoding="utf-8"))
        return value

    def _remember(self) -> None:
        if self._settings.state is not None:
            write_json(self._settings.state, {name: str(adapter.folder) for name, adapter in self._adapters.items()})

    def _inside(self, path: str) -> Path:
        root = self._settings.adapters
        if root is None:
            raise BadRequest("This server loads no adapters.", next_step="Start it with --adapters DIR.")
        folder = (root / path).resolve()
        if not folder.is_relative_to(root.resolve()):
            raise BadRequest(
                f"{path} is outside the adapters' folder.", next_step=f"Give a path inside {root}.", param="lora_path"
            )
        if not folder.is_dir():
            raise UnknownModel(
                f"There is no adapter folder {path}.", next_step=f"Give a path inside {root}.", param="lora_path"
            )
        return folder

    def _check_files(self, folder: Path) -> None:
        for name in (_CONFIG, _WEIGHTS):
            if not (folder / name).is_file():
                raise _not_an_adapter(folder, f"it lacks {name}")
        config = _json(folder / _CONFIG)
        if config.get("peft_type") != "LORA":
            raise _not_an_adapter(folder, f"its type is {config.get('peft_type')!r}, only LORA is served")
        ours = _json(folder / _OURS) if (folder / _OURS).is_file() else {}
        damaged = differences(folder, ours.get("files", {}))
        if damaged:
            raise _not_an_adapter(folder, f"its checksums do not match: {', '.join(damaged)}")
        wanted, served = ours.get("base_sha256", ""), manifest(self._settings.model).get("source_sha256", "")
        if wanted and served and wanted != served:
            raise _not_an_adapter(folder, f"it was trained on the base {wanted[:12]}, this server has {served[:12]}")


def _not_an_adapter(folder: Path, why: str) -> BadRequest:
    return BadRequest(
        f"{folder.name} cannot be loaded: {why}.", next_step="Give a LoRA adapter of this base.", param="lora_path"
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _not_an_adapter(path.parent, f"{path.name} is not JSON") from error
    return value
