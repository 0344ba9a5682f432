"""Entities that only a policy with a rule for them has looked for: the default policy does not see them at all."""

import json
import random
import re
import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gnomon.contract.masking import MaskPolicy, MaskRule
from gnomon.guard.detectors import DETECTORS, NAMED_ON_REQUEST, ON_REQUEST
from gnomon.guard.finding import default_finder
from gnomon.guard.names.finder import name_finder
from gnomon.guard.packaged import packaged_policy
from gnomon.guard.policy import DEFAULT_POLICY, BadMaskPolicy, Masker
from gnomon.guard.stream import StreamMasker
from gnomon.guard.surrogates import surrogate

KEY = b"k" * 32


def asking(*entities: str, speed: str = "names") -> MaskPolicy:
    rules = (*(MaskRule(entity=entity, operator="redact") for entity in entities), *DEFAULT_POLICY.rules)
    return replace(DEFAULT_POLICY, speed=speed, rules=rules)


def masked(text: str, *entities: str, speed: str = "names") -> str:
    return Masker(asking(*entities, speed=speed), key=KEY).mask(text, "input").text


def test_the_default_policy_has_the_detectors_that_it_always_had() -> None:
    structured = Masker(DEFAULT_POLICY, key=KEY)
    names = Masker(replace(DEFAULT_POLICY, speed="names"), key=KEY)

    assert structured.finder is default_finder()
    assert names.finder is name_finder("names")
    on_request = {detector.entity for detector in ON_REQUEST} | NAMED_ON_REQUEST
    assert not on_request & {detector.entity for detector in (*DETECTORS, *names.finder.detectors)}


def test_a_place_is_found_where_a_policy_names_it_and_only_there() -> None:
    text = "She moved here from Norway and lives in Tartu."

    assert masked(text, "LOCATION") == "She moved here from ⟦地点⟧ and lives in ⟦地点⟧."
    assert masked(text) == text


def test_a_place_is_a_name_and_cannot_be_had_without_looking_for_names() -> None:
    with pytest.raises(BadMaskPolicy, match="LOCATION"):
        masked("", "LOCATION", speed="structured")


def found(text: str, entity: str, speed: str = "structured") -> list[str]:
    spans = Masker(asking(entity, speed=speed), key=KEY).mask(text, "input").spans
    return [text[span.start : span.end] for span in spans if span.entity == entity]


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("会议定于2026年11月22日（星期日）上午9点半召开。", ["2026年11月22日（星期日）上午9点半"]),
        ("11月22日到货，下午三点签收", ["11月22日", "下午三点"]),
        ("二〇二六年三月入职，1990年代出生，2026年第三季度转正", ["二〇二六年三月", "1990年代", "2026年第三季度"]),
        ("每周三开会，上周五已发，晚上8:30发布", ["周三", "周五", "晚上8:30"]),
        ("9点30分、21时05分、十点钟", ["9点30分", "21时05分", "十点钟"]),
        (
            "2026-11-22T10:30:00Z, 2026/1/2 10:20 and 22.11.2026",
            ["2026-11-22T10:30:00Z", "2026/1/2 10:20", "22.11.2026"],
        ),
        ("on 12/31/25 or 20261122, at 9:30 a.m. UTC", ["12/31/25", "20261122", "9:30 a.m. UTC"]),
        (
            "Tuesday, March 3rd, 2026 at 5 pm; 4 May; Oct. 1995",
            ["Tuesday, March 3rd, 2026 at 5 pm", "4 May", "Oct. 1995"],
        ),
        ("founded in 1983, in its Act of 2001 (1999), the 1980s", ["1983", "2001", "1999", "1980s"]),
        ("a 1973 film, from 1990-1995, since June", ["1973", "1990-1995", "June"]),
        ("May 3-5, 2026; 5-7 July 2024; at 4:30am. Then", ["May 3-5, 2026", "5-7 July 2024", "4:30am"]),
    ],
)
def test_dates_and_times_are_found_whole(text: str, dates: list[str]) -> None:
    assert found(text, "DATE_TIME") == dates


