import csv
import io
from datetime import UTC, date, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.documents import BadDocument, Register, Sheet, paper_number, to_csv, to_html, to_pdf, to_xlsx
from gnomon.engine.documents.numbering import chinese, heading_number
from gnomon.engine.documents.text import inert, legal
from tests.unit.documents.samples import MADE_AT, paper


def register(*cells: str | int | float | date | None) -> Register:
    sheet = Sheet("台账", ("a", "b"), tuple((f"r{i}", cell) for i, cell in enumerate(cells)), (10, 20))
    return Register("整改台账", "ZG-TZ-2026-0001", "zh-CN", MADE_AT, "2026-03-09", "技术团队", (sheet,))


def test_a_pdf_has_the_same_bytes_every_time_and_carries_its_fonts():
    first = to_pdf(paper())
    assert first == to_pdf(paper())
    assert first.startswith(b"%PDF-1.7")


def test_html_shows_typed_markup_as_text_and_loads_nothing():
    html = to_html(paper(text='<img src="http://example.com/x.png">'))
    assert "&lt;img src=" in html
    assert "http://example.com" not in html.replace("&#34;http://example.com/x.png&#34;", "")


def test_html_has_the_same_figures_as_word():
    html = to_html(paper())
    for figure in ("58.8%", "54.9%", "82.3%", "85.2%"):
        assert f">{figure}</td>" in html


def test_a_register_has_the_same_bytes_every_time():
    assert to_xlsx(register("x", 0.5)) == to_xlsx(register("x", 0.5))


def test_typed_text_is_never_a_formula():
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx(register("=1+1", "\x00@x")))).active
    assert [sheet.cell(row, 2).data_type for row in (5, 6)] == ["s", "s"]
    assert sheet.cell(5, 2).value == "=1+1"
    rows = list(csv.reader(io.StringIO(to_csv(register("=1+1", "-0.5", "@x")).decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:]] == ["'=1+1", "-0.5", "'@x"]


def test_cells_keep_their_types():
    day = date(2026, 3, 9)
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx(register(3, 0.25, day, None)))).active
    assert [sheet.cell(row, 2).value for row in (5, 6, 7, 8)] == [3, 0.25, datetime(2026, 3, 9), None]


def test_the_head_of_a_register_stays_in_sight_and_on_every_printed_page():
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx(register("x")))).active
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("B5", "$4:$4")
    assert sheet.auto_filter.ref == "A4:B5"


def test_a_register_whose_rows_do_not_fit_is_refused():
    with pytest.raises(BadDocument):
        Sheet("x", ("a", "b"), (("1",),), (1, 1))


def test_papers_are_numbered_as_offices_do():
    assert paper_number("YX-BS", 2026, 12) == "YX-BS-2026-0012"
    assert paper_number("ZG", 2026, 7, round=3) == "ZG-2026-03-007"


@given(st.integers(1, 99))
def test_chinese_numerals_count_up(value: int):
    digits = {d: i for i, d in enumerate("零一二三四五六七八九")}
    tens, _, ones = chinese(value).rpartition("十")
    assert (digits.get(tens, 1) * 10 if "十" in chinese(value) else 0) + digits.get(ones, 0) == value


def test_headings_are_numbered_by_level():
    assert [heading_number("zh-CN", place) for place in ((1,), (1, 11), (1, 1, 3))] == ["一、", "（十一）", "3. "]
    assert heading_number("en", (2, 1, 3)) == "2.1.3  "


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_legal_text_is_legal_and_inert_text_starts_no_formula(text: str):
    from xml.etree import ElementTree
    from xml.sax.saxutils import escape

    ElementTree.fromstring(f"<a>{escape(legal(text))}</a>")
    assert inert(text).lstrip("'")[:1] == text.lstrip("'")[:1]
    assert not inert(text).startswith(("=", "@"))


def test_legal_leaves_ordinary_text_alone():
    assert legal("中文 English\n\t🙂") == "中文 English\n\t🙂"
    assert MADE_AT.tzinfo is UTC
