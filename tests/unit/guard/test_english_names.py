"""People in Latin letters: in letters, tickets, forms and chats, from everywhere, and what only looks like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.guard.names import english
from gnomon.guard.names.finder import NameFinder, by_rules

FINDER = NameFinder([by_rules({"addresses", "titles", "postal"})], ())


def found(text: str, entity: str = "PERSON") -> list[str]:
    return [text[span.start : span.end] for span in FINDER.spans(text) if span.entity == entity]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Dear Søren Kjærgaard, thank you.", ["Søren Kjærgaard"]),
        ("From: Ingrid Aasen <i.aasen@example.org>", ["Ingrid Aasen"]),
        (
            "Cc: Priyanka Venkataraman, Zhang Wei and Xiaoming Li",
            ["Priyanka Venkataraman", "Zhang Wei", "Xiaoming Li"],
        ),
        ("Patient name: Nguyễn Thị Hương", ["Nguyễn Thị Hương"]),
        ("Dr. Mäkinen saw Juhani Virtanen in the clinic.", ["Mäkinen", "Juhani Virtanen"]),
        ("Ticket #4411 assigned to Kateřina Nováková.", ["Kateřina Nováková"]),
        ("Assignee: Mehmet Yıldırım", ["Mehmet Yıldırım"]),
        ("JOHN MCALLISTER signed the lease.", ["JOHN MCALLISTER"]),
        ("I, Giorgos Papadopoulos, hereby declare that", ["Giorgos Papadopoulos"]),
        ("Witness statement of Abdulrahman Al-Harbi", ["Abdulrahman Al-Harbi"]),
        ("The driver was Mohammed Al Fayed.", ["Mohammed Al Fayed"]),
        ("Please send it to Karel van den Berg.", ["Karel van den Berg"]),
        ("Park Ji-woo paid the bill.", ["Park Ji-woo"]),
        ("Ivanov said that he would pay.", ["Ivanov"]),
        ("According to Fitzwilliam, the contract was void.", ["Fitzwilliam"]),
        ("Seller: ABDULKARIM NASSAR, Buyer: HELGA FRIEDRICHS", ["ABDULKARIM NASSAR", "HELGA FRIEDRICHS"]),
        ("Emma: Hi, how are you?", ["Emma"]),
        ("Her maiden name is Key", ["Key"]),
        ("Grace's husband called Mark Zorn", ["Grace", "Mark Zorn"]),
        ("our founders: Eklund, Roe and Vasquez.", ["Eklund", "Roe", "Vasquez"]),
        ("change it to Ivan King", ["Ivan King"]),
    ],
)
def test_a_person_is_found_by_names_or_by_what_is_said(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hi, this is fatima zahra from accounts", ["fatima zahra"]),
        ("hey lukas, can you call anneke de vries back?", ["lukas", "anneke de vries"]),
        ("my name is joao ferreira and i lost my card", ["joao ferreira"]),
        ("reporter: dvorak ivan", ["dvorak ivan"]),
        ("Reporter: dvorak ivan", ["dvorak ivan"]),
        ("the parcel for magdalena wzaragianni never arrived", ["magdalena wzaragianni"]),
        ("please print the annual report and mark it read", []),
    ],
)
def test_who_writes_without_capitals_is_found_by_two_names(text: str, names: list[str]) -> None:
    assert found(text) == names


def test_a_name_is_found_that_the_sentence_before_asked_for() -> None:
    assert found("Best regards,\n\nWzxa Qorl\n") == ["Wzxa Qorl"]
    assert found("What's your name? Wzxa Qorl") == ["Wzxa Qorl"]
    assert found("Wzxa Qorl\n") == []


def test_a_list_of_people_goes_on_in_the_next_sentence() -> None:
    text = "It began in a garden, many years ago, with three founders: Eklund, Wzxa and Vasquez."

    assert found(text) == ["Eklund", "Wzxa", "Vasquez"]


def test_a_person_is_found_again_by_the_family_name() -> None:
    assert found("We met Edi Wzxakov. Few knew what Wzxakov wrote? No.") == ["Edi Wzxakov", "Wzxakov"]
    assert english.family_of("Edi Wzxakov") == "Wzxakov"
    assert english.family_of("Anna Field") == english.family_of("Anna") == ""


@pytest.mark.parametrize(
    "text",
    [
        "Open the File menu and choose Save As.",
        "The Quick Start Guide explains Visual Studio Code.",
        "Google Cloud Platform and Amazon Web Services are supported.",
        "We flew to San Juan and then to Santa Barbara.",
        "Use Newton's method or Euler's formula.",
        "Dear Customer, Dear Sir or Madam, Dear Hiring Manager,",
        "Thanks,\nThe Support Team\n",
        "Name: Quarterly Report",
        "Happy New Year and Merry Christmas!",
        "Max Width, Min Height and Mark All Read",
        "Saudi Arabia and St. Moritz",
        "Grant Access to Will Call",
        "Please contact Human Resources or Technical Support.",
        "Methodology: For both, see below. Lzma (14)",
        "The Server, the Link and the Line are down; Add a Case.",
    ],
)
def test_what_is_written_with_capitals_is_not_therefore_a_person(text: str) -> None:
    assert found(text) == []


PIECES = [
    "Ann ", "Lovelace", "Wzxa ", ", ", "and ", ": ", "\n", "Thanks,\n", "founders: ", "name? ", "anna ", "smith",
    "work at ", "SMITH ", "? ", ". ", "Mr. ", "'s wife", "The ", " Inc.", "一",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join), st.data())
def test_a_stream_finds_what_the_whole_text_finds(text: str, data: st.DataObject) -> None:
    window, at, said = FINDER.window(), 0, 0
    spans: list[tuple[int, int, str]] = []
    while at < len(text):
        size = data.draw(st.integers(1, 40))
        out, more = window.feed(text[at : at + size])
        spans += [(span.start + said, span.end + said, span.entity) for span in more]
        said, at = said + len(out), at + size
    spans += [(span.start + said, span.end + said, span.entity) for span in window.rest()[1]]

    assert spans == [(span.start, span.end, span.entity) for span in FINDER.spans(text)]


@pytest.mark.parametrize(
    "unit", ["Ann ", "Ann, ", "founders: Ann, ", "SMITH ", "anna smith ", "J. ", "Thanks,\n", "Mr. "]
)
def test_a_hostile_text_is_read_to_its_end(unit: str) -> None:
    text = unit * 4_000  # with a pattern that tries again from everywhere, this ends in hours

    assert all(0 <= span.start < span.end <= len(text) for span in FINDER.spans(text))
