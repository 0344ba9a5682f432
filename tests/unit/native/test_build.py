"""A native module is built from what lies there, is never stale, and nothing needs it."""

import shutil
from pathlib import Path

import pytest

from gnomon import native
from gnomon.native import build

_ONE = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *one(PyObject *self, PyObject *args) { (void)self; (void)args; return PyLong_FromLong(%d); }
static PyMethodDef methods[] = {{"one", one, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "one", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_one(void) { return PyModuleDef_Init(&module); }
"""
# What builds cannot be tried without a compiler; that Gnomon runs without one is tested everywhere.
needs_compiler = pytest.mark.skipif(not build.compiler(), reason="no C compiler on this machine")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.c").write_text(_ONE % 1)
    return tmp_path


@needs_compiler
def test_a_module_is_built_once_and_says_what_its_source_says(folder: Path) -> None:
    assert build.build(folder) == {}
    path = native.target(folder / "one.c")
    written = path.stat().st_mtime_ns
    assert build.build(folder) == {}
    assert path.stat().st_mtime_ns == written
    module = native._loaded("one", path)
    assert module is not None
    assert module.one() == 1


@needs_compiler
def test_a_changed_source_is_never_served_by_the_old_build(folder: Path) -> None:
    build.build(folder)
    before = native.target(folder / "one.c")
    (folder / "one.c").write_text(_ONE % 2)
    after = native.target(folder / "one.c")
    assert after != before
    assert not after.exists()
    assert build.build(folder) == {}
    assert list((folder / "built").iterdir()) == [after]


def test_without_a_compiler_the_build_says_so_and_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert build.build(folder) == {"one": "no C compiler"}
    assert not (folder / "built").exists()


@needs_compiler
def test_a_source_that_does_not_compile_is_told_and_leaves_nothing(folder: Path) -> None:
    (folder / "one.c").write_text("not C")
    assert "error" in build.build(folder)["one"]
    assert list((folder / "built").iterdir()) == []


def test_a_file_that_is_no_library_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "one.so").write_bytes(b"not a library")
    assert native._loaded("one", tmp_path / "one.so") is None


def test_nothing_native_is_loaded_where_pure_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(native.VARIABLE, "1")
    native.load.cache_clear()
    assert [native.load(name) for name in native.names()] == [None] * len(native.names())
    native.load.cache_clear()
