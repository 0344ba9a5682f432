"""A telephone number is named after the country whose code it says; without a code it is Chinese."""

import pytest
from tests.unit.guard.test_native import FAST, SLOW

ABROAD = (
    "+1 415 555 0132",
    "+14155550132",
    "+1 391 234 5678",  # its digits are those of a Chinese mobile number
    "+13912345678",
    "1-415-555-0132",
    "001 415 555 0132",
    "(+1) 415 555 0132",
    "（+1）4155550132",
    "+44 20 7946 0958",
    "0044 20 7946 0958",
    "0044 (0)20 7946 0958",
    "(+44) 20 7946 0958",
    "+49 30 901820",
    "+39 138 1234 5678",
    "(+39) 138 1234 5678",
    "0039 138 1234 5678",
    "+81 3-1234-5678",
    "+65 6123 4567",
    "(+65)61234567",
    "+852 2345 6789",
    "00852 2345 6789",
    "（+852）23456789",
    "(852) 2345 6789",
    "（886）912345678",
    "+886 912 345 678",
)
NAMED = ("00442079460958", "0085223456789", "0044-20-7946-0958", "+49 30/901820", "0049 (0)30/901820")
CHINESE = (
    ("+86 138 1234 5678", "CN_MOBILE"),
    ("8613812345678", "CN_MOBILE"),
    ("0086 13812345678", "CN_MOBILE"),
    ("008613812345678", "CN_MOBILE"),
    ("138 1234 5678", "CN_MOBILE"),
    ("+86 10 6552 9988", "CN_LANDLINE"),
    ("+861065529988", "CN_LANDLINE"),
    ("+86 010 6552 9988", "CN_LANDLINE"),
    ("+86-755-8888-9999", "CN_LANDLINE"),
    ("+86 (0)755 8888 9999", "CN_LANDLINE"),
    ("(+86)755-88889999", "CN_LANDLINE"),
    ("（86）010-65529988", "CN_LANDLINE"),
    ("0086-755-88889999", "CN_LANDLINE"),
    ("86-10-65529988", "CN_LANDLINE"),
    ("0755-88889999", "CN_LANDLINE"),
)


def found(text: str) -> list[tuple[str, str]]:
    spans = FAST.spans(text)
    assert spans == SLOW.spans(text)
    return [(text[span.start : span.end], span.entity) for span in spans]


@pytest.mark.parametrize("value", ABROAD)
@pytest.mark.parametrize("text", ["{}", "联系人{}，", "电话：{}。", "write {} down"])
def test_a_foreign_code_makes_it_a_foreign_number(text: str, value: str) -> None:
    assert found(text.format(value)) == [(value, "PHONE_NUMBER")]


@pytest.mark.parametrize("value", NAMED)
@pytest.mark.parametrize("word", ["电话：", "手机号码是", "tel: "])
def test_a_code_behind_00_in_one_piece_takes_a_word_for_a_telephone(word: str, value: str) -> None:
    assert found(word + value) == [(value, "PHONE_NUMBER")]


@pytest.mark.parametrize(("value", "entity"), CHINESE)
@pytest.mark.parametrize("text", ["{}", "联系人{}，", "电话：{}。", "write {} down"])
def test_the_code_of_china_or_none_makes_it_a_chinese_number(text: str, value: str, entity: str) -> None:
    assert found(text.format(value)) == [(value, entity)]


@pytest.mark.parametrize(
    "text",
    [
        "合同号0020-2023-0415-01",
        "流水00442079460958",
        "零件86-12-345678",
        "0020 points, 0044 and 0065",
        "(+5) 12 points, (852) pages, (886) 12",
        "温差(+44) 12",
    ],
)
def test_what_only_begins_like_a_code_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("letters", [1, 11, 12, 13, 40, 2000])
def test_a_mobile_number_is_found_beside_a_word_of_any_length(letters: int) -> None:
    word = "w" * letters
    assert found(f"{word}13912345678 and") == [("13912345678", "CN_MOBILE")]
    assert found(f"and 13912345678{word}") == [("13912345678", "CN_MOBILE")]
    assert found(f"9{word[1:]}13912345678") == ([] if letters <= 12 else [("13912345678", "CN_MOBILE")])