@pytest.mark.parametrize(
    "text",
    [
        "他说有一点道理，每周五天，一周一次，3号楼2单元，得三点五分，共3点建议",
        "in 2000 people, of 1500 users, 1024 in 2048 MB; version 26.1.3; $1999; room 2026",
        "you may 5 times march 3 miles; a 16:9 screen 3:2; date(2010, 1, 1); tomorrow, next week, 3 days ago",
    ],
)
def test_what_only_looks_like_a_date_is_left_alone(text: str) -> None:
    assert found(text, "DATE_TIME") == []


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("患者三十五岁，其子十二岁，祖母一百零二岁", ["三十五岁", "十二岁", "一百零二岁"]),
        ("年龄：四十，现年廿五周岁，两岁时", ["四十", "廿五周岁", "两岁"]),
        ("age: 35. She is 35 yrs old", ["35", "35 yrs old"]),
        ("万岁，三五岁，几十岁，age 3.5, version 35", []),
    ],
)
def test_ages_are_found_in_figures_and_in_chinese_numerals(text: str, ages: list[str]) -> None:
    assert found(text, "AGE") == ages


def test_a_date_of_birth_stays_one() -> None:
    policy = asking("DATE_TIME", speed="structured")
    spans = Masker(policy, key=KEY).mask("出生日期：1990-01-02，入职日期：2015-03-04", "input").spans

    assert [span.entity for span in spans] == ["DOB", "DATE_TIME"]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("见https://www.example.com/a?b=1。", ["https://www.example.com/a?b=1"]),
        ("(see http://a.example/x_(y),z.)", ["http://a.example/x_(y),z"]),
        ("访问www.example.cn，或example.com.cn/登录", ["www.example.cn", "example.com.cn/"]),
        ("EXAMPLE.ORG, example.co.uk:8080/a, shop.co.id", ["EXAMPLE.ORG", "example.co.uk:8080/a", "shop.co.id"]),
        ("main.py node.js user.id obj.name e.g. README.md ASP.NET a@example.com 3.14 end.Next", []),
    ],
)
def test_web_addresses_are_found_and_names_of_files_are_not(text: str, addresses: list[str]) -> None:
    assert found(text, "WEB_ADDRESS") == addresses


def test_a_secret_in_a_web_address_stays_a_secret() -> None:
    text = "https://ann:s3cretPass@example.com/x"
    spans = Masker(asking("WEB_ADDRESS", speed="structured"), key=KEY).mask(text, "input").spans

    assert [(span.start, span.end, span.entity) for span in spans] == [(0, len(text), "URL_PASSWORD")]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("邮编：100084，邮政编码 200000", ["100084", "200000"]),
        ("ZIP: 90210-1234; postcode is 8592", ["90210-1234", "8592"]),
        ("from SW1A 1AA to K1A 0A9, TX 78701", ["SW1A 1AA", "K1A 0A9", "78701"]),
        ("zip file, 100084, model A1 2B, IE 12345x", []),
    ],
)
def test_postcodes_need_a_word_or_a_form_of_their_own(text: str, codes: list[str]) -> None:
    assert found(text, "POSTCODE") == codes


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("他是美国人，汉族，中共党员，日本国籍，华人", ["美国人", "汉族", "中共党员", "日本国籍"]),
        ("中国人民银行和家族企业支持民族团结，法国人口很多", []),
        ("A South African and two Finns met Danish Muslims.", ["South African", "Finns", "Danish", "Muslims"]),
        ("Write it in English or Spanish; she speaks Russian.", []),
        ("The Russian place; polish the table", ["Russian"]),
    ],
)
def test_who_somebody_is_by_people_belief_or_party_is_found(text: str, people: list[str]) -> None:
    assert found(text, "NATIONALITY") == people


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("They flew to Quxhaven and on to São Paulo.", ["Quxhaven", "São Paulo"]),
        ("we moved here from tunisia", ["tunisia"]),
        ("Born in Velmora, raised in Nice, France.", ["Velmora", "Nice", "France"]),
        ("Georgia said so. It is nice. Chad and Jordan left.", []),
        ("the Elbow River valley near Lake Como and Orange County", ["Lake Como", "Orange County"]),
        ("written in Java, east of UTC, the Paris Times, tell us", []),
        ("The London-based firm left Berlin's Mitte for the US, or NYC.", ["London", "Berlin", "US", "NYC"]),
    ],
)
def test_english_places_are_known_or_told_by_their_surroundings(text: str, places: list[str]) -> None:
    assert found(text, "LOCATION", "names") == places


