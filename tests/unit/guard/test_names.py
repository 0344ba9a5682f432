"""Names in whole texts, in streams and in conversations; and what happens when they cannot be looked for."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.masking import MaskPolicy, MaskRule
from gnomon.guard.names import artefact
from gnomon.guard.names.artefact import load
from gnomon.guard.names.finder import NameFinder, again, by_rule, name_finder
from gnomon.guard.names.missing import NamesMissing
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import Masker
from gnomon.guard.stream import StreamMasker
from gnomon.guard.view import Found

KEY = b"k" * 32
POLICY = MaskPolicy(id="n", version="1", speed="names", rules=(MaskRule(entity="*", operator="pseudonym"),))
PIECES = (
    "王建国先生说，",
    "他住在杭州市西湖区文三路100号2幢301室。",
    "电话13812345678，",
    "联系人：李秀英\n",
    "请转告欧阳文静！",
    "邮箱a@b.com；",
    "Mr. Adam Smith wrote to Kira Fransson. ",
    "今天天气很好，",
    "甲方：杭州宏达科技有限公司，",
    "\u200b王\u200b建国",
    "项目已经完成，",
    "身份证号11010519491231002X",
    "，",
    "。",
    "王建国",
    "的",
)


def toy(sentences: list[str]) -> list[list[Found]]:
    """Finds 王建国 where 先生 follows, and raises at a certain word."""
    found = []
    for sentence in sentences:
        assert "炸" not in sentence
        at = sentence.find("王建国先生")
        found.append([Found(at, at + 3, "PERSON", 0.8)] if at >= 0 else [])
    return found


@pytest.fixture(scope="module")
def masker() -> Masker:
    return Masker(POLICY, key=KEY, finder=NameFinder([toy, by_rule]))


def streamed(masker: Masker, text: str, cuts: list[int], vault: Vault) -> str:
    stream = StreamMasker(masker, "output", vault)
    places = [0, *sorted(cuts), len(text)]
    return "".join(stream.feed(text[a:b]) for a, b in pairwise(places)) + stream.flush()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.integers(0, 2**32))
def test_a_stream_is_masked_as_the_whole_wherever_it_is_cut(masker: Masker, pieces: list[str], seed: int) -> None:
    text = "".join(pieces)
    whole = masker.mask(text, "output", Vault()).text
    cuts: list[int] = []
    at, dice = 0, random.Random(seed)
    while (at := at + dice.randint(1, 4)) < len(text):
        cuts.append(at)
    assert streamed(masker, text, cuts, Vault()) == whole


def test_the_shipped_tagger_too_gives_a_stream_what_it_gives_the_whole() -> None:
    masker = Masker(POLICY, key=KEY)
    text = "".join(PIECES) * 3
    whole = masker.mask(text, "output", Vault()).text
    for step in (1, 7, 64):
        assert streamed(masker, text, list(range(step, len(text), step)), Vault()) == whole


def test_a_name_once_seen_is_found_again_in_later_sentences_and_texts(masker: Masker) -> None:
    vault = Vault()
    first = masker.mask("王建国先生来了。后来王建国走了。", "input", vault)
    assert first.counts == {"PERSON": 2}
    assert masker.mask("问问王建国", "input", vault).counts == {"PERSON": 1}
    assert masker.mask("问问王建国", "input", Vault()).counts == {}


@pytest.mark.parametrize("last", "湖山海江河川岛洲城堡桥塔")
def test_of_two_names_seen_the_longer_is_found_again_whatever_process_looks(last: str) -> None:
    longer = f"巴杜尔{last}"
    assert again(f"去{longer}。", [], {"巴杜尔", longer}) == [Found(1, 5, "PERSON", 0.7)]


def test_what_a_name_overlaps_stays_what_it_is() -> None:
    def greedy(sentences: list[str]) -> list[list[Found]]:
        return [[Found(0, len(sentence), "ORGANIZATION", 0.8)] for sentence in sentences]

    spans = NameFinder([greedy]).spans("公司13812345678号")
    assert [(span.start, span.end, span.entity) for span in spans] == [
        (0, 2, "ORGANIZATION"),
        (2, 13, "CN_MOBILE"),
        (13, 14, "ORGANIZATION"),
    ]


def test_the_shipped_tagger_finds_people_and_organisations() -> None:
    text = "昨天，宁波市人民医院主任李建军会见了记者王晓燕。"
    found = {text[span.start : span.end]: span.entity for span in name_finder("names").spans(text)}
    assert found == {"宁波市人民医院": "ORGANIZATION", "李建军": "PERSON", "王晓燕": "PERSON"}


def test_words_in_latin_letters_are_left_to_the_english_rules() -> None:
    text = "The restaurant on Crown Street protects individuals; Mr. Adam Smith wrote to Gelencsér Szabina."
    people = {text[span.start : span.end] for span in name_finder("names").spans(text) if span.entity == "PERSON"}
    assert people <= {"Adam Smith", "Gelencsér Szabina"}
    assert "Adam Smith" in people


def test_its_provenance_names_every_source_and_its_licence() -> None:
    about = load().about
    assert {source["licence"].split(",")[0] for source in about["sources"]} == {"Apache-2.0", "MIT"}


def test_nothing_passes_when_the_tagger_is_missing_or_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = artefact.SHIPPED.read_bytes()
    broken = {
        "none": None,
        "cut": data[: len(data) // 2],
        "changed": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        "other": b"PK" + data,
        "empty": b"",
    }
    for name, content in broken.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setenv("GNOMON_NAMES_FILE", str(path))
        name_finder.cache_clear()
        with pytest.raises(NamesMissing, match=name):
            Masker(POLICY, key=KEY)
    name_finder.cache_clear()


def test_a_tagger_that_fails_lets_nothing_through(masker: Masker) -> None:
    with pytest.raises(AssertionError):
        masker.mask("王建国先生，这里炸了。", "input")
    stream = StreamMasker(masker, "output", Vault())
    with pytest.raises(AssertionError):
        stream.feed("王建国先生，这里炸了。")


def test_any_text_that_may_hold_a_name_is_looked_at(masker: Masker) -> None:
    assert masker.hits("你好".encode())
    assert masker.hits(rb'"\u738b"')
    assert masker.hits(b"ask Oliver")
    assert not masker.hits(b'{"role":"user","n":1}')


def test_any_code_points_pass() -> None:
    finder = name_finder("names")
    for text in ("\ud800王建国\udfff", "\u202e王\u200b建国", "𠮷" * 300, "\x00" * 200, "王" * 5000):
        assert isinstance(finder.spans(text), list)


def test_speed_of_text_without_ends_is_linear() -> None:
    finder = name_finder("names")
    text = "没有标点的长文本" * 500
    held = 0
    window = finder.window()
    for at in range(0, len(text), 50):
        window.feed(text[at : at + 50])
        held = max(held, window.held)
    assert held < 400
