"""Builds the C files here with the machine's compiler: `python -m gnomon.native.build`. Nothing needs it to succeed.

Without a compiler or Python's headers the twins in Python run; `gnomon doctor` says so.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from gnomon.native import HERE, names, target

_LANGUAGE = ("-std=c11", "-O2", "-g0", "-fPIC", "-Wall", "-Wextra", "-Werror=implicit-function-declaration")
# What a mistake in C could be used for is made harder; a compiler that does not know one of these builds without all.
HARDENED = (
    "-D_FORTIFY_SOURCE=2",
    "-fstack-protector-strong",
    "-fstack-clash-protection",
    "-Wl,-z,relro,-z,now,-z,noexecstack",
)
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
"""Flags for a build that stops at the first access out of bounds and the first undefined step."""
_TIME_S = 120


def compiler() -> list[str]:
    """The C compiler's command: $CC, or the first of the usual ones; empty without one."""
    if chosen := shlex.split(os.environ.get("CC", "")):
        return chosen if shutil.which(chosen[0]) else []
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    return [found] if found else []


def build(folder: Path = HERE) -> dict[str, str]:
    """Builds what is not built yet. What went wrong, by module; empty when all is there."""
    return {name: why for name in names(folder) if (why := _built(folder / f"{name}.c"))}


def compile_to(path: Path, source: Path, flags: Sequence[str]) -> str:
    """Compiles one extension module to `path`, whole or not at all; what went wrong, or nothing."""
    command = compiler()
    include = sysconfig.get_path("include")
    if not command:
        return "no C compiler"
    if not Path(include, "Python.h").is_file():
        return f"no Python.h in {include}"
    link = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared",)
    scratch = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        subprocess.run(
            [*command, *_LANGUAGE, *flags, *link, f"-I{include}", "-o", str(scratch), str(source)],
            check=True,
            capture_output=True,
            text=True,
            timeout=_TIME_S,
        )
        scratch.replace(path)
    except subprocess.CalledProcessError as error:
        return str(error.stderr).strip() or f"the compiler exited with {error.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    finally:
        scratch.unlink(missing_ok=True)
    return ""


def _built(source: Path) -> str:
    path = target(source)
    if path.is_file():
        return ""
    failed = compile_to(path, source, HARDENED) and compile_to(path, source, ())
    if not failed:
        kind = path.name.rsplit(".", 2)[0]
        for stale in path.parent.glob(f"{kind}.*.so"):
            if stale != path:
                stale.unlink(missing_ok=True)
    return failed


def main() -> None:
    """Says what could not be built and exits with 1 then."""
    failed = build()
    for name, why in failed.items():
        sys.stderr.write(f"{name}.c: {why}\n")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