@pytest.mark.parametrize(
    ("text", "entity", "values"),
    [
        ("routing number 021000021, routing 021000022", "BANK_ACCOUNT", ["021000021"]),
        (
            "对公账号：20260012，acct no. 123456789, account 5, 账号 20260012a",
            "BANK_ACCOUNT",
            ["20260012", "123456789"],
        ),
        ("DEA AB1234563; AB1234564; XY12", "MEDICAL_LICENCE", ["AB1234563"]),
        ("医师执业证书编码：110110000012345", "MEDICAL_LICENCE", ["110110000012345"]),
        (
            "微博：@li_lei, Telegram: ann.b, follow me on Twitter today, skype live_1",
            "SOCIAL_HANDLE",
            ["@li_lei", "ann.b", "live_1"],
        ),
        (
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",
            "WALLET",
            ["1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"],
        ),
        (
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 or ...kv8f3t5",
            "WALLET",
            ["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"],
        ),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5 0x12ab", "WALLET", []),
        (
            "id 123E4567-e89b-12d3-a456-426614174000-1 123e4567-e89b-12d3-a456-426614174000",
            "UUID",
            ["123e4567-e89b-12d3-a456-426614174000"],
        ),
    ],
)
def test_other_numbers_and_names_are_found_where_they_are_asked_for(text: str, entity: str, values: list[str]) -> None:
    assert found(text, entity) == values


def test_what_an_address_or_a_firm_holds_is_part_of_it() -> None:
    text = "Send it to 350 Fifth Avenue, New York, NY 10118"
    policy = asking("POSTCODE", "LOCATION", "DATE_TIME")
    spans = Masker(policy, key=KEY).mask(text, "input").spans

    assert [span.entity for span in spans] == ["ADDRESS"]


STRUCTURED = tuple(detector.entity for detector in ON_REQUEST)
PIECES = (
    "账号", "2026001", "routing 0210", "00021", "微博：", "@li_", "lei", "1BvBMSEYstWetqTFn5Au4m4", "GFg7xJaNVN2",
    "AB123", "4563", "123e4567-e89b-", "12d3-a456-", "426614174000", "执业证", "2026年", "11月", "22日", "（星期",
    "日）", "上午", "9点", "半", "30分", "二〇二六年", "周", "三", "第三季度", "2026-11-", "22", "T10:", "30",
    ":00Z", "1/2/", "March ", "3rd", ", ", "2026", " at ", "5 pm", "Tuesday", "in ", "199", "0s", "from 1990",
    "-1995", "https://", "www.", "example", ".com", ".cn", "/a?b=", "(x)", "(", ")", ",", "a@", ".co.uk:80",
    "邮编", "：", "100084", "zip ", "SW1A", " 1AA", "K1A 0A9", "TX 7870", "1-2345", "美国", "人", "民", "汉族",
    "中共", "党员", "South ", "Afric", "ans", "English", " and ", "in Nice", ", France", "moved to ", "Velm",
    "ora", "New ", "York", " City", "。", ". ", "\n", " ", "45岁", "\ud800", "\u200b",
    "三十", "五岁", "一百", "零", "年龄", "35 yr", "s old",
)  # fmt: skip


@cache
def everything(speed: str) -> Masker:
    entities = STRUCTURED if speed == "structured" else (*STRUCTURED, "LOCATION")
    return Masker(asking(*entities, speed=speed), key=KEY)


def streamed(masker: Masker, text: str, seed: int) -> str:
    stream, dice, at, out = StreamMasker(masker, "input"), random.Random(seed), 0, ""
    while at < len(text):
        size = dice.choice((1, 2, 3, 5, 40))
        out, at = out + stream.feed(text[at : at + size]), at + size
    return out + stream.flush()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.integers(0, 999))
def test_a_stream_is_masked_as_the_whole(text: str, seed: int) -> None:
    masker = everything("structured")

    assert streamed(masker, text, seed) == masker.mask(text, "input").text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.integers(0, 999))
