"""A stream is masked as the whole text would be, wherever it is split, and little of it is held back."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.guard.samples import KINDS, sample

from gnomon.contract.bundle import MaskPolicy, MaskRule
from gnomon.guard import cutting
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
    "0086",
    "(+852)",
    "（00852）",
    "（+44）",
    "+1 415 555",
    "0132",
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
        "联系 " + "a" * 200 + "bob@\nhost.com 谢谢",
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


_ENDS = (
    "",
    "（",
    "（+86",
    "（+86）010 ",
    "军字",
    "军字第12",
    "京",
    "京A12",
    "1990年3月4日",
    "1990年",
    "1.1",
    "Mar 3",
    "31.2304",
    "6 ",
)


@settings(max_examples=200, deadline=None)
@given(end=st.sampled_from(_ENDS), char=st.characters(), comma=st.sampled_from(("", "，", "、")))
def test_a_text_that_ends_calmly_is_cut_where_the_long_way_cuts_it(end: str, char: str, comma: str) -> None:
    text = f"好{end}{char}{comma}"
    assert cutting.undecided(text, 0) == cutting._unsettled(text, 0)


def test_every_character_that_settles_a_text_settles_it_after_anything() -> None:
    for char in map(chr, range(0x80, 0x10000, 61)):
        if cutting._SETTLED.match(char):
            for end in _ENDS:
                assert cutting._unsettled(end + char, 0) == len(end) + 1, (end, char)


_SECRETIVE = (
    "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n", "MIIEowIBAAKCAQEA", "\n", "-----END RSA ",
    "PRIVATE KEY-----", "-----END", "--", "-", "eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0", ".", "abcdefgh", "_x",
    "://", ":", "@", "host.com", "密码：", "token=", "Bearer ", "sk-", "13812345678", "，", " ", "{", "a!", "x" * 30,
    "li@example.com", "key=", "\u200b",
)  # fmt: skip
_POLICIES = {
    "redact": MASKER,
    "block": Masker(MaskPolicy(id="b", version="1", rules=(MaskRule(entity="JWT", operator="block"),)), key=b"k" * 32),
    "pseudonym": Masker(
        MaskPolicy(id="p", version="1", rules=(MaskRule(entity="*", operator="pseudonym"),)), key=b"k" * 32
    ),
}


@settings(max_examples=300, deadline=None)
@example(pieces=["://", *["MIIEowIBAAKCAQEA"] * 3, "x" * 30, "x" * 30, "，", "li@example.com"], seed=0, policy="block")
@given(
    pieces=st.lists(st.sampled_from(_SECRETIVE), max_size=14),
    seed=st.integers(0, 999),
    policy=st.sampled_from(sorted(_POLICIES)),
)
def test_a_secret_is_announced_early_only_when_nothing_can_change_it(pieces: list[str], seed: int, policy: str) -> None:
    text, masker = "".join(pieces), _POLICIES[policy]
    whole, stream = masker.mask(text, "output"), StreamMasker(masker, "output")
    out = "".join([stream.feed(chunk) for chunk in split(random.Random(seed), text)]) + stream.flush()
    assert out == whole.text
    assert (stream.spans, stream.counts, stream.blocked) == (whole.spans, whole.counts, whole.blocked)


def test_little_is_held_back_of_long_secrets() -> None:
    rng = random.Random(11)
    for entity in ("PRIVATE_KEY", "JWT"):
        text = sample(rng, entities=(entity,)).text + KINDS[entity][0](rng) * 3
        stream = StreamMasker(MASKER, "output")
        for chunk in split(rng, text):
            stream.feed(chunk)
            assert stream.held <= 64


@pytest.mark.parametrize(
    "said", ["born March 12th, 1990我们", "born on 12th march., 1990.", "DOB: Sept. 3 1990 ok", "born 3 May 1990, then"]
)
def test_a_date_in_words_is_masked_wherever_it_is_cut(said: str) -> None:
    whole = MASKER.mask(said, "output", Vault()).text
    assert "1990" not in whole
    for first in range(len(said)):
        for second in range(first, len(said)):
            stream = StreamMasker(MASKER, "output", Vault())
            pieces = said[:first], said[first:second], said[second:]
            assert "".join([*map(stream.feed, pieces), stream.flush()]) == whole, pieces


_CALLED = ("", "请拨", "tel: ", "call me at ", "phone ")
_NUMBERS = (
    "+1 415 555 0132", "(415) 555-0132", "415-555-0132", "(+44) 20 7946 0958", "0044 20 7946 0958", "+1 (415) 5",
    "555 1234", "555 12", "5551", "0 (12) 345", "13812345678",
)  # fmt: skip
_EXTENSIONS = ("x", " x ", " x", "ext", " ext ", " ext. ", "\u00a0x", "\u3000ext\u3000", "  x", " ex", " e", " May ")


@settings(max_examples=60, deadline=None)
@given(
    called=st.sampled_from(_CALLED),
    number=st.sampled_from(_NUMBERS),
    extension=st.sampled_from(_EXTENSIONS),
    more=st.sampled_from(("", "1", "123", "１２", "12345", "123456", "12a", "123.", "3 ok", "5, 6", "y")),
)
@example(called="", number="+1 415 555 0132", extension="\u00a0x", more="123")
@example(called="call me at ", number="555 12", extension=" x", more="123")
def test_a_telephone_with_an_extension_is_masked_the_same_at_every_cut(
    called: str, number: str, extension: str, more: str
) -> None:
    text = called + number + extension + more
    whole = MASKER.mask(text, "output", Vault()).text
    for at in range(len(text) + 1):
        assert cutting.undecided(text[:at], 0) == cutting.undecided_slowly(text[:at], 0)
        for pieces in ([text[:at], text[at:]], [*text[:at], text[at:]], [text[:at], *text[at:]]):
            stream = StreamMasker(MASKER, "output", Vault())
            assert "".join([*map(stream.feed, pieces), stream.flush()]) == whole, pieces
