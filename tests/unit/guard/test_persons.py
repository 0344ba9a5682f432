"""One person, however the identifier is written; nobody without the key learns whose token it is."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.guard.persons import PersonIndex, add_key, forget_keys, key_files, person_index, plain_form
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, Masker
from gnomon.guard.stream import StreamMasker
from gnomon.kit.errors import BadInput

INDEX = PersonIndex([bytes(range(32))])
MOBILE = "13812345678"


@pytest.mark.parametrize(
    "written",
    [
        "138 1234 5678",
        "+86-138-1234-5678",
        "0086 13812345678",
        "１３８１２３４５６７８",
        "一三八一二三四五六七八",
        "8613812345678",
        "1381\u200b2345678",
    ],
)
def test_a_number_is_one_however_it_is_written(written: str) -> None:
    assert INDEX.token(written) == INDEX.token(MOBILE)


def test_letters_of_either_case_are_one_and_dots_in_a_mailbox_count() -> None:
    assert INDEX.token("Zhang.San@Example.com") == INDEX.token("zhang.san@example.com")
    assert INDEX.token("zhangsan@example.com") != INDEX.token("zhang.san@example.com")
    assert INDEX.token("11010519491231002x") == INDEX.token("110105 19491231 002X")


def test_a_name_of_numerals_stays_a_name() -> None:
    assert plain_form("王一") == "王一"
    assert plain_form("O'Neil, Anne") == "oneilanne"


@given(st.lists(st.tuples(st.sampled_from(" -_.·()"), st.sampled_from(MOBILE)), min_size=2, max_size=30))
def test_separators_never_change_a_number(pieces: list[tuple[str, str]]) -> None:
    plain = "".join(digit for _, digit in pieces)
    assert INDEX.token("".join(sign + digit for sign, digit in pieces)) == INDEX.token(plain)


@given(st.text(st.characters(codec=None), max_size=80))
def test_any_text_has_a_token_or_none_and_the_same_one_twice(text: str) -> None:
    token = INDEX.token(text)
    assert token == INDEX.token(text)
    assert not token or re.fullmatch(r"[0-9a-f]{32}", token)


def test_without_the_key_a_token_cannot_be_made() -> None:
    other = PersonIndex([bytes(32)])
    assert other.token(MOBILE) != INDEX.token(MOBILE)


def test_what_was_noted_under_an_old_key_is_found_and_old_keys_end(tmp_path: Path) -> None:
    first = person_index(tmp_path)
    before = first.token(MOBILE)
    name = add_key(tmp_path)
    now = person_index(tmp_path)
    assert now.key_names == (*first.key_names, name)
    assert now.token(MOBILE) != before
    assert before in now.tokens(MOBILE)
    assert forget_keys(tmp_path, used=first.key_names) == []
    assert forget_keys(tmp_path, used=[name]) == list(first.key_names)
    assert before not in person_index(tmp_path).tokens(MOBILE)


def test_key_files_are_for_their_owner_alone_and_a_short_one_is_refused(tmp_path: Path) -> None:
    person_index(tmp_path)
    (path,) = key_files(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"short")
    with pytest.raises(BadInput):
        person_index(tmp_path)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_vault_knows_every_value_that_was_masked_and_no_secret(size: int) -> None:
    text = "我是13812345678，口令: hunter2hunter2，邮箱 a.b@example.com。"
    masker, vault = Masker(DEFAULT_POLICY, key=bytes(32)), Vault()
    masker.mask(text, "input", vault)
    assert vault.met == {"13812345678", "a.b@example.com"}
    other = Vault()
    stream = StreamMasker(masker, "output", other)
    for at in range(0, len(text), size):
        stream.feed(text[at : at + size])
    stream.flush()
    assert other.met == vault.met
