"""Bare places in Chinese text, which only a policy with a rule for LOCATION has looked for."""

import random
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gnomon.contract.masking import MaskRule
from gnomon.guard.names import localities
from gnomon.guard.names.artefact import load
from gnomon.guard.names.districting import districts
from gnomon.guard.names.readers import chinese
from gnomon.guard.names.tagger import TAGS
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, Masker
from gnomon.guard.stream import StreamMasker
from gnomon.guard.view import Found

KEY = b"k" * 32
PIECES = (
    "他去年从四川成都搬到杭州，",
    "代表团访问了美国和埃塞俄比亚。",
    "中美两国关系，",
    "会议在京举行；",
    "联系人：李秀英，老家在柳家沟，",
    "住在杭州市西湖区文三路100号2幢301室。",
    "电话13812345678，",
    "\u200b上\u200b海",
    "长江",
    "流域下了雨\n",
    "范登堡空军基地",
    "王建国先生说，",
    "He flew to Oslo. ",
    "%E4%B8%8A%E6%B5%B7",
    "的",
    "，",
    "北京市",
    "公安局",
)


def masker(*entities: str) -> Masker:
    rules = (*(MaskRule(entity=entity, operator="pseudonym") for entity in entities), *DEFAULT_POLICY.rules)
    return Masker(replace(DEFAULT_POLICY, speed="names", rules=rules), key=KEY)


ASKING, DEFAULT = masker("LOCATION"), masker()


def places(text: str) -> list[str]:
    spans = ASKING.mask(text, "input").spans
    return [text[span.start : span.end] for span in spans if span.entity == "LOCATION"]


def covered(by: Masker, text: str) -> set[int]:
    return {at for span in by.mask(text, "input").spans for at in range(span.start, span.end)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("代表团访问了美国和埃塞俄比亚。", ["美国", "埃塞俄比亚"]),
        ("他去年从四川成都搬到杭州。", ["四川成都", "杭州"]),
        ("他在西溪湿地公园散步。", ["西溪湿地公园"]),
        ("长江流域下了雨，东南亚地区也是。", ["长江", "东南亚"]),
        ("位于四川省的山村。", ["四川省"]),
        ("海峡两岸的公路穿过农村，通往草原。", []),
        ("广大发展中国家希望合作。", []),
    ],
)
def test_a_place_ends_where_its_name_does(text: str, found: list[str]) -> None:
    assert places(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("中美两国关系，印巴边境", ["中", "美", "印", "巴"]),
        ("会议在京举行，美方代表和台商出席。", ["京", "美", "台"]),
        ("昨日中午在日常会议上讨论了中老年人的美食和方法。", []),
        ("港澳通行证、港澳台居民居住证和京沪高铁的车票", []),
    ],
)
def test_places_of_one_character_are_found_where_what_stands_beside_them_says_so(text: str, found: list[str]) -> None:
    assert places(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("队伍来自中、韩、日等国", ["中", "韩", "日"]),
        ("中葡双方会谈，厄、埃塞两国停火", ["中", "葡", "埃塞"]),
        ("一位法籍工人和海外华侨", ["法", "华"]),
        ("根据《中日和平友好条约》", ["中", "日"]),
        ("他读了《北京往事》", []),
        ("小、中、大班的孩子，中华人民", []),
    ],
)
def test_countries_of_one_character_stand_in_rows_and_before_what_two_have_together(
    text: str, found: list[str]
) -> None:
    assert places(text) == found


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        ("本报巴黎5月3日电", "巴黎", "巴黎"),
        ("在河西走廊种树", "河西走廊", "河西走廊"),
        ("中塞建交以来", "中塞", "中"),
        ("巴黎客场取胜", "巴黎", ""),
        ("四川省队取胜", "四川省队", ""),
    ],
)
def test_an_organisation_that_is_nothing_but_places_is_none(text: str, name: str, place: str) -> None:
    at = text.index(name)
    read = [Found(at, at + len(name), "ORGANIZATION", 0.8)]
    found = [one for one in localities.settled(text, read, [], is_wary=False) if one.entity == "LOCATION"]
    assert (text[found[0].start : found[0].end] if found else "") == place


@pytest.mark.parametrize(
    ("text", "read", "place"),
    [
        ("开罗首脑会议", "开罗首脑", "开罗"),
        ("昆明晴转多云", "昆明晴转多云", "昆明"),
        ("5月3日电开罗下雨", "电开罗", "开罗"),
        ("到西湖天地步行", "西湖天地步行", "西湖天地步行"),
    ],
)
def test_what_stands_beside_a_known_name_and_is_none_is_left_out(text: str, read: str, place: str) -> None:
    at = text.index(read)
    found = localities.settled(text, [], [Found(at, at + len(read), "LOCATION", 0.8)], is_wary=False)
    assert [text[one.start : one.end] for one in found] == [place]


def test_a_place_in_another_name_is_left_to_it() -> None:
    spans = ASKING.mask("杭州市公安局通报，收货地址：杭州市西湖区文三路100号2幢301室", "input").spans
    assert [span.entity for span in spans] == ["ORGANIZATION", "ADDRESS"]


def test_a_village_that_was_taken_for_a_person_is_a_place_and_so_is_a_base_called_after_one() -> None:
    assert "李秀英" not in places("联系人：李秀英，老家在柳家沟")
    assert places("联系人：李秀英，老家在柳家沟") == ["柳家沟"]
    assert places("范登堡空军基地发射了火箭") == ["范登堡空军基地"]