def test_a_stream_is_masked_as_the_whole_where_names_are_looked_for(text: str, seed: int) -> None:
    masker = everything("names")

    assert streamed(masker, text, seed) == masker.mask(text, "input").text


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.booleans())
def test_no_hit_in_raw_json_means_nothing_to_mask(text: str, ascii_only: bool) -> None:
    raw = json.dumps({"text": text}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    for speed in ("structured", "names"):
        if not everything(speed).hits(raw):
            assert everything(speed).mask(text, "input").text == text


@pytest.mark.parametrize(
    "unit", [*PIECES, "a.", "a-", "http://a(", "http://", "1990 to ", "周一，", "In Aa ", "St. ", "1:1:"]
)
def test_a_hostile_text_is_read_in_linear_time(unit: str) -> None:
    def cost() -> float:
        started = time.process_time()
        everything("structured").mask(unit * (5_000 // len(unit)), "input")
        everything("names").mask(unit * (2_000 // len(unit)), "input")
        return time.process_time() - started

    # A twentieth of a second at the worst; 62 ns for each pair of characters fail. A busy machine has three tries.
    assert any(cost() < 0.25 for _ in range(3))


def test_places_refer_to_the_original() -> None:
    text = "会议：２０２６年\u200b１１月２２日，邮编：１０００\u200b８４，见ｗｗｗ.example.com"
    spans = everything("structured").mask(text, "input").spans

    assert [text[span.start : span.end] for span in spans] == [
        "２０２６年\u200b１１月２２日", "１０００\u200b８４", "ｗｗｗ.example.com",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "entity", "format", "out"),
    [
        ("定于2026年11月22日上午9点", "DATE_TIME", "", "定于2026年11月"),
        ("on 2026-11-22 10:30", "DATE_TIME", "year", "on 2026"),
        ("on March 3rd, 2026 at 5 pm", "DATE_TIME", "month", "on 2026-03"),
        ("on 3 May 1994", "DATE_TIME", "decade", "on 1990s"),
        ("周三上午9点见", "DATE_TIME", "", "⟦日期⟧见"),
        ("邮编：100084", "POSTCODE", "", "邮编：100***"),
        ("to SW1A 1AA", "POSTCODE", "", "to SW1A ***"),
    ],
)
def test_less_is_said_where_a_policy_wants_it(text: str, entity: str, format: str, out: str) -> None:
    rule = MaskRule(entity=entity, operator="generalise", format=format)
    masker = Masker(replace(DEFAULT_POLICY, rules=(rule, *DEFAULT_POLICY.rules)), key=KEY)

    assert masker.mask(text, "input").text == out


@pytest.mark.parametrize(
    ("entity", "value", "shape"),
    [
        ("DATE_TIME", "2026年11月22日", r"20(2[3-9])年\d{1,2}月\d{1,2}日"),
        ("POSTCODE", "100084", r"\d{6}"),
        ("WEB_ADDRESS", "https://www.firm.cn/x?y=1", r"https://www\.\w+\.example\.(com|org|net)/\w+"),
        ("WEB_ADDRESS", "firm.cn", r"\w+\.example\.(com|org|net)"),
        ("NATIONALITY", "美国人", r".{2,3}人"),
        ("NATIONALITY", "藏族", r".{1,2}族"),
        ("NATIONALITY", "中共党员", r".+"),
        ("NATIONALITY", "german", r"[a-z]+"),
        ("LOCATION", "杭州市", r".{2,4}市"),
        ("LOCATION", "Paris", r"[A-Z][a-z]{4}"),
    ],
)
def test_each_has_surrogates_of_its_kind(entity: str, value: str, shape: str) -> None:
    made = surrogate(value, entity, key=KEY)

    assert re.fullmatch(shape, made), made
    assert made != value


def test_the_policy_of_every_entity_looks_for_each_of_them() -> None:
    policy = packaged_policy("everything")
    text = (
        "王小明，45岁，汉族，2026年11月22日自 Norway 来，邮编：100084，见 https://example.com/a；对公账号 20260012，"
        "执业证书编码 110110000012345，Telegram：@ming_66，0x00112233445566778899aabbccddeeff00112233，"
        "123e4567-e89b-12d3-a456-426614174000"
    )
    masked = Masker(policy, key=KEY).mask(text, "input")

    asked = {detector.entity for detector in ON_REQUEST} | NAMED_ON_REQUEST
    assert asked <= {rule.entity for rule in policy.rules}
    assert masked.counts == dict.fromkeys(asked | {"PERSON"}, 1)
