"""Each detector finds what it should, as people write it, and leaves alone what only looks like it."""

import random

import pytest
from tests.unit.guard.samples import KINDS, sample

from gnomon.guard.policy import DEFAULT_POLICY, Masker

MASKER = Masker(DEFAULT_POLICY, key=b"k" * 32)


@pytest.mark.parametrize("entity", sorted(KINDS))
def test_generated_values_are_found_in_place_and_by_name(entity: str) -> None:
    rng = random.Random(entity)
    for _ in range(40):
        case = sample(rng, entities=(entity,), most=2)
        found = {(span.start, span.end, span.entity) for span in MASKER.mask(case.text, "input").spans}
        assert found == set(case.spans), case.text


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("证件11010519491231002X。", "CN_ID", "11010519491231002X"),
        ("身份证 110105 19491231 002x", "CN_ID", "110105 19491231 002x"),
        ("身份证号码为110105194912310021", "CN_ID", "110105194912310021"),  # wrong check digit, but named
        ("老证320311770706001", "CN_ID", "320311770706001"),
        ("call +86 138-1234-5678 now", "CN_MOBILE", "+86 138-1234-5678"),
        ("电话（+86）13812345678", "CN_MOBILE", "（+86）13812345678"),
        ("1 3 8 1 2 3 4 5 6 7 8", "CN_MOBILE", "1 3 8 1 2 3 4 5 6 7 8"),
        ("幺三八壹二三四五六七八", "CN_MOBILE", "幺三八壹二三四五六七八"),
        ("１３８\u200b１２３４\u200d５６７８", "CN_MOBILE", "１３８\u200b１２３４\u200d５６７８"),
        ("电话：(010) 6552 9988", "CN_LANDLINE", "(010) 6552 9988"),
        ("(010)6222138\t生日", "CN_LANDLINE", "(010)6222138"),
        ("固话65529988", "CN_LANDLINE", "65529988"),
        ("开着京A·12345走了", "PLATE", "京A·12345"),
        ("新能源粤BD12345", "PLATE", "粤BD12345"),
        ("驻华使领馆京A1234警", "PLATE", "京A1234警"),
        ("生于一九八六年三月", "DOB", "一九八六年三月"),
        ("（1990年5月1日出生）", "DOB", "1990年5月1日"),
        ("DOB: March 3, 1990", "DOB", "March 3, 1990"),
        ("他是1990-05-01生，汉族", "DOB", "1990-05-01"),
        ("write to first.last+tag@sub.example.co.uk.", "EMAIL", "first.last+tag@sub.example.co.uk"),
        ("ｚｈａｎｇ＠ｑｑ．ｃｏｍ", "EMAIL", "ｚｈａｎｇ＠ｑｑ．ｃｏｍ"),
        ("from fe80::1ff:fe23:4567:890a", "IP", "fe80::1ff:fe23:4567:890a"),
        ("redis://:s3cret@cache:6379", "URL_PASSWORD", ":s3cret"),
        ("AWS AKIAIOSFODNN7EXAMPLE", "API_KEY", "AKIAIOSFODNN7EXAMPLE"),
        ("api_key = 'abcdef0123456789abcdef'", "API_KEY", "abcdef0123456789abcdef"),
        ("登录密码是Abc@2024!", "PASSWORD", "Abc@2024!"),
        ("card 4111-1111-1111-1111", "BANK_CARD", "4111-1111-1111-1111"),
        ("账号 123456789012345", "BANK_CARD", "123456789012345"),
        ("ssn: 219-09-9999", "US_SSN", "219-09-9999"),
        ("NI number QQ 12 34 56 C no, AB 12 34 56 C yes", "UK_NINO", "AB 12 34 56 C"),
        ("GB82 WEST 1234 5698 7654 32", "IBAN", "GB82 WEST 1234 5698 7654 32"),
        ("IMEI: 490154203237518", "IMEI", "490154203237518"),
        ("phone: 0490 75 40 81", "PHONE_NUMBER", "0490 75 40 81"),
        ("+44 20 7946 0958", "PHONE_NUMBER", "+44 20 7946 0958"),
        ("加微信号：zhangsan", "WECHAT", "zhangsan"),
        ("iban gb82west12345698765432 ok", "IBAN", "gb82west12345698765432"),
        ("my SSN is 219099999", "US_SSN", "219099999"),
        ("ITIN 912-70-1234", "US_TAX_ID", "912-70-1234"),
        ("codice fiscale RSSMRA85T10A562S", "EU_NATIONAL_ID", "RSSMRA85T10A562S"),
        ("NIR 2 84 05 88 084 154 29.", "EU_NATIONAL_ID", "2 84 05 88 084 154 29"),
        ("NIE X1234567L", "EU_NATIONAL_ID", "X1234567L"),
        ("DNI: 12345678Z", "EU_NATIONAL_ID", "12345678Z"),
        ("PESEL 44051401359", "EU_NATIONAL_ID", "44051401359"),
        ("BSN 111222333", "EU_NATIONAL_ID", "111222333"),
        ("Steuer-ID: 86 095 742 719", "EU_NATIONAL_ID", "86 095 742 719"),
        ("Rijksregister 85.07.30-033.28", "EU_NATIONAL_ID", "85.07.30-033.28"),
        ("NHS number 943 476 5919", "UK_NHS", "943 476 5919"),
        ("driver's license number is 2270-66-1551", "DRIVER_LICENCE", "2270-66-1551"),
        ("nobody is answering at 78 651 450.", "PHONE_NUMBER", "78 651 450"),
        ("stop sending messages to 516 466 638", "PHONE_NUMBER", "516 466 638"),
        ("on my 0489 25 37 29 line", "PHONE_NUMBER", "0489 25 37 29"),
        ("Phone: (71) 4233-6306", "PHONE_NUMBER", "(71) 4233-6306"),
    ],
)
def test_found(text: str, entity: str, value: str) -> None:
    assert [(span.entity, text[span.start : span.end]) for span in MASKER.mask(text, "input").spans] == [
        (entity, value)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "订单20231122138123456789已发货",
        "合同金额138578777.00元",
        "时间戳1731234567890",
        "会议在2024年6月3日召开",
        "编号550e8400-e29b-41d4-a716-446655440000",
        "版本1.2.3.4发布",
        "at 12:30:45 std::vector<int> a::b",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "设备序列号SN030543995016",
        "白细胞数6.90*10^9/L，血小板数257*10^9/L",
        "蓝桥名苑146-10-1172室",
        "WeChat payment is supported. 微信支付已到账",
        "The password must be at least eight characters long.",
        "号码1234567",
        "a population of 374 780 163 people in 2024",
        "They raised 12 500 000 at auction and called 3 times",
        "part no. 12345678Z, GTIN 4006381333931",
        "the text 2023 edition, see desk research 2019 2020",
        "nhs waiting lists grew by 943 476 in 2023",
        "calls to 12 services, messages at 10:30",
    ],
)
def test_left_alone(text: str) -> None:
    assert MASKER.mask(text, "input").text == text


def test_two_numbers_side_by_side_are_two() -> None:
    spans = MASKER.mask("13812345678 13912345678", "input").spans
    assert [(span.start, span.end) for span in spans] == [(0, 11), (12, 23)]


def test_offsets_refer_to_the_original() -> None:
    text = "\u200b前\ufeff文１３８１２３４５６７８\u200b后"
    (span,) = MASKER.mask(text, "input").spans
    assert text[span.start : span.end] == "１３８１２３４５６７８"
