"""The modules that a gateway runs as C: found where their build is of these very sources, all of them or none."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from gnomon.native import HERE, modules


def _said(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "", "PYTHONPATH": str(HERE.parent.parent), **environment},
    )
    return done.stdout.strip()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for folder in ("backends", "contract", "gateway", "guard", "kit", "native"):
        (tmp_path / folder / "inside").mkdir(parents=True)
        (tmp_path / folder / "inside" / "one.py").write_text("ONE = 1\n")
    return tmp_path


@pytest.mark.parametrize("folder", ["backends", "contract", "gateway", "guard", "kit", "native"])
def test_any_change_of_what_a_module_may_rest_on_leaves_its_build_aside(sources: Path, folder: str) -> None:
    before = modules.target(sources)
    assert modules.target(sources) == before
    (sources / folder / "inside" / "one.py").write_text("ONE = 2\n")
    assert modules.target(sources) != before


def test_a_new_module_leaves_the_build_aside_too(sources: Path) -> None:
    before = modules.target(sources)
    (sources / "guard" / "two.py").write_text("")
    assert modules.target(sources) != before


def test_a_header_that_the_c_includes_leaves_it_aside_too(sources: Path) -> None:
    before = modules.target(sources)
    (sources / "native" / "sites.h").write_text("")
    assert modules.target(sources) != before


def test_every_listed_module_is_there() -> None:
    assert all((HERE.parent.parent / f"{name.replace('.', '/')}.py").is_file() for name in modules.NAMES)
    assert len({*modules.NAMES}) == len(modules.NAMES)


def _is_constant(node: ast.stmt) -> bool:
    """Assigned where everybody of the module sees it, and neither Final nor a name for a type."""
    if isinstance(node, ast.AnnAssign):
        return not ast.unparse(node.annotation).startswith(("Final", "TypeAlias"))
    if not isinstance(node, ast.Assign) or ast.unparse(node.targets[0]) == "__all__":
        return False
    is_type = isinstance(node.value, ast.Subscript)
    return not is_type and not ast.unparse(node.value).startswith(("TypeVar(", "ParamSpec("))


@pytest.mark.parametrize("name", modules.NAMES)
def test_constants_are_final_so_that_nobody_looks_them_up(name: str) -> None:
    tree = ast.parse((HERE.parent.parent / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
    assert [ast.unparse(node) for node in tree.body if _is_constant(node)] == []


def _awaits_in_ends(source: str) -> list[int]:
    """The lines of awaits inside `except` and `finally`."""
    blocks = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Try)]
    ends = [end for block in blocks for end in (*block.handlers, *block.finalbody)]
    waits = (ast.Await, ast.AsyncWith, ast.AsyncFor, ast.Yield, ast.YieldFrom)
    return [node.lineno for end in ends for node in ast.walk(end) if isinstance(node, waits)]


@pytest.mark.parametrize("end", ["except OSError", "finally"])
def test_an_await_where_something_was_raised_is_seen(end: str) -> None:
    assert _awaits_in_ends(f"async def f():\n  try:\n    x()\n  {end}:\n    await y()\n") == [5]


@pytest.mark.parametrize("name", modules.NAMES)
def test_no_listed_module_awaits_where_something_was_raised(name: str) -> None:
    """Compiled coroutines have no exception state of their own: what they handle is lost when others run meanwhile."""
    assert _awaits_in_ends((HERE.parent.parent / f"{name.replace('.', '/')}.py").read_text()) == []


def test_without_a_whole_build_the_sources_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finders = sys.meta_path.copy()
    monkeypatch.setattr(sys, "modules", {})
    monkeypatch.setattr(modules, "target", lambda: tmp_path)
    for name in modules.NAMES[1:]:
        (tmp_path / f"{name}.so").touch()
    assert not modules.prefer()
    assert sys.meta_path == finders


def test_a_whole_build_is_taken_whatever_its_modules_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "modules", {})
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setattr(modules, "target", lambda: tmp_path)
    monkeypatch.delenv("GNOMON_PURE", raising=False)
    for name in modules.NAMES:  # one of them has ".so" in it
        (tmp_path / f"{name}.so").touch()
    assert modules.prefer()


_PREFERRED = """
import sys
from gnomon.native import modules
{before}
preferred = modules.prefer()
import gnomon.gateway.heads, gnomon.gateway.counted
files = gnomon.gateway.heads.__file__, gnomon.gateway.counted.__file__
print(preferred, modules.are_compiled(), [file.endswith(".so") for file in files])
"""


def test_a_process_that_prefers_it_takes_the_build_and_other_modules_from_their_sources() -> None:
    built = modules.target().is_dir()
    assert _said(_PREFERRED.format(before="")) == f"{built} {built} [{built}, False]"


@pytest.mark.parametrize(
    ("before", "environment"),
    [("", {"GNOMON_PURE": "1"}), ("import gnomon.gateway.story", {}), ("import gnomon.kit.ids", {})],
)
def test_it_takes_none_where_that_is_not_wanted_or_too_late(before: str, environment: dict[str, str]) -> None:
    assert _said(_PREFERRED.format(before=before), **environment) == "False False [False, False]"


_STARTED = """
import runpy, sys
from gnomon.native import modules
sys.argv = ["gateway", "--help"]
try:
    runpy.run_module("gnomon.app.gateway", run_name="__main__")
except SystemExit:
    print(modules.are_compiled())
"""


def test_the_process_of_a_gateway_prefers_it() -> None:
    assert _said(_STARTED).splitlines()[-1] == str(modules.target().is_dir())
