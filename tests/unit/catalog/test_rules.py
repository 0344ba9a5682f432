"""What may enter the catalogue."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.verdicts import State
from gnomon.control.catalog import rules


def safetensors(shapes: list[tuple[int, ...]], *, dtype: str = "F32") -> tuple[bytes, int]:
    """A genuine header and the bytes of data after it."""
    at, header = 0, {}
    for number, shape in enumerate(shapes):
        size = 4
        for side in shape:
            size *= side
        header[f"t{number}"] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    return json.dumps(header).encode(), at


shapes = st.lists(st.lists(st.integers(0, 9), max_size=3).map(tuple), max_size=5)


@settings(max_examples=60)
@given(shapes)
def test_a_header_that_fills_its_file_is_good(shapes: list[tuple[int, ...]]) -> None:
    header, size = safetensors(shapes)
    assert rules.parse_header(header, data_bytes=size).tensors == len(shapes)


@settings(max_examples=60)
@given(shapes, st.integers(-3, 3).filter(bool))
def test_a_file_of_another_length_is_refused(shapes: list[tuple[int, ...]], off: int) -> None:
    header, size = safetensors(shapes)
    with pytest.raises(rules.BadWeights):
        rules.parse_header(header, data_bytes=size + off)


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 2**70) | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "x"]), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_any_other_json_is_refused_in_words(value: Any) -> None:
    try:
        found = rules.parse_header(json.dumps({"t": value}).encode(), data_bytes=4)
    except rules.BadWeights:
        return
    assert found.tensors == 1


@pytest.mark.parametrize("first", [b"", b"\x01", struct.pack("<Q", 10**9), struct.pack("<Q", 93)])
def test_a_header_longer_than_its_file_is_refused(first: bytes) -> None:
    with pytest.raises(rules.BadWeights):
        rules.header_length(first, size=100)


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("pytorch_model.bin", b""),
        ("model.pkl", b""),
        ("modeling.py", b"import os"),
        ("vocab.txt", b"\x80\x04\x95"),
        ("README.md", b"PK\x03\x04"),
        ("weights.gguf", b"nope"),
        ("data", b""),
    ],
)
def test_what_may_run_code_is_refused_by_name_and_by_bytes(path: str, head: bytes) -> None:
    assert rules.format_problem(path, head)


def test_a_config_that_asks_for_its_own_code_is_refused() -> None:
    assert rules.json_problem("config.json", b'{"auto_map": {"AutoModel": "modeling.Mine"}}')
    assert rules.json_problem("config.json", b"{")
    assert not rules.json_problem("config.json", b"{}")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x.json", "a/../../x.json", "a//b.json", ".ssh/x.json", "a\\b"])
def test_a_path_that_leaves_its_folder_is_refused(path: str) -> None:
    with pytest.raises(rules.BadPath):
        rules.check_path(path)


def test_items_that_read_alike_have_one_fingerprint() -> None:
    assert rules.fingerprint("Ｇood  好\n", KEY) == rules.fingerprint("good好", KEY)
    assert rules.fingerprint("好", KEY) != rules.fingerprint("坏", KEY)


def test_a_fingerprint_is_of_one_key_and_says_of_which() -> None:
    mine, other = rules.fingerprint("好", KEY), rules.fingerprint("好", b"another key")
    assert mine.partition(":")[2] != other.partition(":")[2]
    assert rules.count_leaks([mine], {"s": [mine], "t": [other]}, KEY) == {"s": 1, "t": None}
    assert rules.keyed(mine, KEY) == mine


ROWS = [
    {"text": "很好", "label": "正面"},
    {"text": "很 好", "label": "正面"},
    {"text": "一般", "label": "正面"},
    {"text": "一般", "label": "负面"},
    {"text": "泄漏", "label": "负面"},
]
KEY = b"a key of this test"
HELD = {"suite_1": [rules.fingerprint("泄漏", KEY)]}


def test_duplicates_contradictions_and_leaks_are_counted() -> None:
    found = rules.inspect_rows(ROWS, held_out=HELD, key=KEY, personal=None)
    assert (found["duplicates"], found["contradictions"], found["leaks"]) == (2, 1, {"suite_1": 1})
    assert found["personal"] == "not_measured"
    assert rules.judge_rows(found, purpose="train") is State.NOT_MET


def test_what_was_not_compared_is_not_measured() -> None:
    found = rules.inspect_rows(ROWS, held_out={}, key=KEY, personal={})
    assert rules.judge_rows(found, purpose="train") is State.NOT_MEASURED
    strange = {"suite_1": [rules.fingerprint("别的", b"another key")]}
    found = rules.inspect_rows(ROWS, held_out=strange, key=KEY, personal={})
    assert rules.judge_rows(found, purpose="train") is State.NOT_MEASURED


def test_preparation_takes_away_what_it_says() -> None:
    steps = ["drop_leaks", "drop_contradictions", "drop_duplicates"]
    left, told = rules.prepare_rows(ROWS, steps, held_out=HELD, key=KEY)
    assert [row["text"] for row in left] == ["很好"]
    assert [line["after"] for line in told] == [4, 2, 1]
