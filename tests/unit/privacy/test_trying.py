"""A policy is tried on texts and small documents, and beside another one; what is shown is what would happen."""

import io
import json
import zipfile
from typing import Any

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.masking import FIELD, MaskPolicy, MaskRule
from gnomon.control.privacy.comparing import as_dict, compared, differences, rules_as_lines
from gnomon.control.privacy.documents import MOST_BYTES, MOST_UNPACKED, masked_document
from gnomon.control.privacy.trying import Bench
from gnomon.guard.carriers import UnreadableDocument
from gnomon.guard.policy import DEFAULT_POLICY

PHONE = "13812345678"
VALUES = (PHONE, "zhang.san@example.com", "110105194912310021", "令牌", "\ud800", "。")


def policy(*rules: MaskRule, **changes: Any) -> MaskPolicy:
    return MaskPolicy(id="tried", version="1", rules=rules or DEFAULT_POLICY.rules, **changes)


def bench(*rules: MaskRule, **changes: Any) -> Bench:
    return Bench(policy(*rules), direction="input", **changes)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(VALUES), st.text(max_size=8)), max_size=12).map(" ".join),
    st.sampled_from(["redact", "keep", "mask", "block", "pseudonym"]),
)
def test_the_parts_are_the_text_before_and_after(text: str, operator: Any) -> None:
    tried = bench(MaskRule(entity="EMAIL", operator=operator), MaskRule(entity="*", operator="redact"))
    masked = tried.apply(text)
    seen = tried.seen(text, masked)
    assert seen.before == text
    assert seen.after == masked.text


def test_what_is_found_and_kept_is_shown_as_kept() -> None:
    tried = bench(MaskRule(entity="EMAIL", operator="keep"), MaskRule(entity="*", operator="mask"))
    tried.apply(f"联系 a.b@example.com 或 {PHONE}")
    found = [(part.entity, part.operator, part.is_changed) for part in tried.trial.pieces[0].parts if part.entity]
    assert found == [("EMAIL", "keep", False), ("CN_MOBILE", "mask", True)]
    assert tried.trial.counts == {("EMAIL", "keep"): 1, ("CN_MOBILE", "mask"): 1}


def test_purpose_and_speed_of_the_trial_decide() -> None:
    rules = (MaskRule(entity="*", operator="keep", purposes=("export",)), MaskRule(entity="*", operator="redact"))
    assert bench(*rules, purpose="export").apply(PHONE).text == PHONE
    assert bench(*rules, purpose="log").apply(PHONE).text != PHONE
    assert bench(*rules, speed="names").tool.policy.speed == "names"


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", f"电话{PHONE}\n".encode(), "电话138****5678\n"),
        ("a.csv", f"姓名,电话\r\n张三,{PHONE}\r\n".encode(), "姓名,电话\r\n张三,138****5678\r\n"),
        ("a.csv", f"电话\n{PHONE}\n".encode("gb18030"), "电话\n138****5678\n"),
        ("a.json", json.dumps({"a": [f"{PHONE}"]}).encode(), '{\n  "a": [\n    "138****5678"\n  ]\n}\n'),
        ("a.jsonl", b'{"a": "13812345678"}\n\n{"b": "\\ud800"}\n', '{"a": "138****5678"}\n{"b": "\\ud800"}\n'),
    ],
)
def test_a_small_file_comes_out_in_its_own_kind_and_encoding(name: str, data: bytes, expected: str) -> None:
    tried = bench(MaskRule(entity="*", operator="mask"))
    out, kind = masked_document(tried, data, name)
    assert kind == name.rpartition(".")[2]
    assert out == expected.encode("utf-8" if _is_utf8(data) else "gb18030")
    assert tried.trial.touched == 1


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _docx(text: str) -> bytes:
    document, out = Document(), io.BytesIO()
    document.add_paragraph(text)
    document.save(out)
    return out.getvalue()


def test_a_word_document_is_masked_and_its_changed_paragraph_shown() -> None:
    tried = bench(MaskRule(entity="*", operator="redact"))
    out, kind = masked_document(tried, _docx(f"电话{PHONE}"), "a.docx")
    assert kind == "docx"
    assert PHONE not in "".join(p.text for p in Document(io.BytesIO(out)).paragraphs)
    assert [seen.before for seen in tried.trial.pieces] == [f"电话{PHONE}"]


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        package.writestr("word/document.xml", b" " * (MOST_UNPACKED + 1))
    return out.getvalue()


def _damaged() -> bytes:
    data = bytearray(_docx("x" * 5000))
    at = data.index(b"word/document.xml")
    data[at + 60 : at + 90] = bytes(30)
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", b"%PDF-1.4"),
        ("a.docx", b"no package"),
        ("a.docx", _bomb()),
        ("a.docx", _damaged()),
        ("a.txt", b"\xff\xff\xff"),
        ("a.txt", b" " * (MOST_BYTES + 1)),
        ("a.json", b"{"),
        ("a.json", b"[" * 100_000),
    ],
)
def test_what_cannot_be_read_is_refused_with_words(name: str, data: bytes) -> None:
    with pytest.raises(UnreadableDocument):
        masked_document(bench(), data, name)


def test_a_comparison_tells_for_whom_and_in_which_texts() -> None:
    new = policy(MaskRule(entity="CN_MOBILE", operator="keep", purposes=("export",)), *DEFAULT_POLICY.rules)
    made = compared(policy(), new, own=[PHONE], seed="x")
    assert {(one.entity, one.purposes, one.was[0], one.will[0]) for one in made.settled} == {
        ("CN_MOBILE", ("export",), "pseudonym", "keep")
    }
    assert made.changed == 0, "the samples come in through the gateway, and nothing changes there"
    masked = compared(policy(), policy(MaskRule(entity="*", operator="mask")), own=[PHONE], seed="x")
    shown = as_dict(masked)
    assert shown["pairs"][0] == {"text": PHONE, "was": "⟦手机_hrtkbd⟧", "will": "138****5678"}
    assert (shown["leak"]["was"]["leaked"], shown["leak"]["will"]["leaked"]) == (0, 0)


def test_a_rule_about_a_field_is_told_of_that_field_alone() -> None:
    rule = MaskRule(entity=FIELD, operator="redact", fields=("姓名",), direction="input")
    told = differences(policy(), policy(rule, *DEFAULT_POLICY.rules))
    assert [(one.entity, one.field, one.direction, one.will) for one in told] == [
        (FIELD, "姓名", "input", ("redact", ""))
    ]
    assert rules_as_lines(policy(rule)) == ["FIELD redact input fields=姓名"]


def test_a_policy_of_a_new_id_is_compared_with_nothing() -> None:
    made = compared(None, policy(), seed="x")
    assert made.was is None
    assert {one.was for one in made.settled} == {("", "")}
