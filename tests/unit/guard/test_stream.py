"""A stream is masked as the whole text would be, wherever it is split, and little of it is held back."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.guard.samples import KINDS, sample

from gnomon.contract.bundle import MaskPolicy, MaskRule
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, Masker
from gnomon.guard.stream import StreamMasker

MASKER = Masker(DEFAULT_POLICY, key=b"k" * 32)
PIECES = (
    "138",
    "1234",
    "5678",
    " ",
    "-",
    "一三八",
    "，",
    "身份证号",
    "微信",
    "qq",
    "abc_123",
    "@",
    "x.com",
    "京",
    "A12345",
    "2001年",
    "3月",
    "4日",
    "出生",
    "生日",
    "1990-01-02",
    "\u200b",
    "１",
    "（",
    "(010)",
    "+86",
    "www.",
    "//",
    ":",
    "\n",
    "BEGIN",
    "-----",
    "军字第",
    "62284801",
    "Mar",
    "3,",
    "GB29",
    "NWBK",
    "31.23041",
    "。",
    "好",
    "AKIA",
    "key=",
    "密码",
    "eyJ",
    ".",
    "八",
    "X",
    "\ud800",
)


def split(rng: random.Random, text: str) -> list[str]:
    """The text in chunks of one to four characters."""
    chunks, at = [], 0
    while at < len(text):
        size = rng.randint(1, 4)
        chunks.append(text[at : at + size])
        at += size
    return chunks


def streamed(chunks: list[str], *, masker: Masker = MASKER) -> str:
    stream = StreamMasker(masker, "output")
    return "".join([stream.feed(chunk) for chunk in chunks]) + stream.flush()


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_stream_equals_whole_at_every_split(seed: int) -> None:
    rng = random.Random(seed)
    text = sample(rng).text
    assert streamed(split(rng, text)) == MASKER.mask(text, "output").text


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_stream_that_ends_inside_a_value_equals_the_whole(seed: int) -> None:
    rng = random.Random(seed)
    text = sample(rng).text
    text = text[: rng.randrange(len(text) + 1)]
    assert streamed(split(rng, text)) == MASKER.mask(text, "output").text


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=25), seed=st.integers(0, 999))
def test_stream_equals_whole_for_pieces_thrown_together(pieces: list[str], seed: int) -> None:
    text = "".join(pieces)
    assert streamed(split(random.Random(seed), text)) == MASKER.mask(text, "output").text


@pytest.mark.parametrize("entity", sorted(KINDS))
def test_every_entity_survives_single_characters(entity: str) -> None:
    rng = random.Random(entity)
    for _ in range(5):
        case = sample(rng, entities=(entity,))
        masked = streamed(list(case.text))
        assert masked == MASKER.mask(case.text, "output").text
        for start, end, _ in case.spans:
            assert case.text[start:end] not in masked


def test_long_text_in_blocks_equals_one_view() -> None:
    rng = random.Random(7)
    text = "".join(sample(rng).text for _ in range(400))
    assert len(text) > 3 * 4096
    assert streamed(split(rng, text)) == MASKER.mask(text, "output").text


@pytest.mark.parametrize(
    "text",
    [
        "postgres://lxqma年l:kveasb9@db.example.com/x",
        "密码：ycknni出生s#946 ok",
        "来自2001:db8:136é::10b4:2d\n",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE K",
        "（+86）13812345678，(010) 6552 9988",
        "(0755-—7831398。",
        "军字第\u200b1234567 号，京·A12345 学",
        "\ud800138\ud8001234",
    ],
)
def test_texts_that_once_differed(text: str) -> None:
    assert streamed(list(text)) == MASKER.mask(text, "output").text


def test_chinese_text_is_not_held_back() -> None:
    stream = StreamMasker(MASKER, "output")
    text = "今天下午开会，请大家准时到场，会议室在二楼。"
    held = [len(text[: at + 1]) - len(out) for at, out in _progress(stream, text)]
    assert max(held) <= 1


def test_english_text_is_held_back_by_a_word() -> None:
    stream = StreamMasker(MASKER, "output")
    text = "The quick brown fox jumps over the lazy dog again, and I am not surprised."
    held = [len(text[: at + 1]) - len(out) for at, out in _progress(stream, text)]
    assert max(held) <= 11


def _progress(stream: StreamMasker, text: str) -> list[tuple[int, str]]:
    out, steps = "", []
    for at, char in enumerate(text):
        out += stream.feed(char)
        steps.append((at, out))
    return steps


def test_vault_and_counts_are_those_of_the_whole() -> None:
    text = sample(random.Random(3), entities=("CN_MOBILE", "EMAIL")).text * 2
    whole_vault, stream_vault = Vault(), Vault()
    whole = MASKER.mask(text, "output", whole_vault)
    stream = StreamMasker(MASKER, "output", stream_vault)
    out = "".join([stream.feed(char) for char in text]) + stream.flush()
    assert stream.counts == whole.counts
    assert stream.spans == whole.spans
    assert stream_vault.restore(out) == whole_vault.restore(whole.text) == text


def test_nothing_follows_a_block() -> None:
    policy = MaskPolicy(id="b", version="1", rules=(MaskRule(entity="CN_MOBILE", operator="block"),))
    masker = Masker(policy, key=b"k" * 32)
    text = "前文，打13812345678，后文很长很长。"
    stream = StreamMasker(masker, "output")
    out = "".join(stream.feed(char) for char in text) + stream.flush()
    assert stream.blocked == "CN_MOBILE"
    assert out == masker.mask(text, "output").text == "前文，打"
