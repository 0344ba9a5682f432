"""Given names are known by their digests, and a file of them that is not whole is refused."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.guard.names import given as names
from gnomon.guard.names.finder import name_finder
from gnomon.guard.names.missing import NamesMissing

SOME = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=20)


@pytest.mark.parametrize(("word", "is_one"), [("Ada", True), ("Linus", True), ("Invoice", False), ("ada", False)])
def test_a_given_name_is_known_as_it_is_written(word: str, is_one: bool) -> None:
    assert names.is_given(word) is is_one


@pytest.mark.parametrize(
    ("word", "is_one"), [("McAllister", True), ("O’Neill", True), ("GÓMEZ", True), ("Qwrtz", False)]
)
def test_a_family_name_is_known_in_whatever_letters(word: str, is_one: bool) -> None:
    assert names.is_family(word) is is_one


@pytest.mark.parametrize(
    ("word", "is_one"), [("Report", True), ("hiring", True), ("Grace", True), ("Smith", False), ("é", False)]
)
def test_a_word_of_english_is_plain_though_some_are_called_so(word: str, is_one: bool) -> None:
    assert names.is_plain(word) is is_one


@given(SOME)
def test_every_name_that_was_packed_is_there(some: list[str]) -> None:
    assert len(names.unpack(names.pack(some))) == len({names.folded(name) for name in some})


@given(SOME, st.data())
def test_a_changed_file_is_refused(some: list[str], data: st.DataObject) -> None:
    packed = names.pack(some)
    at = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(ValueError, match="digest"):
        names.unpack(packed[:at] + bytes((packed[at] ^ 1,)) + packed[at + 1 :])
    with pytest.raises(ValueError, match="digest"):
        names.unpack(packed[:at])


@pytest.mark.parametrize("file", ["FILE", "FAMILIES", "PLAIN"])
def test_without_its_file_no_finder_of_names_is_made(
    file: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.known.cache_clear()
    monkeypatch.setattr(names, file, tmp_path / "none")  # type: ignore[operator]
    with pytest.raises(NamesMissing):
        name_finder.__wrapped__("names")
    names.known.cache_clear()


def test_who_knows_words_alone_loads_no_arrays() -> None:
    told = "import sys, gnomon.app.gateway, gnomon.guard.names.given; print('numpy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "False"  # 14 MB of a gateway that finds no names
