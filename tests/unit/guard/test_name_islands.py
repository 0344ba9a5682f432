"""A name in escapes, in base64 or in JSON within a string is found at its place, in streams as in whole texts."""

import base64
import json
import random
from collections.abc import Callable
from functools import cache
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.guard.test_names import POLICY, streamed, toy

from gnomon.guard.names.finder import NameFinder, by_rule, name_finder
from gnomon.guard.names.said import said
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import Masker

TEXT = "昨天，宁波市人民医院主任李建军会见了记者王晓燕，住在浙江省杭州市西湖区文三路100号2幢301室。"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


def found(text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in name_finder("names").spans(text)]


@pytest.mark.parametrize("disguise", [quote, escaped, lambda one: json.dumps(json.dumps({"note": one}))])
def test_in_escapes_the_same_names_stand_at_their_places(disguise: Callable[[str], str]) -> None:
    plain = found(TEXT)
    assert [entity for entity, _ in plain] == ["ORGANIZATION", "PERSON", "PERSON", "ADDRESS"]
    hidden = found(disguise(TEXT))
    assert [entity for entity, _ in hidden] == [entity for entity, _ in plain]
    assert [said(value).text for _, value in hidden] == [value for _, value in plain]


@pytest.mark.parametrize("encode", [b64, lambda one: one.encode().hex(), lambda one: b64(quote(one))])
def test_of_base64_and_hexadecimal_the_whole_island_is_found(encode: Callable[[str], str]) -> None:
    island = encode("请转告记者王晓燕和主任李建军。")
    assert found(f"附件 {island} 完") == [("PERSON", island)]


def test_a_name_is_found_that_is_half_in_escapes() -> None:
    assert found("联系人：%E7%8E%8B晓%E7%87%95先生来了") == [("PERSON", "%E7%8E%8B晓%E7%87%95")]


def test_a_name_seen_in_plain_is_found_again_in_an_island() -> None:
    masker = Masker(POLICY, key=b"k" * 32, finder=NameFinder([toy, by_rule]))
    hidden = quote("问问王建国")
    assert masker.mask(f"王建国先生来了。{hidden}", "input", Vault()).counts == {"PERSON": 2}
    assert masker.mask(hidden, "input", Vault()).counts == {}


def test_a_body_of_nothing_but_small_escapes_is_looked_at() -> None:
    finder = name_finder("names")
    for hidden in (quote(TEXT).lower(), TEXT.encode().hex(), escaped(TEXT)):
        assert finder.hits(json.dumps({"a": hidden}).encode()), hidden[:20]


@cache
def masker() -> Masker:
    return Masker(POLICY, key=b"k" * 32, finder=NameFinder([toy, by_rule]))


_PIECES = (
    "王建国先生说，", "他住在杭州市西湖区文三路100号。", "电话13812345678，", "，", "。", "?", "!", " ", "=", "\n",
    quote("王建国先生"), quote("他住在杭州市西湖区文三路100号2幢301室。"), "%E7", "%8E%8B", "%",
    escaped("王建国先生走了，"), r"\u738b", "\\", '\\"', b64("王建国先生说"), b64("今天天气很好，王建国先生。")[2:],
    "问问王建国", quote("王建国"), "a" * 20, "A1b2" * 40, b64("第一条服务尚可" * 60), "的",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=16), st.integers(0, 2**32), st.sampled_from((4, 40, 700)))
def test_a_stream_is_masked_as_the_whole_wherever_it_is_cut(pieces: list[str], seed: int, most: int) -> None:
    text = "".join(pieces)
    cuts: list[int] = []
    at, dice = 0, random.Random(seed)
    while (at := at + dice.randint(1, most)) < len(text):
        cuts.append(at)
    assert streamed(masker(), text, cuts, Vault()) == masker().mask(text, "output", Vault()).text


@pytest.mark.parametrize("step", [3, 911])
def test_a_run_that_no_stream_can_hold_is_masked_alike(step: int) -> None:
    text = f"王建国先生说 {b64('第一条服务尚可，王建国先生。' * 300)} {quote('王建国先生' * 200)} 完。"
    cuts = list(range(step, len(text), step))
    assert streamed(masker(), text, cuts, Vault()) == masker().mask(text, "output", Vault()).text
