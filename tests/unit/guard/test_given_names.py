"""Given names are known by their digests, and a file of them that is not whole is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.guard.names import given as names
from gnomon.guard.names.artefact import NamesMissing
from gnomon.guard.names.finder import name_finder

SOME = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=20)


@pytest.mark.parametrize(("word", "is_one"), [("Ada", True), ("Linus", True), ("Invoice", False), ("ada", False)])
def test_a_given_name_is_known_as_it_is_written(word: str, is_one: bool) -> None:
    assert names.is_given(word) is is_one


@given(SOME)
def test_every_name_that_was_packed_is_there(some: list[str]) -> None:
    assert len(names.unpack(names.pack(some))) == len(set(some))


@given(SOME, st.data())
def test_a_changed_file_is_refused(some: list[str], data: st.DataObject) -> None:
    packed = names.pack(some)
    at = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(ValueError, match="digest"):
        names.unpack(packed[:at] + bytes((packed[at] ^ 1,)) + packed[at + 1 :])
    with pytest.raises(ValueError, match="digest"):
        names.unpack(packed[:at])


def test_without_its_file_no_finder_of_names_is_made(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    names.known.cache_clear()
    monkeypatch.setattr(names, "FILE", tmp_path / "none")  # type: ignore[operator]
    with pytest.raises(NamesMissing):
        name_finder.__wrapped__("names")
    names.known.cache_clear()
