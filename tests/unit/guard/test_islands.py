"""What is said in escapes, in base64, with letters for digits or over a line's end is found, at its original place."""

import base64
import json
import random
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.guard.samples import sample
from tests.unit.guard.test_stream import MASKER, PIECES, split, streamed

from gnomon.guard.islands import LONGEST


def found(text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in MASKER.mask(text, "input").spans]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("打%31%33812345678。", "CN_MOBILE", "%31%33812345678"),
        ("mail zhang%40example.com now", "EMAIL", "zhang%40example.com"),
        ("?tel=%2B86%20138%201234%205678&x=1", "CN_MOBILE", "%2B86%20138%201234%205678"),
        ("见%E6%89%8B%E6%9C%BA%EF%BC%9A13812345678", "CN_MOBILE", "13812345678"),
        ("?id=%E8%BA%AB%E4%BB%BD%E8%AF%81110105194912310021", "CN_ID", "110105194912310021"),
        ("double %2531%2533812345678.", "CN_MOBILE", "%2531%2533812345678"),
        (r"json \u0031\u003312345678\u0039 end", "CN_MOBILE", r"\u0031\u003312345678\u0039"),
        (r"hex \x31\x33812345678 end", "CN_MOBILE", r"\x31\x33812345678"),
        (r"{\"note\": \"\\u5b66\\u53f7 20120345\"}", "STUDENT_NO", "20120345"),
        ("q=%E5%BE%AE%E4%BF%A1%E5%8F%B7 zhang_123 ok", "WECHAT", "zhang_123"),
        (f"附件{b64('打13812345678给我')}。", "CN_MOBILE", b64("打13812345678给我")),
        (f"see {b64('13812345678')} ok", "CN_MOBILE", b64("13812345678")),
        (f"x={b64('zhang.san@example.com').rstrip('=')};", "EMAIL", b64("zhang.san@example.com").rstrip("=")),
        (f"tel-{b64('13812345678')}", "CN_MOBILE", b64("13812345678")),
        (f"hex {b'tel 13812345678'.hex()} ok", "CN_MOBILE", b"tel 13812345678".hex()),
        (f"two {b64(quote('电话13812345678'))} ok", "CN_MOBILE", b64(quote("电话13812345678"))),
        ("打l38l23456O8。", "CN_MOBILE", "l38l23456O8"),
        ("card 4l11-1111-1111-1111", "BANK_CARD", "4l11-1111-1111-1111"),
        ("打1З8О1234567。", "CN_MOBILE", "1З8О1234567"),
        ("写zhаng.sаn@ехаmрle.com。", "EMAIL", "zhаng.sаn@ехаmрle.com"),
        ("ｓk-аbcdefghijklmnopqrst1234", "API_KEY", "ｓk-аbcdefghijklmnopqrst1234"),
        ("电话138\n12345678，", "CN_MOBILE", "138\n12345678"),
        ("电话138-1234-\n5678，", "CN_MOBILE", "138-1234-\n5678"),
        ("电话：138 1234\r\n5678，", "CN_MOBILE", "138 1234\r\n5678"),
        ("证件11010519491231002\nX，", "CN_ID", "11010519491231002\nX"),
        ("证件11010519840920843-\nX；", "CN_ID", "11010519840920843-\nX"),
        ("证件110105 19491231 002\r\n x完", "CN_ID", "110105 19491231 002\r\n x"),
        ("卡号 4111 1111\n1111 1111 。", "BANK_CARD", "4111 1111\n1111 1111"),
        ("写zhang.san@exam-\nple.com。", "EMAIL", "zhang.san@exam-\nple.com"),
        ("写zhang.san@example.\n  com。", "EMAIL", "zhang.san@example.\n  com"),
        ("写zhang.san\n@example.com。", "EMAIL", "zhang.san\n@example.com"),
        ("写zhang.san@\r\nexample.com。", "EMAIL", "zhang.san@\r\nexample.com"),
        ("写zhang-\nsan@example.com。", "EMAIL", "zhang-\nsan@example.com"),
    ],
)
def test_said_otherwise_is_found(text: str, entity: str, value: str) -> None:
    assert found(text) == [(entity, value)]


