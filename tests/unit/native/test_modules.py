"""The modules that a gateway runs as C: found where their build is of these very sources, all of them or none."""

import ast
import subprocess
import sys
from collections.abc import Iterable
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


def test_every_listed_module_is_there() -> None:
    assert all((HERE.parent.parent / f"{name.replace('.', '/')}.py").is_file() for name in modules.NAMES)
    assert len({*modules.NAMES}) == len(modules.NAMES)


def _awaits(nodes: Iterable[ast.AST]) -> bool:
    return any(isinstance(node, ast.Await | ast.AsyncWith) for top in nodes for node in ast.walk(top))


def _unbound(function: ast.AsyncFunctionDef) -> set[str]:
    """Names that a `try` with an awaiting end binds first, and that are asked for after it."""
    arguments = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    found: set[str] = set()
    for block in ast.walk(function):
        if not isinstance(block, ast.Try) or not _awaits([*block.handlers, *block.orelse, *block.finalbody]):
            continue
        first, last = block.body[0].lineno, block.body[-1].end_lineno or 0
        before = {node.id for node in names if isinstance(node.ctx, ast.Store) and node.lineno < first}
        inside = {node.id for node in names if isinstance(node.ctx, ast.Store) and first <= node.lineno <= last}
        after = {node.id for node in names if isinstance(node.ctx, ast.Load) and node.lineno > last}
        found |= (inside & after) - before - arguments
    return found


def test_the_check_for_unbound_names_sees_one() -> None:
    (function,) = ast.parse("async def f():\n  try:\n    x = 1\n  finally:\n    await g()\n  return x\n").body
    assert isinstance(function, ast.AsyncFunctionDef)
    assert _unbound(function) == {"x"}


@pytest.mark.parametrize("name", modules.NAMES)
def test_no_name_is_bound_first_where_the_end_of_the_block_awaits(name: str) -> None:
    """Compiled, such a name is asked for though nothing bound it, and its AttributeError hides what was raised."""
    source = HERE.parent.parent / f"{name.replace('.', '/')}.py"
    functions = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.AsyncFunctionDef)]
    assert {function.name: _unbound(function) for function in functions if _unbound(function)} == {}


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
