"""Strings guarded where they stand in JSON are what a walk through the whole value makes of them."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gnomon import native
from gnomon.app.gateway import guard
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.guarding import DEEPEST, TreeGuard
from gnomon.gateway.replies import guard_output, restored
from gnomon.gateway.snapshot import PreparedRoute
from gnomon.gateway.streaming import Garbage
from gnomon.guard.finding import Finder
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, Masker
from tests.unit.guard.test_native import nasty

# Both ways are compared; without a compiler there is only one, which every other test here runs.
needs_c = pytest.mark.skipif(native.load("scan") is None, reason="nothing in C is built here")
MASKER = Masker(DEFAULT_POLICY, key=bytes(range(32)))
NUMBERS = st.sampled_from(
    [0, -1, 1.5, 13812345678, -13812345678, 13812345678.0, 1e11, 11010519491231002, 6222021234567890128]
)
texts = st.one_of(
    nasty.filter(str.isprintable),
    st.sampled_from(
        ["role", "手机13812345678", "邮箱 a@b.co\n", "\\u0031" * 11, '{"a":"\\u4f60 13812345678"}', "a\\", '"', ""]
    ),
    st.text(max_size=20),
)
names = st.one_of(st.sampled_from(["role", "content", "seed", "created", "a", "b", "号\\", "13812345678"]), texts)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
writers = st.sampled_from(
    [
        lambda value: msgspec.json.encode(value),
        lambda value: json.dumps(value).encode(),
        lambda value: json.dumps(value, ensure_ascii=False).encode(),
        lambda value: json.dumps(value, ensure_ascii=False, indent=1).encode(),
    ]
)


def _walked(value: Any) -> tuple[Any, dict[str, int]]:
    tree = TreeGuard(MASKER, "input", Vault())
    return tree.value(value), tree.counts


@settings(max_examples=300, deadline=None)
@given(value=values, write=writers)
@example(value={"seed": 13812345678, "created": 13812345678, "n": 13812345678}, write=lambda v: json.dumps(v).encode())
@example(value={"x,": {"seed": [13812345678]}}, write=lambda v: msgspec.json.encode(v))
@example(value={',"seed': 13812345678, "手机13812345678": 1}, write=lambda v: msgspec.json.encode(v))
def test_what_stands_at_places_is_guarded_as_in_a_walk(value: Any, write: Any) -> None:
    raw = write(value)
    places = MASKER.places(raw)
    expected, counts = _walked(msgspec.json.decode(raw))
    if places is None:
        return
    tree = TreeGuard(MASKER, "input", Vault())
    guarded = tree.places(raw, places)
    if guarded is None:
        assert counts, "only what is masked sends us through the whole value"
        return
    assert msgspec.json.decode(guarded) == expected
    assert tree.counts == counts
    if guarded == raw:
        assert not counts


@needs_c
def test_all_but_what_is_masked_stays_as_it_was_written() -> None:
    raw = '{ "a" : "我的手机13812345678","b":[1.50,"\\u4f60", 13812345678 ]}'.encode()
    places = MASKER.places(raw)
    assert places is not None
    guarded = TreeGuard(MASKER, "input", Vault()).places(raw, places)
    assert guarded is not None
    assert guarded.startswith('{ "a" : "我的手机⟦手机_'.encode())
    assert '","b":[1.50,"\\u4f60", "⟦手机_'.encode() in guarded
    assert b"138" not in guarded


@needs_c
@pytest.mark.parametrize(
    "raw",
    [
        b'"13812345678',
        b'{"a":13812345678abc}',
        b'"\xff 13812345678"',
        b'"\xc0\xb1"',
        b'"\xed\xa0\x80"',
        b'"\\ud800 13812345678"',
        b'"\\q"',
        b'"\\u12',
        b'"\x01"',
        b"'13812345678'",
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_not_written_as_json_must_be_is_left_to_the_walk(raw: bytes) -> None:
    assert MASKER.places(raw) is None


@settings(max_examples=150, deadline=None)
@given(raw=st.binary(max_size=60) | texts.map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(raw=b"00000000000")
def test_whatever_the_bytes_a_place_is_a_string_or_made_of_the_signs_of_numbers(raw: bytes) -> None:
    for start, end, _, text in MASKER.places(raw) or ():
        token = raw[start:end]
        if token[:1] == b'"':
            assert msgspec.json.decode(token) == text
        else:
            assert text is None
            assert not token.strip(b"0123456789+-.eE")


def test_without_c_there_are_places_only_where_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gnomon.native.load", lambda name: None)
    finder = Finder()
    assert finder.places(b'{"a":"b"}') == []
    assert finder.places(b'{"a":"13812345678"}') is None


@pytest.mark.parametrize("name", ["logprobs", "\\u006cogprobs"])
def test_log_probabilities_do_not_spell_out_what_was_masked(name: str) -> None:
    told = {"content": [{"token": token} for token in ("138", "1234", "5678")]}
    choice = f'{{"message":{{"content":"号13812345678"}},"{name}":{json.dumps(told)}}}'
    guarded = _guarded(f'{{"choices":[{choice}]}}'.encode())
    assert b"5678" not in guarded
    assert msgspec.json.decode(guarded)["choices"][0]["logprobs"] is None


@needs_c
def test_an_answer_without_them_keeps_its_own_writing() -> None:
    assert _guarded(b'{"choices": [ {"logprobs": null,"text":"13812345678"}]}').startswith(
        b'{"choices": [ {"logprobs":'
    )


def _guarded(data: bytes) -> bytes:
    unasked: Any = None
    route = PreparedRoute(
        route=unasked,
        targets={},
        fallback=(),
        masker=MASKER,
        policy=unasked,
        restores=False,
        shortcuts=False,
        settled=(),
        straight=False,
    )
    return guard_output(Exchange("req_1", peer="", address=""), data, route, guard())


@pytest.mark.parametrize("levels", [DEEPEST + 2, 20_000])
def test_a_value_too_deep_to_be_walked_is_said_to_be_so_before_the_stack_ends(levels: int) -> None:
    value: Any = "13812345678"
    for level in range(levels):
        value = [value] if level % 2 else {"content": value}
    with pytest.raises(RecursionError):
        TreeGuard(MASKER, "input", Vault()).value(value)
    with pytest.raises(Garbage):
        restored(value, Vault())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("13800abc@.c*\x7f", min_size=1, max_size=18), min_size=1, max_size=8))
def test_short_strings_that_were_harmless_before_hide_none_that_are_not(strings: list[str]) -> None:
    raw = msgspec.json.encode([*strings, *strings])
    known, fresh = MASKER.places(raw), Masker(DEFAULT_POLICY, key=bytes(32), finder=Finder()).places(raw)
    assert known == fresh
    assert MASKER.places(raw) == fresh
