"""Titles, English names, sentences."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.verdicts import Span
from gnomon.guard.names import english, things, titles
from gnomon.guard.names.segments import LONGEST, ends
from gnomon.guard.view import Found


def said(text: str, found: object) -> list[str]:
    return [text[item.start : item.end] for item in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("王先生您好", "王"),
        ("请找李医生看看。", "李"),
        ("欧阳老师来了", "欧阳"),
        ("张总，合同发您了", "张"),
        ("Please ask Dr. Smith about it", "Smith"),
        ("Mrs Ada Lovelace wrote it", "Ada Lovelace"),
    ],
)
def test_a_title_gives_a_name_away(text: str, name: str) -> None:
    assert said(text, titles.find(text)) == [name]


@pytest.mark.parametrize("text", ["双方总体满意", "和主任说一声", "项目总经理办公室", "dr. who"])
def test_a_title_without_a_name_gives_nothing(text: str) -> None:
    assert not said(text, titles.find(text))


def test_a_title_is_cut_from_a_name() -> None:
    assert titles.trimmed("杨先生说", Found(0, 3, "PERSON")) == Found(0, 1, "PERSON")
    assert titles.trimmed("杨先军说", Found(0, 3, "PERSON")) == Found(0, 3, "PERSON")


@pytest.mark.parametrize(
    ("text", "teams"),
    [
        ("甲城联队vs乙城", ["甲城联队", "乙城"]),
        ("vs乙城VS", ["乙城"]),
        ("vs", []),
        ("乙城TVs公司", ["乙城TVs公司"]),
    ],
)
def test_two_teams_are_two_names(text: str, teams: list[str]) -> None:
    assert said(text, things.without(text, [Found(0, len(text), "ORGANIZATION")])) == teams


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('字段{"amount": 5, "备注": 1}', "amount"),
        ('参数 {"payload": 5} 错误', "payload"),
        ("把vendor改成供应商", "vendor"),
        ("参数 {payload: 5} 错误", "payload"),
        ("{id: 3, kubelet: 空}", "kubelet"),
        ("mutex字段", "mutex"),
        ("打开 privacy/subjects 页", "privacy/subjects"),
        ("userInfo里没有手机号", "userInfo"),
        ("看一下payload的内容", "payload"),
        ("payload 的长度不对", "payload"),
        ("查体：神清，克氏征阴性", "克氏"),
        ("予阿奇霉素静点", "阿奇霉素"),
        ("超声：余未见异常", "余"),
        ("气道高敏反应", "高敏"),
    ],
)
@pytest.mark.parametrize("entity", ["PERSON", "ORGANIZATION"])
def test_words_of_programs_and_of_examinations_are_no_names(text: str, name: str, entity: str) -> None:
    at = text.index(name)
    assert not things.without(text, [Found(at, at + len(name), entity, 0.8)])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("payload（必填）", "payload"),
        ("payload：空", "payload："),
        ("kind为checkbox时", "checkbox"),
        ("Payload 字段", "Payload"),
        ("标题：审计导出, Audit export verified", "Audit"),
        ("有效做法 What worked", "What"),
    ],
)
def test_a_word_of_english_that_says_nothing_of_a_person_is_nobody(text: str, name: str) -> None:
    at = text.index(name)
    assert not things.without(text, [Found(at, at + len(name), "PERSON", 0.8)])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("peter: 你好", "peter"),
        ("{peter: 你好}", "peter"),
        ("blackwell（产品）", "blackwell"),
        ("zhangSan 提交", "zhangSan"),
        ("Tom 参数填错了", "Tom"),
        ("昨天 Echo Wang 说不行", "Echo"),
        ("同事 Echo and Tom 在", "Echo"),
        ("Echo joined 会议", "Echo"),
        ("找 Rainbow 确认", "Rainbow"),
        ("高敏今天请假", "高敏"),
        ("张氏说没收到货", "张氏"),
        ("张伟未及时付款", "张伟"),
        ("余先生未见答复", "余"),
        ("联系 sanchez 处理", "sanchez"),
        ("禾木口服液有限公司", "禾木口服液有限公司"),
    ],
)
def test_names_beside_such_words_stay_names(text: str, name: str) -> None:
    at = text.index(name)
    entity = "ORGANIZATION" if name.endswith("公司") else "PERSON"
    assert said(text, things.without(text, [Found(at, at + len(name), entity, 0.8)])) == [name]


@pytest.mark.parametrize("text", ["blueharbor的员工", "zentrix的内容", "Payload的内容"])
def test_a_firm_in_small_letters_is_one_unless_it_has_what_data_have(text: str) -> None:
    name = text.split("的")[0]
    assert said(text, things.without(text, [Found(0, len(name), "ORGANIZATION", 0.8)])) == [name]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("My name is Akinori", ["Akinori"]),
        ("Kira Fransson asked Oliver for help", ["Kira Fransson", "Oliver"]),
        ("A film directed by Jan Holinka and starring Holinka", ["Jan Holinka", "Holinka"]),
        ("Margaret's house is big", ["Margaret"]),
        ("Please restart the Docker service on Monday in New York", []),
        ("We moved here from Estonia", []),
        ("all lower case, no name", []),
    ],
)
def test_english_names(text: str, names: list[str]) -> None:
    assert sorted(said(text, english.find(text))) == sorted(names)


@settings(max_examples=60, deadline=None)
@given(st.text("，。ab一二三？\n ", max_size=400), st.integers(0, 400))
def test_sentences_do_not_depend_on_what_follows(text: str, at: int) -> None:
    whole, part = ends(text, []), ends(text[:at], [])
    assert whole[: len(part)] == part


@settings(max_examples=60, deadline=None)
@given(st.text("，。ab一二三 ", max_size=500))
def test_no_sentence_is_longer_than_the_bound(text: str) -> None:
    cuts = [0, *ends(text, [])]
    assert all(0 < high - low <= LONGEST for low, high in pairwise(cuts))
    assert len(text) - cuts[-1] < LONGEST


def test_no_sentence_ends_within_a_value() -> None:
    text = "密钥是abc;def，记好。"
    assert ends(text, []) == [7, len(text)]
    assert ends(text, [Span(3, 10, "API_KEY")]) == [10, len(text)]


def test_a_thing_is_no_name() -> None:
    text = "王者荣耀和SUV，马荣耀说"
    found = [Found(2, 4, "PERSON"), Found(5, 8, "ORGANIZATION"), Found(9, 12, "PERSON")]
    assert things.without(text, found) == [Found(9, 12, "PERSON")]
