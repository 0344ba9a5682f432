"""Builds the modules that `native/modules.py` lists: `python -m gnomon.native.translate`. Nothing needs it to succeed.

mypyc makes C of them, as they are annotated; the machine's compiler makes a shared object of that. It takes
requirements/compile.txt, which only this needs.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gnomon.native import HERE
from gnomon.native.build import HARDENED, compiler
from gnomon.native.modules import GROUP, NAMES, kind, target

# mypyc counts on -fwrapv, and its C is not for reading: no warnings. Its functions call each other straight, not by
# tables: a tenth fewer lines of the processor's data cache are missed.
_FLAGS = ("-O2", "-g0", "-fPIC", "-fno-semantic-interposition", "-fno-plt", "-fwrapv", "-DNDEBUG", "-w")
# What is called where something failed: told so, the compiler puts those ways, a sixth of the code, apart from the
# others, and a request takes a tenth less time, most of which it waits for code.
_SELDOM = """
#include <Python.h>
#define SELDOM __attribute__((cold))
SELDOM void CPyError_OutOfMemory(void);
SELDOM void CPy_TypeError(const char *, PyObject *);
SELDOM void CPy_AddTraceback(const char *, const char *, int, PyObject *);
SELDOM void CPy_TypeErrorTraceback(const char *, const char *, int, PyObject *, const char *, PyObject *);
SELDOM void CPy_AttributeError(const char *, const char *, const char *, const char *, int, PyObject *);
SELDOM static void CPy_DecRef(PyObject *);
SELDOM static void CPy_XDecRef(void *);
"""
# What is looked up by name is remembered where it is (`sites.h`): a twentieth of a request's time, and a tenth of the
# lines of data that it reads.
_SITES = """
#include "CPy.h"
#include "sites.h"
#ifdef GNOMON_SITES
#undef CPyObject_GetAttr
#define CPyObject_GetAttr(object, name) SITE(site_attribute, object, name)
#define CPyDict_GetItem(dict, key) SITE(site_item, dict, key)
#define PyObject_VectorcallMethod(name, args, count, names) SITE(site_method, name, args, count, names)
#endif
"""
_SITES_ONCE = """
#define GNOMON_SITES_HERE
#include "sites.h"
"""
_TIME_S = 300


def build() -> str:
    """All is built, whole or not at all; what went wrong, or nothing."""
    folder = target()
    if folder.is_dir():
        return ""
    if not compiler():
        return "no C compiler"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return f"no Python.h in {sysconfig.get_path('include')}"
    try:
        from mypyc.build import mypycify
    except ImportError as error:
        return f"requirements/compile.txt is not installed: {error}"
    folder.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as scratch:
        try:
            made = _objects(mypycify, Path(scratch))
        except subprocess.CalledProcessError as error:
            return str(error.stderr).strip() or f"the compiler exited with {error.returncode}"
        except (OSError, SystemExit, subprocess.TimeoutExpired) as error:
            return f"{type(error).__name__}: {error}"
        if target() != folder:
            return "the sources changed meanwhile"
        made.rename(folder)
    for stale in folder.parent.glob(f"{kind()}.*"):
        if stale != folder:
            shutil.rmtree(stale, ignore_errors=True)
    return ""


def _objects(mypycify: Callable[..., list[Any]], scratch: Path) -> Path:
    """A folder with a shared object for each module, and one for all."""
    os.chdir(HERE.parent.parent)  # mypyc knows a module by its path from where it runs
    paths = [f"{name.replace('.', '/')}.py" for name in NAMES]
    options = ["--config-file=", "--ignore-missing-imports", f"--cache-dir={os.devnull}"]
    extensions = mypycify(
        [*options, *paths], multi_file=True, target_dir=str(scratch / "c"), group_name=GROUP, strip_asserts=False
    )
    included = {folder for extension in extensions for folder in extension.include_dirs}
    (scratch / "seldom.h").write_text(_SELDOM)
    (scratch / "names.h").write_text(_SITES)
    once = scratch / "c" / "sites.c"
    once.write_text(_SITES_ONCE)
    group = next(extension for extension in extensions if extension.name == f"{GROUP}__mypyc")
    group.sources.append(str(once))
    includes = [f"-I{folder}" for folder in (*included, scratch / "c", HERE, sysconfig.get_path("include"))]
    includes += ["-include", str(scratch / "seldom.h")]
    translated = [*includes, "-include", str(scratch / "names.h")]
    sources = sorted({source for extension in extensions for source in extension.sources})

    def compiled(source: str) -> Path:
        is_translated = Path(source).name.startswith("__native")  # the others are mypyc's own, and define the names
        return _compiled(Path(source), translated if is_translated else includes)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        built = dict(zip(sources, pool.map(compiled, sources), strict=True))
    folder = scratch / "built"
    folder.mkdir()
    for extension in extensions:
        _linked(folder / f"{extension.name}.so", (built[source] for source in extension.sources))
    return folder


def _compiled(source: Path, includes: list[str]) -> Path:
    made = source.with_suffix(".o")
    _run(*_FLAGS, *HARDENED, *includes, "-c", str(source), "-o", str(made))
    return made


def _linked(path: Path, objects: Iterable[Path]) -> None:
    link = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared", "-Wl,-Bsymbolic")
    _run(*HARDENED, *link, *map(str, objects), "-o", str(path))


def _run(*arguments: str) -> None:
    subprocess.run([*compiler(), *arguments], check=True, capture_output=True, text=True, timeout=_TIME_S)


def main() -> None:
    """Says what could not be built and exits with 1 then."""
    if failed := build():
        sys.stderr.write(f"{failed}\n")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
