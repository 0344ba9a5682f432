"""Places in compiled code that remember what they found: whatever changes meanwhile, they find what Python finds."""

import importlib.util
import operator
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.native import HERE
from gnomon.native.build import compile_to, compiler

# The functions that compiled modules call, each with a hundred places to call them from.
_SOURCE = """
#define GNOMON_SITES_HERE
#include "sites.h"

static struct site places[100];

static PyObject *item(PyObject *self, PyObject *args)
{
    int place; PyObject *dict, *key;
    return PyArg_ParseTuple(args, "iOO", &place, &dict, &key) ? site_item(dict, key, &places[place]) : NULL;
}

static PyObject *attribute(PyObject *self, PyObject *args)
{
    int place; PyObject *object, *name;
    return PyArg_ParseTuple(args, "iOO", &place, &object, &name) ? site_attribute(object, name, &places[place]) : NULL;
}

static PyObject *method(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return site_method(args[1], args + 2, (size_t)count - 2, NULL, &places[PyLong_AsLong(args[0])]);
}

static PyObject *is_remembered(PyObject *self, PyObject *place)
{
    return PyBool_FromLong(places[PyLong_AsLong(place)].version != 0);
}

static PyMethodDef methods[] = {
    {"item", item, METH_VARARGS, NULL},
    {"attribute", attribute, METH_VARARGS, NULL},
    {"method", (PyCFunction)(void *)method, METH_FASTCALL, NULL},
    {"is_remembered", is_remembered, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "placed", NULL, -1, methods};

PyMODINIT_FUNC PyInit_placed(void) { return PyModule_Create(&module); }
"""

pytestmark = [
    # What is tested here is C for one Python; with another compiled modules look up each time, and without a compiler
    # there are none.
    pytest.mark.skipif(sys.version_info >= (3, 12), reason="places remember nothing from Python 3.12 on"),
    pytest.mark.skipif(not compiler(), reason="no C compiler"),
]


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("placed")
    (folder / "placed.c").write_text(_SOURCE)
    assert compile_to(folder / "placed.so", folder / "placed.c", (f"-I{HERE}",)) == ""
    spec = importlib.util.spec_from_file_location("placed", folder / "placed.so")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Point(msgspec.Struct):
    x: Any = None
    y: Any = None


class _Slotted:
    __slots__ = ("x",)

    def told(self) -> str:
        return "slotted"


class _Open:
    def __init__(self) -> None:
        self.x: Any = 0

    def told(self) -> str:
        return "open"


class _Said:
    """Code decides what its attributes are."""

    def __getattr__(self, name: str) -> str:
        return f"said {name}"

    def told(self) -> str:
        return "said"


def _outcome(find: Callable[..., Any], *args: Any) -> tuple[str, Any]:
    try:
        return "found", find(*args)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return type(error).__name__, str(error)


_NAMES = ("x", "y", "told", "other")
_WORDS = st.sampled_from(_NAMES)


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(("set", "del", "class", "unclass", "look")), st.integers(0, 6), _WORDS))
)
def test_attributes_are_found_as_python_finds_them(placed: Any, steps: list[tuple[str, int, str]]) -> None:
    kinds: list[type] = [type(kind.__name__, (kind,), {"__slots__": ()}) for kind in (_Slotted, _Open, _Said)]
    things: list[Any] = [_Point(1, 2), _Point(3), *(kind() for kind in kinds), ModuleType("one"), ModuleType("two")]
    for step, which, name in steps:
        thing = things[which]
        try:
            if step == "set":
                setattr(thing, name, object())
            elif step == "del":
                delattr(thing, name)
            elif step == "class" and type(thing) in kinds:
                setattr(type(thing), name, property(str))
            elif step == "unclass" and type(thing) in kinds:
                delattr(type(thing), name)
        except AttributeError:
            pass
        for each in things:
            expected = _outcome(getattr, each, name)
            assert _outcome(placed.attribute, 0, each, name) == expected  # one place for all of them
            assert _outcome(placed.attribute, 1 + which, each, name) == expected


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(("set", "del")), st.integers(0, 2), _WORDS)))
def test_items_are_found_as_python_finds_them(placed: Any, steps: list[tuple[str, int, str]]) -> None:
    class Other(dict[str, Any]):
        def __getitem__(self, key: str) -> str:
            return key

    held: list[dict[str, Any]] = [{"x": 1}, {}, Other()]
    for step, which, name in steps:
        if step == "set":
            held[which][name] = object()
        else:
            held[which].pop(name, None)
        for each in held:
            expected = _outcome(operator.getitem, each, name)
            assert _outcome(placed.item, 10, each, name) == expected
            assert _outcome(placed.item, 11 + which, each, name) == expected


