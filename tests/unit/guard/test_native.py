"""What runs in C says what its twin in Python says, whatever the text."""

import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.guard.samples import sample
from tests.unit.guard.test_stream import PIECES

from gnomon import native
from gnomon.guard import cutting
from gnomon.guard.detectors import DETECTORS, social_credit
from gnomon.guard.finding import Finder
from gnomon.guard.persons import PersonIndex
from gnomon.guard.placeholders import code, code_slowly
from gnomon.guard.quick import NUMBERS, Quick
from gnomon.guard.scan import LONG_NUMBER
from gnomon.guard.shapes import shapes_of
from gnomon.guard.slow import Slow
from gnomon.guard.view import Found, View

# Both ways are compared; without a compiler there is only one, which the other tests of the guard run.
needs_c = pytest.mark.skipif(native.load("scan") is None, reason="nothing in C is built here")


def _slow() -> Finder:
    finder = Finder()
    finder._look = Slow(DETECTORS)
    return finder


FAST, SLOW = Finder(), _slow()
# What numbers are made of and what makes them something else: separators, look-alikes, key words, halves of characters.
NASTY = (
    *PIECES,
    *"0123456789一零〇幺Xx.-/_·— \n\t()（），,+%\\@:aBOoIlS",
    *("86", "0086", "62", "110101", "1990", "０", "\u200b", "\ud800", "\U0001d7d8", "\u0660", "\x85", "\u3000"),
    *(
        "卡号",
        "身份证",
        "电话",
        "IMEI",
        "vin ",
        "tel ",
        "%31",
        "\\u0031",
        "MTM",
        "PRIVATE KEY",
        "://u:p@",
        "京A",
        "生于",
    ),
    *("March", "12th", "-----BEGIN", "\n    ", "字第", "2024", "°", "、", "\r"),
)
nasty = st.lists(st.sampled_from(NASTY), max_size=30).map("".join)


@needs_c
def test_the_default_finder_looks_in_c() -> None:
    assert isinstance(FAST._look, Quick)


@settings(max_examples=120, deadline=None)
@given(text=nasty | st.text(max_size=40))
@example(text="号—1\n0_零+零6175322744，362")  # a plus before a landline is none of its prefix
def test_the_same_is_found_in_any_text(text: str) -> None:
    assert FAST.spans(text) == SLOW.spans(text)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.integers(0, 60), piece=st.sampled_from(NASTY))
def test_the_same_is_found_in_samples_that_were_tampered_with(seed: int, cut: int, piece: str) -> None:
    text = sample(random.Random(seed)).text
    text = text[:cut] + piece + text[cut:]
    assert FAST.spans(text) == SLOW.spans(text)


@settings(max_examples=60, deadline=None)
@given(context=nasty, text=nasty)
def test_the_same_is_found_behind_a_context(context: str, text: str) -> None:
    assert FAST.look(context, text) == SLOW.look(context, text)


@settings(max_examples=120, deadline=None)
@given(text=nasty, start=st.integers(0, 30), times=st.integers(1, 60))
def test_a_growing_text_is_cut_at_the_same_place(text: str, start: int, times: int) -> None:
    for one in (text, text[:3] * times + text):
        assert cutting.undecided(one, min(start, len(one))) == cutting.undecided_slowly(one, min(start, len(one)))


@settings(max_examples=60, deadline=None)
@given(value=st.text(max_size=150), key=st.binary(min_size=16, max_size=100), length=st.integers(0, 12))
def test_a_placeholder_has_the_same_letters(value: str, key: bytes, length: int) -> None:
    told: dict[str, Any] = {"key": key, "entity": "CN_MOBILE", "length": length}
    assert code(value, **told) == code_slowly(value, **told)


def test_every_trigger_that_is_built_in_is_said_of_characters_too() -> None:
    for detector in DETECTORS:
        for trigger in detector.triggers:
            assert trigger in LONG_NUMBER or shapes_of(trigger), (detector.entity, trigger)
    assert all(one in DETECTORS for one in NUMBERS)


@needs_c
@pytest.mark.parametrize(
    ("name", "args"),
    [("scan", ()), ("numbers", (1,)), ("cutting", ("a", "b")), ("digest", (b"",))],
)
def test_what_is_no_text_is_an_error_and_no_crash(name: str, args: tuple[Any, ...]) -> None:
    module = native.load(name)
    call = {"scan": "Scanner", "numbers": "numbers", "cutting": "undecided", "digest": "Keyed"}[name]
    with pytest.raises((TypeError, ValueError)):
        getattr(module, call)(*args)


@needs_c
@settings(max_examples=100, deadline=None)
@given(
    body=st.text("0123456789ABCDEFGHJKLMNPQRTUWXYIOSVZabz", min_size=17, max_size=17),
    digits=st.booleans(),
    before=st.sampled_from(("", "税号", " ", "a", "一")),
    after=st.sampled_from(("", "。", "a", "_", "1")),
)
def test_codes_of_companies_are_found_by_their_check_character(
    body: str, digits: bool, before: str, after: str
) -> None:
    if digits:
        body = body[:2] + "440300" + body[8:]
    text = "，".join(before + body + check + after for check in "0123456789ABCDEFGHJKLMNPQRTUWXYy")
    codes = native.load("codes").codes
    assert codes(text, Found, "USCC") == list(social_credit.CHECKED.find(View(text)))


@needs_c
@settings(max_examples=150, deadline=None)
@given(st.lists(st.text("138600+-_. @aZé中１", max_size=16) | st.text(max_size=6) | nasty, max_size=4))
@example(["a" * 128, "a" * 129, "b" * 513, "13812345678", "+8613812345678", "008613812345678", "0013812345678"])
def test_tokens_of_persons_are_the_same_in_c(values: list[str]) -> None:
    index = PersonIndex([bytes(range(16)), bytes(range(32))])
    assert index.tokens_of(values) == index.tokens_slowly(values)
