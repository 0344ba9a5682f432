"""Whatever is written about whom: after an erasure nothing of that person is found, and no other text has changed."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.control.privacy.subjects import persons, rules
from gnomon.control.privacy.subjects.schemas import Identifier
from gnomon.kit import services
from gnomon.kit.settings import Settings

PEOPLE = ("13812345678", "li.lei@example.com", "13998765432", "han.mm@example.org")
SPELLINGS = (
    lambda value: value,
    lambda value: value.upper() if "@" in value else f"+86 {value}",
    lambda value: value if "@" in value else f"{value[:3]} {value[3:7]} {value[7:]}",
    lambda value: value if "@" in value else value.translate({48 + n: 0xFF10 + n for n in range(10)}),
)
WORDS = st.sampled_from(("请联系", "，电话：", "来电投诉 ", " mail: ", "。", "\n", "订单 3 件，", " the caller "))
MENTION = st.tuples(WORDS, st.integers(0, 3), st.sampled_from(SPELLINGS), WORDS)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("home")
    services.fill(settings=Settings(home=folder))
    return folder


@settings(max_examples=60)
@given(st.lists(MENTION, min_size=1, max_size=8), st.integers(0, 3))
def test_one_person_goes_and_every_other_character_stays(mentions: list[tuple], who: int) -> None:  # type: ignore[type-arg]
    texts = [(number, f"{before}{spell(PEOPLE[number])}{after}") for before, number, spell, after in mentions]
    one = persons.wanted([Identifier(entity="EMAIL" if "@" in PEOPLE[who] else "CN_MOBILE", value=PEOPLE[who])])
    for number, text in texts:
        redacted, count = one.redacted(text)
        assert (count > 0) == (number == who), text
        assert number == who or redacted == text
        assert not one.shown(redacted)
        found = {token for token, _ in persons.seen(redacted, persons.index(), persons.noted())}
        assert found.isdisjoint(one.tokens)


@settings(max_examples=60)
@given(st.lists(MENTION, min_size=1, max_size=6), st.integers(0, 3))
def test_a_copy_for_one_person_holds_nobody_else(mentions: list[tuple], who: int) -> None:  # type: ignore[type-arg]
    text = "；".join(f"{before}{spell(PEOPLE[number])}{after}" for before, number, spell, after in mentions)
    one = persons.wanted([Identifier(entity="EMAIL" if "@" in PEOPLE[who] else "CN_MOBILE", value=PEOPLE[who])])
    told = one.only_theirs({"text": text})["text"]
    others = persons.wanted([Identifier(entity="EMAIL", value=value) for n, value in enumerate(PEOPLE) if n != who])
    assert not others.shown(told)
    assert one.shown(told) == any(number == who for _, number, _, _ in mentions)


ENTITIES = st.sampled_from(("CN_MOBILE", "EMAIL", "PERSON", "ADDRESS", "DOB"))


@given(st.lists(st.lists(ENTITIES, min_size=1, max_size=4), max_size=6))
def test_a_weak_identifier_never_decides_alone(places: list[list[str]]) -> None:
    strong, weak = {"CN_MOBILE", "EMAIL"}, {"PERSON", "ADDRESS", "DOB"}
    sightings = [rules.Sighting("texts", str(n), tuple(entities)) for n, entities in enumerate(places)]
    sure, possible = rules.split(sightings, strong=strong, weak=weak)
    assert sorted(one.ref for one in [*sure, *possible]) == sorted(one.ref for one in sightings)
    assert all(len(set(one.entities)) == 1 and set(one.entities) <= weak for one in possible)
    assert all(set(one.entities) & strong or len(set(one.entities)) > 1 for one in sure)


@pytest.mark.parametrize("state", sorted(rules.STATES))
def test_what_is_over_stays_over(state: str) -> None:
    assert (not rules.STATES[state]) == (state in rules.OVER)
    for to in set(rules.STATES) - rules.STATES[state]:
        with pytest.raises(rules.WrongState):
            rules.advance("GR-2026-0001", state, to)