def test_a_person_with_a_title_is_no_place() -> None:
    named = [Found(0, 2, "PERSON", 0.9)]
    assert localities.settled("高明先生来了", named, [Found(0, 2, "LOCATION", 0.8)], is_wary=False)[0] == named[0]


def test_what_nothing_speaks_for_is_no_place_to_a_reader_who_sees_too_many() -> None:
    read = [Found(2, 4, "LOCATION", 0.8)]
    assert localities.settled("他把嘉宾请来", [], read, is_wary=True) == []
    assert localities.settled("他把阿塘请来", [], read, is_wary=True) == []
    assert localities.settled("他把阿塘请来", [], read, is_wary=False)[0][:2] == (2, 4)
    assert localities.settled("他持港澳通行证", [], read, is_wary=False) == []


def test_a_country_is_a_thing_to_who_looks_for_people_and_stays_a_place() -> None:
    row = [Found(0, 2, "ORGANIZATION", 0.8), Found(0, 2, "LOCATION", 0.8)]
    assert chinese(lambda sentences: [row for _ in sentences])(["美国很大"]) == [row[1:]]


@given(st.lists(st.sampled_from(PIECES), max_size=10))
@settings(max_examples=60, deadline=None)
def test_whoever_asks_for_places_has_all_masked_that_the_default_policy_masks(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert covered(ASKING, text) >= covered(DEFAULT, text)


@given(st.lists(st.sampled_from(PIECES), max_size=10), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_stream_is_masked_like_the_whole_text_wherever_it_is_cut(pieces: list[str], seed: int) -> None:
    text = "".join(pieces)
    dice = random.Random(seed)
    cuts = sorted(dice.randrange(len(text) + 1) for _ in range(6))
    whole, vault = Vault(), Vault()
    stream = StreamMasker(ASKING, "input", vault)
    parts = [stream.feed(text[a:b]) for a, b in pairwise([0, *cuts, len(text)])]

    assert "".join(parts) + stream.flush() == ASKING.mask(text, "input", whole).text


@given(st.lists(st.sampled_from(PIECES), max_size=10))
@settings(max_examples=60, deadline=None)
def test_findings_are_in_order_apart_and_inside_the_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    spans = ASKING.mask(text, "input").spans
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


@given(st.text("中美北京上海市区江的，在A1", max_size=60))
@settings(max_examples=100, deadline=None)
def test_known_names_are_apart_and_known(text: str) -> None:
    found = localities.known(text)
    assert all(a.end <= b.start for a, b in pairwise(found))
    names = localities._words().names
    assert all(any(text[one.start : end] in names for end in range(one.start, one.end + 1)) for one in found)


def test_only_chinese_characters_can_be_a_known_name() -> None:
    assert all(localities._NAME.fullmatch(name) for name in localities._words().names)
    assert [one[:2] for one in localities.known("in a杭州b, 京 Paris上海\n市")] == [(4, 6), (16, 18)]


def test_what_kind_of_district_a_place_is_belongs_to_its_name_and_who_lives_there_does_not() -> None:
    def names(text: str) -> list[str]:
        return [text[one.start : one.end] for one in localities.known(text)]

    assert names("黔西南布依族苗族自治州和上海市、山东省") == ["黔西南布依族苗族自治州", "上海市", "山东省"]
    assert names("上海市民和中国区") == ["上海", "中国"]


@pytest.mark.parametrize("text", ["他读过《东京故事》。", "故事发生在书里：雅典娜传》", "他正在读《巴黎"])
def test_a_place_in_the_title_of_a_work_is_left_to_it(text: str) -> None:
    assert places(text) == []


def test_districts_are_written_as_people_write_them() -> None:
    words = load(speed="names").tagger.lexicon
    table = ["杭州市", "西湖区", "彭水苗族土家族自治县", "歙县", "市辖区", "省直辖县级行政区划", "和平区"]
    assert districts(table, words) == sorted(["杭州", "西湖", "彭水", "歙县"])


def test_what_speaks_for_a_place_speaks_for_nothing_else() -> None:
    more = localities.leaning("他在杭州说")
    assert more.shape == (5, len(TAGS))
    assert {TAGS[tag] for _, tag in np.argwhere(more)} == {"B-LOCATION", "M-LOCATION", "E-LOCATION"}
    assert not more[[0, 1, 4]].any()


def test_reading_for_places_changes_no_other_name() -> None:
    tagger = load(speed="names").tagger
    texts = ["王建国从成都来，在杭州宏达公司工作。", "", "李秀英在东京。"]
    plain, asked = tagger.find(texts), tagger.find(texts, localities.leaning)

    def others(rows: list[list[Found]]) -> list[list[Found]]:
        return [[item for item in row if item.entity != "LOCATION"] for row in rows]

    assert others(plain) == others(asked)


@pytest.mark.parametrize("unit", ["中美", "北京", "的市", "西湖边", "在京美方", "大"])
def test_a_long_text_costs_as_much_a_character_as_a_short_one(unit: str) -> None:
    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        started = time.process_time()
        ASKING.finder.spans(text)
        return time.process_time() - started

    cost(200)
    # Eight times the text: eight times the cost, or sixty-four. A busy machine cannot be wrong three times.
    assert any(cost(8_000) < 40 * max(cost(1_000), 0.002) for _ in range(3))