def test_a_method_that_was_changed_or_hidden_is_called_as_it_is_now(placed: Any) -> None:
    class Base:
        def told(self) -> str:
            return "base"

    class Kind(Base):
        pass

    one, two = Kind(), Kind()
    assert [placed.method(20, "told", each) for each in (one, two, one)] == ["base"] * 3
    Base.told = lambda self: "changed"  # type: ignore[method-assign]
    assert placed.method(20, "told", one) == "changed"
    Kind.told = lambda self: "nearer"  # type: ignore[method-assign]
    assert placed.method(20, "told", one) == "nearer"
    one.told = lambda: "its own"  # type: ignore[method-assign]
    assert [placed.method(20, "told", each) for each in (one, two)] == ["its own", "nearer"]
    assert placed.method(20, "told", _Said()) == "said"
    with pytest.raises(AttributeError, match="nothing"):
        placed.method(20, "nothing", one)


def test_a_method_may_change_its_own_class_while_it_runs(placed: Any) -> None:
    class Kind:
        __slots__ = ()

        def told(self) -> str:
            del Kind.told
            return "last"

    thing = Kind()
    assert placed.method(21, "told", thing) == "last"
    with pytest.raises(AttributeError):
        placed.method(21, "told", thing)


def test_an_object_that_gets_another_class_while_it_is_looked_at_is_not_remembered_as_that(placed: Any) -> None:
    class Other:
        __slots__ = ()

        def told(self) -> str:
            return "other"

    class Odd:
        """Met before "told" among the names of a class; being compared it changes the class of `thing`, once."""

        is_waiting = False

        def __hash__(self) -> int:
            return hash("told")

        def __eq__(self, other: object) -> bool:
            if Odd.is_waiting:
                Odd.is_waiting = False
                thing.__class__ = Other
            return False

    names: Any = {"__slots__": (), Odd(): 1, "told": lambda self: "kind"}
    kind: Any = type("Kind", (), names)
    other, thing = Other(), kind()
    assert other.told() == "other"  # its class has a version
    sys._clear_type_cache()
    Odd.is_waiting = True
    placed.method(22, "told", thing)
    assert type(thing) is Other
    assert placed.method(22, "told", other) == "other"


def test_what_can_be_remembered_is(placed: Any) -> None:
    one, two = _Point(1), _Point(2)
    assert [placed.attribute(30, each, "x") for each in (one, two)] == [1, 2]
    assert placed.item(31, {"x": 1}, "x") == 1
    assert placed.attribute(32, sys, "path") is sys.path
    assert placed.method(33, "upper", "a") == "A"
    assert all(placed.is_remembered(place) for place in (30, 31, 32, 33))
    placed.attribute(34, _Said(), "x")
    assert not placed.is_remembered(34), "code decides"


def test_a_key_whose_comparison_changes_the_dictionary_is_not_remembered(placed: Any) -> None:
    class Odd:
        def __hash__(self) -> int:
            return hash("x")

        def __eq__(self, other: object) -> bool:
            held["another"] = object()
            return False

    held: dict[Any, Any] = {Odd(): 0}
    held["x"] = "found"
    assert placed.item(40, held, "x") == "found"
    assert not placed.is_remembered(40)


def test_a_name_that_was_made_and_is_no_more_is_not_taken_for_the_next_at_its_address(placed: Any) -> None:
    names = [f"k{n}" for n in range(10, 60)]
    held = {name: n for n, name in enumerate(names)}
    point = type("Point", (), {"__slots__": tuple(names)})()
    for name, n in held.items():
        setattr(point, name, n)
    expected = [turn % 50 for turn in range(1000)]
    # Each string is made for one look, lies where the last one lay, and is gone after it.
    assert [placed.item(60, held, "".join(("k", str(10 + n)))) for n in expected] == expected
    assert [placed.attribute(61, point, "".join(("k", str(10 + n)))) for n in expected] == expected


def test_nothing_is_kept_alive(placed: Any) -> None:
    class Kind:
        __slots__ = ("x",)

        def __init__(self, x: Any) -> None:
            self.x = x

    value = Path("value")
    thing = Kind(value)
    before = sys.getrefcount(value)
    for _ in range(3):
        placed.attribute(50, thing, "x")
        placed.item(51, {"x": value}, "x")
    assert sys.getrefcount(value) == before
