"""Organisations in Latin letters, by their form, their kind and what is said of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.guard.names.finder import NameFinder, by_rules

FINDER = NameFinder([by_rules({"addresses", "titles", "postal"})], ())


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in FINDER.spans(text) if span.entity == "ORGANIZATION"]


@pytest.mark.parametrize(
    ("text", "organisation"),
    [
        ("Send the invoice to Hollow Oak Inc. today", "Hollow Oak Inc."),
        ("Brandt & Söhne GmbH hat bezahlt", "Brandt & Söhne GmbH"),
        ("Owned by Marlow, Pike and Trent LLC since then", "Marlow, Pike and Trent LLC"),
        ("She studied at the University of Northfield before", "University of Northfield"),
        ("Patients of Saint Olave Hospital wrote", "Saint Olave Hospital"),
        ("I work for Quillstack and like it", "Quillstack"),
        ("He was the CEO of Pellucid Data until May", "Pellucid Data"),
        ("The Quillstack office is in Leeds", "Quillstack"),
        ("Quillstack is a small software company", "Quillstack"),
        ("Quillstack shares fell", "Quillstack"),
        ("a year at Marlow, Pike and Trent before", "Marlow, Pike and Trent"),
        ("The Marlow, Pike and Trent Orchestra plays", "Marlow, Pike and Trent Orchestra"),
        ("The U.N. office is closed", "U.N."),
        ("Company: Quillstack", "Quillstack"),
        ("She joined Quillstack in May", "Quillstack"),
        ("Invoice from Umbra Coffee Roasters, 12 March", "Umbra Coffee Roasters"),
        ("St. Brendan's Hospital lost the file", "St. Brendan's Hospital"),
        ("anna is from quillstack computing inc. in leeds", "quillstack computing inc."),
        ("We meet at Quillstack, 12 Pellucid Road", "Quillstack"),
        ("Copyright 2017 Red Quill, Inc.", "Red Quill, Inc."),
    ],
)
def test_an_organisation_is_found(text: str, organisation: str) -> None:
    assert found(text) == [organisation]


@pytest.mark.parametrize(
    "text",
    [
        "I work for Anna and like it",
        "Anna, Bob and Carl met in Leeds",
        "In May we worked at home",
        "The company is small",
        "My bank and the hospital are closed",
        "PLEASE WORK FOR US",
        "Monday was founded on Sunday",
        "Operating Systems and Storage Solutions",
        "Anna is from Estonia.",
    ],
)
def test_people_and_ordinary_words_are_no_organisations(text: str) -> None:
    assert found(text) == []


def test_a_line_below_a_person_is_the_firm() -> None:
    assert found("Ada Lovelace\nQuillstack\n12 Pellucid Road\n") == ["Quillstack"]
    assert found("Ada Lovelace\nSales Manager\n") == found("Ada Lovelace\nBob Jones\n") == found("Quillstack\n") == []


def test_partners_of_a_firm_are_found_past_the_end_of_a_sentence() -> None:
    text = "Aristotle said that he spent a whole long year at Marlow, Pike and Trent as their clerk"

    assert found(text) == ["Marlow", "Pike and Trent"]


@given(
    st.lists(
        st.sampled_from(["Ab ", "Ab", ", ", "and ", "of ", "Inc.", "& ", "-", "a", "\n", "work for ", "Bank"]),
        max_size=90,
    )
)
def test_a_stream_finds_what_the_whole_text_finds(pieces: list[str]) -> None:
    window, said = FINDER.window(), 0
    spans: list[tuple[int, int]] = []
    for piece in pieces:
        out, more = window.feed(piece)
        spans += [(span.start + said, span.end + said) for span in more]
        said += len(out)
    spans += [(span.start + said, span.end + said) for span in window.rest()[1]]

    assert spans == [(span.start, span.end) for span in FINDER.spans("".join(pieces))]


@pytest.mark.parametrize("unit", ["Ab ", "Ab-", "Ab, ", "Ab and ", "work for Ab ", "Bank of "])
def test_a_hostile_text_is_read_to_its_end(unit: str) -> None:
    text = unit * 4_000

    assert all(0 <= span.start < span.end <= len(text) for span in FINDER.spans(text))
