"""The company's words, numbers and documents are found, in linear time, wherever they are copied to, streams too."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.guard.test_stream import split, streamed

from gnomon.contract.masking import Fingerprint, MaskPolicy, MaskRule, Pattern, Terms
from gnomon.guard.fingerprints import fingerprint
from gnomon.guard.policy import BadMaskPolicy, Masker

SALT = "00" * 16
SECRET = (
    "内部配方说明：主剂采用三段升温法，第一段保持八十五度四十分钟，随后以每分钟一点五度升至一百二十度，"
    "the catalyst is charged in two portions under nitrogen, and the second portion must wait for the exotherm to end; "
    "成品粘度控制在每秒三千五百毫帕以内，批号登记后由质检部封存。"
)
FILLER = "今天的会议讨论了下季度的安排，大家都发表了意见。The weather was fine and the meeting ended early. "


def masker(**parts: object) -> Masker:
    rules = (MaskRule(entity="*", operator="redact"),)
    return Masker(MaskPolicy(id="p", version="1", rules=rules, **parts), key=b"k" * 32)  # type: ignore[arg-type]


def terms(*words: str) -> Masker:
    return masker(terms=(Terms(entity="SECRET", label="机密", terms=words),))


def pattern(text: str) -> Masker:
    return masker(patterns=(Pattern(entity="CONTRACT_NO", label="合同号", pattern=text),))


def document(**more: object) -> Masker:
    hashes = fingerprint(SECRET, salt=bytes.fromhex(SALT), **more)  # type: ignore[arg-type]
    return masker(fingerprints=(Fingerprint(entity="SECRET", label="机密", salt=SALT, hashes=hashes, shingle=20),))


def test_words_of_the_company_are_found_as_they_are_disguised() -> None:
    guard = terms("天穹计划", "ACE-7", "Blue Heron")
    text = "天穹计划与天\u200b穹计划，ａｃｅ-7，blue heron，place-7，ACE-75"
    assert guard.mask(text, "input").text == "⟦机密⟧与⟦机密⟧，⟦机密⟧，⟦机密⟧，place-7，ACE-75"


def test_numbers_of_the_company_are_whole_numbers() -> None:
    guard = pattern(r"HT-(?:20|19)\d{2}-[A-Z]{2,4}\d{3,6}")
    text = "合同HT-2024-SH00123，HT-2024-SH0012345，xHT-2024-SH001 ht-1999-ab123。"
    assert guard.mask(text, "input").text == "合同⟦合同号⟧，HT-2024-SH0012345，xHT-2024-SH001 ⟦合同号⟧。"


@pytest.mark.parametrize(
    "bad",
    [
        r"(a+)+b", r"a.{3}b", r"abc\s\d", r"\d+", "abc(?=d)x", r"(\d{2})-\1x", "[^a]{5}", "合{5}同同同", r"\d{3}",
        r"\d{65}", "(", "[甲乙]{4}", '"abcd"',
    ],
)  # fmt: skip
def test_patterns_that_may_run_away_are_refused(bad: str) -> None:
    with pytest.raises(BadMaskPolicy, match="pattern"):
        pattern(bad)


def test_nested_repeats_take_linear_time() -> None:
    guard = pattern(r"(?:[a-z]{1,8}-?){2,4}9{4}")
    seconds = []
    for size in (20_000, 80_000):
        started = time.process_time()
        guard.mask("a" * size, "input")
        seconds.append(time.process_time() - started)
    assert seconds[1] < 12 * seconds[0] + 0.2


@pytest.mark.parametrize("word", ["一", "x" * 65, 'a"b', "a\nb"])
def test_words_that_cannot_be_are_refused(word: str) -> None:
    with pytest.raises(BadMaskPolicy, match="word"):
        terms(word)


def test_a_copied_passage_is_covered_to_its_ends() -> None:
    guard = document()
    rng = random.Random(1)
    for _ in range(60):
        length = rng.randint(40, 90)
        at = rng.randrange(len(SECRET) - length)
        passage = SECRET[at : at + length].strip("，；：, ;。")
        text = FILLER + passage + "。" + FILLER
        masked = guard.mask(text, "input").text
        assert masked == f"{FILLER}⟦机密⟧。{FILLER}", passage


def test_a_reworded_layout_does_not_hide_a_passage() -> None:
    passage = SECRET[7:70]
    for changed in (passage.replace("，", "\n"), " ".join(passage), passage.upper(), passage.replace("度", "\u200b度")):
        assert "三段升温" not in document().mask(FILLER + changed, "input").text


def test_other_texts_and_boilerplate_stay() -> None:
    assert document().mask(FILLER * 5, "input").text == FILLER * 5
    guard = document(public=SECRET[:60] + FILLER)
    assert guard.mask(SECRET[:60], "input").text == SECRET[:60]
    assert "nitrogen" not in guard.mask(SECRET, "input").text


def test_a_fingerprint_does_not_hold_the_text_and_bad_ones_are_refused() -> None:
    hashes = fingerprint(SECRET, salt=b"s" * 16)
    assert hashes != fingerprint(SECRET, salt=b"t" * 16)
    for known in ("!!", "AAAA", ""):
        with pytest.raises(BadMaskPolicy, match="fingerprint"):
            masker(fingerprints=(Fingerprint(entity="S", label="机密", salt=SALT, hashes=known, shingle=20),))


ALL = masker(
    terms=(Terms(entity="SECRET", label="机密", terms=("天穹计划", "blue heron")),),
    patterns=(Pattern(entity="CONTRACT_NO", label="合同号", pattern=r"HT-\d{4,8}"),),
    fingerprints=(
        Fingerprint(
            entity="RECIPE", label="配方", salt=SALT, hashes=fingerprint(SECRET, salt=bytes.fromhex(SALT)), shingle=20
        ),
    ),
)
_PARTS = ("天穹", "计划", "blue ", "heron", "HT-", "12", "3456", "9", SECRET[:30], SECRET[30:75], SECRET[50:130], "，",
          " ", "13812345678", "好", "a.b@x.com", "\u200b")  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(parts=st.lists(st.sampled_from(_PARTS), max_size=14), seed=st.integers(0, 999))
def test_stream_equals_whole(parts: list[str], seed: int) -> None:
    text = "".join(parts)
    assert streamed(split(random.Random(seed), text), masker=ALL) == ALL.mask(text, "output").text
