"""Hot loops in C, each with a twin in Python that says the same: for None from `load`, a caller takes the twin.

A module is one file here, `numbers.c`, built by `python -m gnomon.native.build` into `built/`. The name there carries
the digest of all it was built from, so that a stale build is never loaded. GNOMON_PURE=1 leaves every module out.
"""

import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
VARIABLE = "GNOMON_PURE"


@cache
def load(name: str) -> Any:
    """The built module of `name.c`, or None: not built for these sources and this interpreter, or not wanted."""
    if os.environ.get(VARIABLE, "") not in ("", "0"):
        return None
    path = target(HERE / f"{name}.c")
    return _loaded(name, path) if path.is_file() else None


def names(folder: Path = HERE) -> list[str]:
    """The modules that there are sources for."""
    return sorted(path.stem for path in folder.glob("*.c"))


def target(source: Path) -> Path:
    """Where the build of this source lies, for this very source, the headers beside it and this interpreter."""
    digest = sha256(str(sysconfig.get_config_var("EXT_SUFFIX")).encode())
    for path in (source, source.parent / "build.py", *sorted(source.parent.glob("*.h"))):
        data = path.read_bytes() if path.exists() else b""
        digest.update(len(data).to_bytes(8, "big") + data)
    kind = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
    return source.parent / "built" / f"{source.stem}.{kind}.{digest.hexdigest()[:16]}.so"


def _loaded(name: str, path: Path) -> ModuleType | None:
    """The module in a shared object. One that the system refuses (another C library) is as good as none."""
    loader = importlib.machinery.ExtensionFileLoader(f"gnomon.native.{name}", str(path))
    spec = importlib.util.spec_from_file_location(loader.name, path, loader=loader)
    if spec is None:
        return None
    try:
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    except ImportError:
        return None
    return module
