"""Modules that a gateway process runs as C made from their own sources, by mypyc: `native/translate.py` builds them.

The source is the twin, word for word. A build lies in a folder whose name carries the digest of everything it may rest
on, so that a stale one is never loaded; without one, or with GNOMON_PURE=1, the sources run.
"""

import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

from gnomon.native import HERE, VARIABLE

GROUP: Final = "gnomon_compiled"
"""The shared object that holds them all; a small one for each module only says which it is."""
BUILT: Final = HERE / "built"
_SOURCES: Final = ("backends", "contract", "gateway", "guard", "kit", "native")  # what a listed module may import
NAMES: Final = (
    # Whose structures msgspec reads by their annotations stays out: it would not find them (counted).
    *(
        f"gnomon.gateway.{name}"
        for name in """
            addresses admission answers asides asking batch calling chat circuits connection deadline deltas
            events exchange fields framing guarding heads hosting http intake judging link media meters metrics moulds
            names_once off_loop over_limit recorder refusal relaying replies requests restoring routing running
            server services settle snapshot spelling story streaming uncounted upstream
        """.split()  # noqa: SIM905 - a line for each word would tell nobody more
    ),
    *(
        f"gnomon.guard.{name}"
        for name in (
            "checksums",
            "cutting",
            "detectors.social_credit",
            "finding",
            "names.finder",
            "operators.redact",
            "persons",
            "placeholders",
            "policy",
            "quick",
            "stream",
            "view",
        )
    ),
    *(f"gnomon.backends.limits_{name}" for name in ("account", "clock", "day", "layout", "local", "locks")),
    "gnomon.kit.ids",
)


class Builds:
    """Finds the listed modules in the folder of their build, before anybody looks for their sources."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self._files.get(name)
        return None if file is None else spec_from_file_location(name, file)


def target(root: Path = HERE.parent) -> Path:
    """Where the build of these sources lies, for this interpreter."""
    digest = sha256(str(sysconfig.get_config_var("EXT_SUFFIX")).encode())
    for folder in _SOURCES:
        for path in sorted((root / folder).rglob("*.*")):
            if path.suffix not in (".py", ".h") or BUILT in path.parents:
                continue
            data = path.read_bytes()
            digest.update(f"{path.relative_to(root)}\0{len(data)}\0".encode() + data)
    return BUILT / f"{kind()}.{digest.hexdigest()[:16]}"


def kind() -> str:
    """What the names of builds for this interpreter begin with."""
    return f"modules.{sys.implementation.cache_tag}-{sysconfig.get_platform()}"


def prefer() -> bool:
    """Whether this process takes the listed modules from a build from now on: all of them, or none.

    Where one was loaded from its source already, the others were built against another one: none is taken.
    """
    if os.environ.get(VARIABLE, "") not in ("", "0") or any(name in sys.modules for name in NAMES):
        return False
    files = {file.stem: file for file in target().glob("*.so")}
    if not files.keys() >= {*NAMES}:
        return False
    sys.meta_path.insert(0, Builds(files))
    return True


def are_compiled() -> bool:
    """Whether this process took them from a build."""
    return any(isinstance(finder, Builds) for finder in sys.meta_path)