@pytest.mark.parametrize(
    "text",
    [
        "100%25 ready, 50%20off",
        "GET /v1/chat/completions?page=%E7%AC%AC1%E9%A1%B5",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        f"token {b64('the quick brown fox jumps over it')}",
        "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "550e8400-e29b-41d4-a716-446655440000",
        "additionalProperties internationalization",
        "型号B2OO1SB8Z2OO1",
        "日期\n138\n20231231\n139\n20240101\n",
        "thanks @home\nthe next day",
        "Привет, как дела? Σήμερα είναι καλή μέρα.",
        r"C:\users\name\x",
        "代号11010519491231002\nXenon",
        "img y3RndINu//+6839Lm1RSrUez8 BZnLp6TKw/+3332FUBhuxV7Z4 gbtjZQ9MrN8yGkKJYSo",
    ],
)
def test_what_says_nothing_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_an_address_that_was_whole_ends_at_its_line() -> None:
    assert found("写a.b@example.com\nThanks") == [("EMAIL", "a.b@example.com")]


_MORE = (
    *PIECES, "%31", "%33", "%40", "%E6%89%8B", r"\u5b66\u53f7", r"\u0031", "\\", "TEw4", b64("13812345678"), "l38",
    "O", "11010519491231002", "\nX", "-\r\n", "x", "\r\n", "-\n", "exam", "ple.com", "а", "З", "=", "/",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.sampled_from(_MORE), max_size=20), seed=st.integers(0, 999))
def test_stream_equals_whole(pieces: list[str], seed: int) -> None:
    text = "".join(pieces)
    assert streamed(split(random.Random(seed), text)) == MASKER.mask(text, "output").text


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_disguised_sample_streams_as_it_is_masked(seed: int) -> None:
    rng = random.Random(seed)
    text = sample(rng, most=2).text
    text = rng.choice((quote, b64, json.dumps, lambda one: one.replace("1", "l"), lambda one: f"x {quote(one)}"))(text)
    assert streamed(split(rng, text)) == MASKER.mask(text, "output").text


@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(st.sampled_from(_MORE), max_size=12), ascii_only=st.booleans())
def test_no_hit_in_raw_json_means_nothing_to_mask(pieces: list[str], ascii_only: bool) -> None:
    text = "".join(pieces)
    raw = json.dumps({"content": text}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if not MASKER.hits(raw):
        assert MASKER.mask(text, "input").text == text


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="%0123456789aAbBE\\ux/=+ \n@.", max_size=80))
def test_spans_lie_in_the_original_in_order(text: str) -> None:
    at = 0
    for span in MASKER.mask(text, "input").spans:
        assert at <= span.start < span.end <= len(text)
        at = span.end


@pytest.mark.parametrize("text", ["抄送 a.b@example.\r\ncom。", "写a.b@\r\nexample.com -", "电话138\r\n12345678，"])
def test_texts_that_once_differed(text: str) -> None:
    assert streamed(list(text)) == MASKER.mask(text, "output").text


def standard(data: bytes) -> str:
    return base64.b64encode(data).decode()


def for_addresses(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _long(value: str, *, at: int = 700, size: int = 1200) -> str:
    """Ordinary sentences with a value among them."""
    words = "".join(f"第{n}条：本店服务尚可，房间干净。" for n in range(size))
    return f"{words[: at * 10]}，手机{value}，{words[at * 10 :]}"


@pytest.mark.parametrize("lead", range(3))
@pytest.mark.parametrize("encode", [standard, for_addresses, bytes.hex])
def test_a_run_of_any_length_is_looked_into(encode: Callable[[bytes], str], lead: int) -> None:
    value = "13812345678"
    data = b"x" * lead + _long(value).encode()
    island = encode(data)
    assert len(island) > 10 * LONGEST
    masked = MASKER.mask(f"附件 {island} 完", "input")
    assert masked.counts == {"CN_MOBILE": 1}
    (span,) = masked.spans
    assert span.end - span.start <= 24
    said = encode(data.replace(value.encode(), b"*" * 11))
    assert encode(data)[: span.start - 3] == said[: span.start - 3]


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_a_stream_finds_the_same_in_a_long_run_wherever_it_is_cut(data: st.DataObject) -> None:
    island = base64.b64encode(_long("13812345678", at=data.draw(st.integers(0, 60)), size=90).encode()).decode()
    text = f"附件 {island[data.draw(st.integers(0, 3)) :]} 完，手机13987654321"
    step = data.draw(st.integers(1, 4)) * data.draw(st.sampled_from((1, 7, 500)))
    whole = MASKER.mask(text, "output")
    assert streamed([text[at : at + step] for at in range(0, len(text), step)]) == whole.text
    assert whole.counts == {"CN_MOBILE": 2}


def test_a_picture_stays_a_picture() -> None:
    island = base64.b64encode(random.Random(6).randbytes(300_000)).decode()
    assert MASKER.mask(f"data:image/png;base64,{island}", "input").spans == ()
