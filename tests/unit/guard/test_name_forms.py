"""Chinese organisations with a legal form: where they end, and where they begin."""

import pytest

from gnomon.guard.names import forms
from gnomon.guard.names.artefact import load
from gnomon.guard.names.finder import name_finder
from gnomon.guard.names.readers import together
from gnomon.guard.names.tagger import TAGS
from gnomon.guard.view import Found

WORDS = load().tagger.lexicon


def organisation(text: str, name: str) -> Found:
    at = text.index(name)
    return Found(at, at + len(name), "ORGANIZATION", 0.8)


def shaped(text: str, *read: str) -> list[str]:
    found = forms.shaped(text, [organisation(text, name) for name in read], WORDS)
    return [text[item.start : item.end] for item in found]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("请联系禾木林有限公司。", "有限公司"),
        ("禾木林科技（集团）股份有限公司", "股份有限公司"),
        ("禾木林有限公司杭州分公司和", "有限公司杭州分公司"),
        ("禾木林投资中心（有限合伙）", "中心（有限合伙）"),
        ("松柏律师事务所", "律师事务所"),
        ("东山果蔬专业合作社", "专业合作社"),
        ("东山印刷厂", "印刷厂"),
    ],
)
def test_a_legal_form_is_seen_with_its_branch(text: str, form: str) -> None:
    assert [text[start:end] for start, end in forms.ends(text)] == [form]


def test_a_sentence_without_a_form_says_nothing_to_a_reader() -> None:
    assert forms.leaning("公司今天开会，大家合作愉快。") is None


def test_a_reader_is_told_that_a_name_ends_with_its_form() -> None:
    more = forms.leaning("禾木林有限公司的")
    assert more is not None
    told = {TAGS[tag]: [int(at) for at in more[:, tag].nonzero()[0]] for tag in range(len(TAGS))}
    assert {tag: at for tag, at in told.items() if at} == {"M-ORGANIZATION": [3, 4, 5], "E-ORGANIZATION": [6]}


@pytest.mark.parametrize(
    ("text", "read", "names"),
    [
        ("因禾木林有限公司违约", ["因禾木林有限公司"], ["禾木林有限公司"]),
        ("致禾木林有限公司：来函收悉", ["致禾木林有限公司"], ["禾木林有限公司"]),
        ("他从禾木林有限公司离职", ["从禾木林有限公司"], ["禾木林有限公司"]),
        ("【禾木林有限公司】您好", ["【禾木林有限公司"], ["禾木林有限公司"]),
        ("昨天在禾木林有限公司", ["木林有限公司"], ["禾木林有限公司"]),
        ("由木棉100科技有限公司承担", ["100科技有限公司"], ["木棉100科技有限公司"]),
        ("在开发区禾木林有限公司", ["禾木林有限公司"], ["开发区禾木林有限公司"]),
        (
            "禾木林有限公司与松柏商贸有限公司",
            ["禾木林有限公司与松柏商贸有限公司"],
            ["禾木林有限公司", "松柏商贸有限公司"],
        ),
        ("禾木林投资中心（有限合伙）说", ["禾木林投资中心"], ["禾木林投资中心（有限合伙）"]),
        ("租户禾木林有限公司", ["租户", "禾木林有限公司"], ["禾木林有限公司"]),
        ("去禾木供应链管理有限公司", ["禾木供应链", "管理有限公司"], ["禾木供应链管理有限公司"]),
        ("成立有限公司的条件", ["有限公司"], []),
    ],
)
def test_a_name_begins_and_ends_where_it_may(text: str, read: list[str], names: list[str]) -> None:
    assert shaped(text, *read) == names


@pytest.mark.parametrize("name", ["向阳食品有限公司", "从化果品有限公司", "北京禾木林有限公司", "因特网络有限公司"])
def test_a_name_that_begins_like_a_word_keeps_its_beginning(name: str) -> None:
    assert shaped(f"：{name}", name) == [name]


def test_whoever_stands_before_a_bracket_is_not_the_firm_in_it() -> None:
    text = "李明（禾木林有限公司）来电"
    found = forms.shaped(text, [organisation(text, "李明（禾木林有限公司")], WORDS)
    assert [(item.entity, text[item.start : item.end]) for item in found] == [
        ("PERSON", "李明"),
        ("ORGANIZATION", "禾木林有限公司"),
    ]


def test_what_holds_no_form_stays_as_it_was_read() -> None:
    assert shaped("在清华大学和北京日报社", "清华大学", "北京日报社") == ["清华大学", "北京日报社"]


def test_of_a_word_that_may_begin_a_name_a_second_reader_decides() -> None:
    text = "请禾木林有限公司付款"
    longer, shorter = organisation(text, "请禾木林有限公司"), organisation(text, "禾木林有限公司")
    assert forms.voted(text, longer, [longer, shorter]) == shorter
    assert forms.voted(text, longer, [longer]) == longer
    find = together(lambda rows, _: [[longer] for _ in rows], lambda rows: [[shorter] for _ in rows])
    assert find([text]) == [[shorter]]


def test_firms_are_found_whole_in_the_sentences_of_a_business() -> None:
    finder = name_finder("names")
    firms = ("凯途图文有限公司", "宁波市森诺供应链管理有限责任公司", "松柏川商贸有限公司苏州分公司")
    for firm in firms:
        for text in (f"请把发票寄给{firm}。", f"{firm}未按期付款。", f"客户王芳（{firm}）来电"):
            found = [text[span.start : span.end] for span in finder.spans(text) if span.entity == "ORGANIZATION"]
            assert found == [firm], text
