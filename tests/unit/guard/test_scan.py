"""The prefilter never hides a finding; the time is linear; a broken detector is an error, not unmasked text."""

import json
import random
import re
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.guard.samples import sample
from tests.unit.guard.test_stream import PIECES

from gnomon.guard.detectors import DETECTORS
from gnomon.guard.detectors.base import matching
from gnomon.guard.finding import Finder
from gnomon.guard.normalise import FULL_WIDTH, rare_class
from gnomon.guard.policy import DEFAULT_POLICY, Masker
from gnomon.guard.scan import ODD, Scanner, characters
from gnomon.guard.slow import Slow
from gnomon.guard.stream import StreamMasker
from gnomon.guard.view import View

MASKER = Masker(DEFAULT_POLICY, key=b"k" * 32)


class _Always:
    def __init__(self, count: int) -> None:
        self._all = set(range(count))

    def fired(self, data: bytes) -> set[int]:
        return self._all

    def any(self, data: bytes) -> bool:
        return True


def _everything() -> Finder:
    """A finder that asks every detector, whatever the prefilter says."""
    finder = Finder()
    finder._look = Slow(DETECTORS, _Always(len(DETECTORS) + 1))
    return finder


EVERYTHING = Masker(DEFAULT_POLICY, key=b"k" * 32, finder=_everything())


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_prefilter_hides_nothing_in_samples(seed: int) -> None:
    text = sample(random.Random(seed)).text
    assert MASKER.mask(text, "input") == EVERYTHING.mask(text, "input")


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=20))
def test_prefilter_hides_nothing_in_pieces(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert MASKER.mask(text, "input") == EVERYTHING.mask(text, "input")


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=12), seed=st.integers(0, 99), ascii_only=st.booleans())
def test_no_hit_in_raw_json_means_nothing_to_mask(pieces: list[str], seed: int, ascii_only: bool) -> None:
    text = "".join(pieces) + (sample(random.Random(seed), most=1).text if seed % 3 == 0 else "")
    raw = json.dumps({"messages": [{"content": text}]}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if not MASKER.hits(raw):
        assert MASKER.mask(text, "input").text == text


@pytest.mark.parametrize(
    "raw",
    [
        b'"138\\u00312345678"',
        b'"1381234\\n5678"',
        b'"https:\\/\\/u:p4ss@h\\/"',
        '"１３８１２３４５６７８"'.encode(),
        '"138\u200b12345678"'.encode(),
        '"一三八一二三四五六七八"'.encode(),
        b'"a@b.com"',
    ],
)
def test_escapes_and_disguises_hit(raw: bytes) -> None:
    assert MASKER.hits(raw)


def test_ordinary_bodies_do_not_hit() -> None:
    body = {
        "model": "clinic",
        "max_tokens": 1024,
        "stream": True,
        "messages": [{"role": "user", "content": "患者咳嗽三天，体温37.1℃。\n查体：心率102次/分，律齐。"}],
    }
    assert not MASKER.hits(json.dumps(body, ensure_ascii=False).encode())


def test_every_folded_character_is_odd() -> None:
    scanner = Scanner([ODD])
    for char in characters(rare_class() + FULL_WIDTH):
        assert scanner.any(char.encode()), hex(ord(char))


HOSTILE = (
    "a", "1", "1 ", "1-", "@", "a@", "a.b@", "eyJ", "eyJaaaaaaaa.", "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ", "1.1.", "::1:", "一", "\u200b", "身份证号", "\u8eab\u4efd\u8bc1\u53f7\uff1a", "京A", "京",
    "://a:", "GB29 NWBK ", "(", "1990-01-", "微信 ", "password: ", "key=", "\ud800", "31.23041,", "QQ 1",
    "军字第", "Mar 3 ", "sk-", "2001年", "\uff21", "\t", "+1", "tel ",
    "%31 ", "%E6%89%8B ", "\\u0031 ", "MTM4MTIz ", "l3", "a@\n", "a-\n", "0 12 34\n", "call 12 ",
)  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    # 30,000 characters in about half a second at the worst: quadratic behaviour would take minutes.
    started = time.process_time()
    MASKER.mask(unit * (30_000 // len(unit)), "input")
    assert time.process_time() - started < 1.5


@pytest.mark.parametrize("unit", ["a", "1 ", "-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaa.", "京"])
def test_hostile_streams_take_linear_time(unit: str) -> None:
    text = unit * (8_000 // len(unit))
    stream = StreamMasker(MASKER, "output")
    started = time.process_time()
    for at in range(0, len(text), 4):
        stream.feed(text[at : at + 4])
    stream.flush()
    assert time.process_time() - started < 2.5


def test_a_detector_that_fails_is_an_error_everywhere() -> None:
    broken = [
        type(one)(one.entity, one.label, one.triggers, _boom) if one.entity == "PLATE" else one for one in DETECTORS
    ]
    masker = Masker(DEFAULT_POLICY, key=b"k" * 32, finder=Finder(broken))
    with pytest.raises(ZeroDivisionError):
        masker.mask("车京A12345", "input")
    with pytest.raises(ZeroDivisionError):
        StreamMasker(masker, "output").feed("车京A12345。")


def _boom(_: object) -> list[object]:
    raise ZeroDivisionError


def test_one_masker_serves_many_threads() -> None:
    text = sample(random.Random(5)).text
    expected, wrong = MASKER.mask(text, "input"), []

    def work() -> None:
        wrong.extend(1 for _ in range(200) if MASKER.mask(text, "input") != expected)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="1a.-Z 好\n", max_size=30))
@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        (r"(?<![A-Za-z0-9])(?P<v>[12][0-9a.]{2})", "[12]"),
        (r"(?<![\-.])1a?", "[0-9]"),
        (r"(?<!好)(?P<v>1+)", "1"),
        (r"(?<![0-9])(?<!a)1", "[01]"),
        (r"[1Z]\.", "[1Z]"),
    ],
)
def test_a_match_is_tried_wherever_it_may_begin(pattern: str, first: str, text: str) -> None:
    view, compiled = View(text), re.compile(pattern if "(?P<v>" in pattern else f"(?P<v>{pattern})")
    tried = (compiled.match(text, place) for place in range(len(text)))
    assert [(item.start, item.end) for item in matching("X", pattern, first=first)(view)] == [
        match.span("v") for match in tried if match
    ]
