"""What is found of a person in files, and what is said of files that cannot be looked into."""

import pytest

from gnomon.contract.verdicts import State
from gnomon.control.evidence.tables import Artefact
from gnomon.control.privacy.subjects import actions
from gnomon.engine.documents import Document, Paragraph, Section
from gnomon.engine.documents.pdf import to_pdf
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do
from tests.unit.privacy.subjects.conftest import MINE, add_evidence, add_texts, asked, erased, found, packed

PAPER = packed(word__document_xml=f"<w:p><w:t>电话{MINE}</w:t></w:p>".encode())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (PAPER[: len(PAPER) - 8], "damaged"),
        (PAPER.replace(PAPER[60:80], bytes(20)), "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted"),
        (packed(word__document_xml=b"<p/>", word__embeddings__object1=b"\1\2\0\3" * 40), "binary"),
        (packed(a=packed(b=packed(c=packed(d=b"text")))), "nested"),
    ],
)
def test_a_file_that_cannot_be_looked_into_makes_a_search_insufficient(
    platform: Platform, data: bytes, why: str
) -> None:
    ref = add_evidence(platform, data)
    row = found(platform, asked("find"))
    assert row.found["unread"] == [{"holder": "files", "ref": ref, "why": why}]
    again = found(platform, asked("find"))  # it was noted, and is not taken for looked through the second time
    assert again.found["unread"] == row.found["unread"]
    row = do(platform, "ren", actions.close_request, row.id)
    with platform.read() as session:
        assert session.get_one(Artefact, row.evidence_id).state == State.INSUFFICIENT


def test_what_can_be_read_of_a_file_is_found_beside_what_cannot(platform: Platform) -> None:
    ref = add_evidence(platform, packed(word__document_xml=f"<t>{MINE}</t>".encode(), bin=b"\0\1\2" * 99))
    row = found(platform, asked("find"))
    assert [one["ref"] for one in row.places] == [ref]
    assert [one["why"] for one in row.found["unread"]] == ["binary"]


def test_a_paper_with_a_picture_or_another_paper_in_it_is_read_whole(platform: Platform) -> None:
    inner = packed(xl__sharedStrings_xml=f"<si><t>{MINE}</t></si>".encode())
    ref = add_evidence(platform, packed(word__document_xml=b"<p/>", chart=b"\x89PNG\r\n\0", table=inner))
    row = found(platform, asked("find"))
    assert [one["ref"] for one in row.places] == [ref]
    assert row.found["unread"] == []


def test_an_erasure_beside_a_file_that_cannot_be_read_ends_and_proves_nothing_of_that_file(
    platform: Platform,
) -> None:
    add_texts(platform)
    add_evidence(platform, b"PK\x03\x04 and nothing more")
    row = erased(platform, found(platform))
    assert (row.state, [one["why"] for one in row.outcome["unread"]]) == ("done", ["damaged"])
    with platform.read() as session:
        assert session.get_one(Artefact, row.evidence_id).state == State.INSUFFICIENT


def test_a_report_of_our_own_as_pdf_is_read(platform: Platform) -> None:
    paper = Document(
        title="运行报告", number="R-1", locale="zh-CN", made_at=MONDAY, date="2026-01-05", issuer="Gnomon", facts=(),
        sections=(Section("一", (Paragraph(f"客户来电 {MINE}，已回复。"),)),),
    )  # fmt: skip
    ref = add_evidence(platform, to_pdf(paper))
    row = found(platform, asked("find"))
    assert [one["ref"] for one in row.places] == [ref]
    assert row.found["unread"] == []


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.4\n1 0 obj\n<</Type /Catalog>>\nendobj\n%%EOF",
        b"%PDF-1.7\n1 0 obj\n<</Type /ObjStm/First 9 >>\nstream\n1 0 x y\nendstream\nendobj\n%%EOF",
        b"%PDF-",
    ],
)
def test_a_pdf_of_others_is_told_as_unread(platform: Platform, data: bytes) -> None:
    add_evidence(platform, data)
    assert [one["why"] for one in found(platform, asked("find")).found["unread"]] == ["pdf"]
