"""Addresses in Latin letters: of several countries, over several lines, and what looks like one and is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.guard.names.finder import NameFinder, by_rules

FINDER = NameFinder([by_rules({"addresses", "titles", "english"})], ())


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in FINDER.spans(text) if span.entity == "ADDRESS"]


@pytest.mark.parametrize(
    "address",
    [
        "221B Baker Street, London NW1 6XE",
        "1600 Pennsylvania Ave NW, Washington, DC 20500",
        "350 Fifth Avenue, New York, NY 10118",
        "99 W. 5th St. Apt 4, Springfield, IL 62701-1234",
        "12 main street suite 4",
        "Flat 3, 10 Downing St",
        "111 Wellington St, Ottawa, ON K1A 0A9",
        "8 George Street, Sydney, NSW 2000",
        "P.O. Box 149, Nairobi",
        "PSC 0413, Box 8144",
        "FPO AP 96349",
        "Lange Hauptstraße 12a, 10115 Berlin",
        "12 rue de la Paix, 75002 Paris, France",
        "Calle Mayor 5, 28013 Madrid",
        "Via Roma, 12, 00184 Roma",
        "ul. Marszałkowska 10, 00-590 Warszawa",
        "Storgatan 7, 11122 Stockholm",
        "Kossuth Lajos u. 20",
    ],
)
def test_an_address_is_found_whole_in_a_sentence_and_on_a_line_of_its_own(address: str) -> None:
    assert found(f"We moved to {address}.") == [address]
    assert found(f"Name: Ann\n{address}\n") == [address]


def test_the_lines_of_an_address_are_one() -> None:
    address = "41 Castle Road\n Suite 464\n OULU\n\n Finland 80896"

    assert found(f"Ann Lee\n\n{address}\nMobile: 040 1234567\n") == [address]


@pytest.mark.parametrize("line", ["Best regards", "Thanks", "Anna Lee", "Invoice", "Total due"])
def test_what_stands_below_an_address_is_no_more_of_it(line: str) -> None:
    assert found(f"221B Baker Street\nLondon NW1 6XE\n{line}\n") == ["221B Baker Street\nLondon NW1 6XE"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("28 Wzedeby 55\n Apt. 297\n TYSTBERGA\n", "28 Wzedeby 55\n Apt. 297\n TYSTBERGA"),
        ("He waits at the corner of Fifth and Main.", "the corner of Fifth and Main"),
        ("meet me at 24 tawastintie 6, turku, finland", "24 tawastintie 6, turku, finland"),
        ("Drop me off at 19 Wzovského 13", "19 Wzovského 13"),
        ("143 31 rue de la Hulotais Apt. 87", "143 31 rue de la Hulotais Apt. 87"),
        ("USNS Wzerg\nFPO AP 93757\n", "USNS Wzerg\nFPO AP 93757"),
    ],
)
def test_an_address_is_told_by_its_flat_its_corner_or_its_country(text: str, address: str) -> None:
    assert found(text) == [address]


def test_an_address_that_was_announced_needs_no_word_for_a_street() -> None:
    assert found("Please send it to 19 Dobrovského 1394 soon") == ["19 Dobrovského 1394"]
    assert found("She bought 19 Dobrovského 1394 soon") == []


@pytest.mark.parametrize(
    "text",
    [
        "it took a 10 minutes drive",
        "Section 5 drives the car",
        "Unit 5 of the course",
        "I walked 2 blocks down the road.",
        "see Chapter 7 Square roots and Table 3",
        "Copyright 1991-1997, Thomas G. Lane",
        "Copyright 2009, Anna Lane and others",
        "Python 3 in New York is fun",
        "In May 2024 we opened in Berlin",
        "there are 3 ways and 4 places to court",
        "Version 12 Way better than 11",
        "12 March 2020",
        "Section 4 Table 12, Figure 3",
        "10 Items 25",
    ],
)
def test_what_only_looks_like_an_address_is_left_alone(text: str) -> None:
    assert found(text) == []


PIECES = st.sampled_from(
    ["Aa", "a", "1", "12", "-", " ", ", ", ".", "'", "\n", "St", "Apt 4", "UK", "de ", "NY 12345", "ul."]
)


@given(st.lists(PIECES, max_size=120).map("".join), st.data())
def test_a_stream_finds_what_the_whole_text_finds(text: str, data: st.DataObject) -> None:
    window, at, said, spans = FINDER.window(), 0, 0, []
    while at < len(text):
        size = data.draw(st.integers(1, 40))
        out, more = window.feed(text[at : at + size])
        spans += [(span.start + said, span.end + said) for span in more]
        said, at = said + len(out), at + size
    _, more = window.rest()
    spans += [(span.start + said, span.end + said) for span in more]

    assert spans == [(span.start, span.end) for span in FINDER.spans(text)]


@pytest.mark.parametrize(
    "unit", ["Aa-", "Ab ", "Von De La ", "1 ", "AB1 2CD", "Street12-12", "York, NY ", "1 Ab St\n", "Suite 1\n"]
)
def test_a_hostile_text_is_read_to_its_end(unit: str) -> None:
    text = unit * 4_000  # with a pattern that tries again from everywhere, this ends in hours

    assert all(0 <= span.start < span.end <= len(text) for span in FINDER.spans(text + "1"))
