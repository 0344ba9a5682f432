import io
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.documents import BadDocument, Section, Table, to_docx
from tests.unit.documents.samples import paper


def opened(data: bytes) -> docx.document.Document:
    return docx.Document(io.BytesIO(data))


def texts(word: docx.document.Document) -> list[str]:
    return [paragraph.text for paragraph in word.paragraphs]


def test_the_same_document_gives_the_same_bytes():
    assert to_docx(paper()) == to_docx(paper())


def test_the_bytes_change_with_a_single_figure():
    assert to_docx(paper(text="82.3%")) != to_docx(paper(text="82.4%"))


def test_the_content_digest_says_what_is_said_not_when():
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert paper().content_sha256 == paper(made_at=later).content_sha256
    assert paper().content_sha256 != paper(text="别的").content_sha256


def test_no_entry_of_the_file_carries_a_time_of_its_own():
    with zipfile.ZipFile(io.BytesIO(to_docx(paper()))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist()[0] == "[Content_Types].xml"
        assert not [name for name in archive.namelist() if "thumbnail" in name or "customXml" in name]


def test_every_part_is_well_formed_and_every_part_named_exists():
    with zipfile.ZipFile(io.BytesIO(to_docx(paper("en")))) as archive:
        names = set(archive.namelist())
        for name in names:
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(archive.read(name))
        types = ElementTree.fromstring(archive.read("[Content_Types].xml"))
        named = {one.get("PartName", "").lstrip("/") for one in types} - {""}
        assert named <= names


def test_headings_are_real_styles_numbered_as_chinese_papers_are():
    found = [(p.style.name, p.text) for p in opened(to_docx(paper())).paragraphs if p.style.name.startswith("Heading")]
    assert found == [
        ("Heading 1", "一、工作概况"),
        ("Heading 2", "（一）四项目标"),
        ("Heading 3", "1. 细目"),
        ("Heading 1", "二、成效"),
        ("Heading 1", "三、证据"),
    ]


def test_english_headings_are_numbered_by_level():
    found = [p.text for p in opened(to_docx(paper("en"))).paragraphs if p.style.name.startswith("Heading")]
    assert found[:3] == ["1  工作概况", "1.1  四项目标", "1.1.1  细目"]


def test_every_style_names_a_chinese_font():
    styles = opened(to_docx(paper())).styles
    by_name = {
        style.name: style.element.rPr.rFonts.get(qn("w:eastAsia"))
        for style in styles
        if style.element.rPr is not None and style.element.rPr.rFonts is not None
    }
    assert (by_name["Heading 1"], by_name["Heading 2"], by_name["Body Text"]) == ("黑体", "楷体", "仿宋")
    assert all(by_name.values())


def test_heads_repeat_and_rows_stay_whole():
    table = next(table for table in opened(to_docx(paper())).tables if len(table.rows) > 50)
    first = table.rows[0]._tr.trPr
    assert first.find(qn("w:tblHeader")) is not None
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)
    assert table.rows[1]._tr.trPr.find(qn("w:tblHeader")) is None


def test_the_contents_are_a_field_with_its_entries_in_place():
    word = opened(to_docx(paper()))
    listed = [p.text for p in word.paragraphs if p.style.name.startswith("toc ")]
    assert listed == ["一、工作概况", "（一）四项目标", "二、成效", "三、证据"]
    codes = [code.text for code in word.element.iter(qn("w:instrText"))]
    assert any(code.strip().startswith("TOC") for code in codes)
    kinds = [one.get(qn("w:fldCharType")) for one in word.element.iter(qn("w:fldChar"))]
    assert kinds.count("begin") == kinds.count("end") == kinds.count("separate")


def test_number_title_and_digest_stand_on_every_page():
    section = opened(to_docx(paper())).sections[0]
    for header, footer in ((section.header, section.footer), (section.even_page_header, section.even_page_footer)):
        assert header.paragraphs[0].text == "ZG-2026-03-007\t整改报告"
        assert paper().content_sha256 in footer.paragraphs[0].text


def test_a_figure_has_its_numbers_beside_it_and_words_for_those_who_cannot_see_it():
    word = opened(to_docx(paper()))
    assert [shape._inline.docPr.get("descr") for shape in word.inline_shapes] == ["准确率", "任务"]
    cells = [cell.text for table in word.tables for cell in table._cells]
    assert {"58.8%", "54.9%", "82.3%", "85.2%"} <= set(cells)


def test_an_empty_table_says_why():
    cells = [cell.text for table in opened(to_docx(paper())).tables for cell in table._cells]
    assert "没有未完成事项" in cells


def test_the_properties_say_who_what_and_when():
    core = opened(to_docx(paper())).core_properties
    assert (core.identifier, core.author, core.title) == ("ZG-2026-03-007", "技术团队", "整改报告")
    assert core.modified == datetime(2026, 3, 9, 2, 30, tzinfo=UTC)


@settings(max_examples=12, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
def test_whatever_people_typed_gives_a_file_that_opens(typed: str):
    assert opened(to_docx(paper(text=typed))).core_properties.title == "整改报告"


def test_a_row_that_does_not_fit_its_header_is_refused():
    with pytest.raises(BadDocument, match="3 cells"):
        Table("x", ("a", "b"), (("1", "2", "3"),))
    with pytest.raises(BadDocument):
        Section("  ")
