"""A surrogate looks like what it stands for, says nothing of it, and is never taken for another value of the set."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.masking import FIELD, MaskPolicy, MaskRule, Terms
from gnomon.engine.disguises import DISGUISES, samples
from gnomon.engine.masked_copy import items_of, masked_copy
from gnomon.engine.planting import KINDS, plants
from gnomon.engine.runs import RunItem
from gnomon.guard.detectors import DETECTORS
from gnomon.guard.names.surnames import SURNAMES
from gnomon.guard.normalise import digits, fold
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, BadMaskPolicy, Masker
from gnomon.guard.surrogates import MAKERS, surrogate
from gnomon.guard.surrogates.bodies import _SIZES, _WELL_KNOWN
from gnomon.guard.surrogates.codes import _CHECKS, _passes, bare

KEY = b"k" * 32
SECRETS = {detector.entity for detector in DETECTORS if detector.is_secret}


def masker(*, terms: tuple[Terms, ...] = (), key: bytes = KEY) -> Masker:
    rule = MaskRule(entity="*", operator="surrogate", purposes=("evaluation", "training"))
    policy = MaskPolicy(id="p", version="1", rules=(*DEFAULT_POLICY.rules[:-1], rule), terms=terms)
    return Masker(policy, key=key, purpose="evaluation")


def test_every_entity_that_is_no_secret_has_surrogates() -> None:
    assert set(KINDS) - SECRETS <= MAKERS.keys()
    assert not SECRETS & MAKERS.keys()


@pytest.mark.parametrize("entity", sorted(set(KINDS) - SECRETS))
def test_a_surrogate_is_stable_under_a_key_and_never_the_value(entity: str) -> None:
    rng = random.Random(entity)
    for _ in range(50):
        value = KINDS[entity][0](rng)
        made = surrogate(value, entity, key=KEY)
        assert made != value
        assert made == surrogate(value, entity, key=KEY)
        assert surrogate(value, entity, key=b"l" * 32) != made or entity in ("DOB", "EMAIL", "US_SSN", "PHONE_NUMBER")
        if entity in _CHECKS:
            assert not any(_passes(check, bare(made).upper()) for check in _CHECKS[entity]), made


@pytest.mark.parametrize(
    ("entity", "value", "shape"),
    [
        ("CN_MOBILE", "+86 138-1234-5678", r"\+86 (142|143|154)-\d{4}-\d{4}"),
        ("CN_MOBILE", "１３８１２３４５６７８", r"(142|143|154)\d{8}"),
        ("CN_ID", "110105 19491231 002X", r"\d{6} (19|20)\d{6} \d{4}"),
        ("EMAIL", "li.lei@corp.cn", r"[a-z]+\.[a-z]+@example\.(com|org|net)"),
        ("IP", "10.1.2.3", r"198\.1[89]\.\d+\.\d+"),
        ("IP", "fe80::1", r"2001:db8::[0-9a-f]+:[0-9a-f]+"),
        ("MAC", "C3:92:BA:54:B0:A5", r"[0-9A-F][26AE](:[0-9A-F]{2}){5}"),
        ("US_SSN", "441-94-2468", r"666-\d\d-\d{4}"),
        ("PHONE_NUMBER", "(440) 867-2190", r"\(440\) 555-01\d\d"),
        ("PHONE_NUMBER", "0044 20 7946 0958", r"00\d\d \d\d \d{4} \d{4}"),
        ("PLATE", "鄂A34103", r"鄂I\d{5}"),
        ("DOB", "March 3, 1990", r"[A-Z][a-z]+ \d, (198[7-9]|199[0-3])"),
        ("DOB", "一九九〇年一月二日", r"(198[7-9]|199[0-3])年\d月\d日"),
        ("GEO", "30.123456,120.654321", r"30\.\d{6},120\.\d{6}"),
        ("PERSON", "王小明", r"[\u4e00-\u9fff]{3}"),
        ("PERSON", "布拉德·皮特", r"[\u4e00-\u9fff]{3}·[\u4e00-\u9fff]{2}"),
        ("PERSON", "JOHN R. Smith", r"[A-Z]+ [A-Z]\. [A-Z][a-z]+"),
        ("ORGANIZATION", "北京大学", r"[\u4e00-\u9fff]{2}大学"),
        ("ORGANIZATION", "Acme Holding Ltd", r"[A-Z][a-z]{3} [A-Z][a-z]{6} Ltd"),
        ("ADDRESS", "浙江省杭州市文三路123号3幢502室", r".{2,3}省.{2,4}市.{2}路\d{3}号\d幢\d{3}室"),
    ],
)
def test_a_surrogate_has_the_shape_of_the_value_and_comes_from_a_range_that_is_nobodys(
    entity: str, value: str, shape: str
) -> None:
    made = surrogate(value, entity, key=KEY)
    assert re.fullmatch(shape, made), made
    assert made != value


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("利物浦", r".{2,3}(足球|竞技|联)?队|皇家.{2,3}队"),
        ("湖人", r".{2}队"),
        ("招商银行", r".{2}银行"),
        ("特斯拉", r".{2,3}(汽车|车业)"),
        ("青禾房地产开发有限公司", r".{2}房地产开发有限公司"),
        ("中国短道队", r"(华夏|神州|中华)短道队"),
        ("济南第一实验小学", r".{2}第一实验小学"),
        ("湖南大学生", r".{2}大学生"),
    ],
)
def test_what_kind_of_body_it_is_stays(value: str, shape: str) -> None:
    for seed in range(20):
        made = surrogate(value, "ORGANIZATION", key=bytes([seed]) * 32)
        assert re.fullmatch(shape, made), made
        assert made != value


def test_nobody_whom_everybody_knows_stands_for_another() -> None:
    for value in _WELL_KNOWN:
        for attempt in range(5):
            assert surrogate(value, "ORGANIZATION", key=KEY, attempt=attempt) not in _WELL_KNOWN


def test_a_city_becomes_one_of_its_size() -> None:
    made = {surrogate("深圳恒丰商贸有限公司", "ORGANIZATION", key=bytes([seed]) * 32)[:2] for seed in range(30)}
    assert made == {*_SIZES[0]} - {"深圳"}


@pytest.mark.parametrize("value", ["詹姆斯", "杜兰特", "哈登", "布拉德·皮特", "穆里尼奥"])
def test_a_foreign_name_becomes_a_foreign_one(value: str) -> None:
    for seed in range(20):
        made = surrogate(value, "PERSON", key=bytes([seed]) * 32)
        assert len(made) == len(value)
        assert not set(made) & set("王李张刘陈杨赵黄周吴徐孙朱高郭何")


def test_a_chinese_name_becomes_a_chinese_one() -> None:
    for seed in range(20):
        assert surrogate("王海燕", "PERSON", key=bytes([seed]) * 32)[0] in SURNAMES[:100]


@settings(max_examples=200)
@given(st.sampled_from(sorted(MAKERS)), st.text(min_size=1, max_size=40))
def test_whatever_was_found_something_else_or_a_placeholder_stands_there(entity: str, value: str) -> None:
    assert surrogate(value, entity, key=KEY) != value


def test_nothing_of_a_disguised_value_is_left() -> None:
    made = masker()
    for sample in samples("surrogates", each=2):
        for span in sample["spans"]:
            plain = "".join(filter(str.isalnum, digits(fold(sample["text"][span["start"] : span["end"]]).text)))
            told = digits(fold(made.mask(sample["text"], "input", Vault()).text).text)
            assert len(plain) < 6 or plain not in "".join(filter(str.isalnum, told)), (span, told)
    assert len(DISGUISES) > 10


def test_no_two_values_of_a_vault_share_a_surrogate_and_none_looks_like_a_real_one() -> None:
    vault = Vault(real=frozenset({surrogate("李雷", "PERSON", key=KEY)}))
    rule = MaskRule(entity="PERSON", operator="surrogate", purposes=("evaluation",))
    decision = Masker(
        MaskPolicy(id="p", version="1", rules=(rule,), speed="names"), key=KEY, purpose="evaluation"
    ).decisions("input")["PERSON"]
    made = [decision.applied(f"李{one}", vault) for one in "雷明红强" * 2]
    assert made[0] != surrogate("李雷", "PERSON", key=KEY)
    assert made[:4] == made[4:]
    assert len(set(made)) == 4


def test_the_copy_of_a_set_has_no_surrogate_that_is_a_value_of_the_set_and_says_how_many_there_are() -> None:
    values = ["712345678", "712345679"]
    taken = surrogate(values[0], "QQ", key=KEY)

    def asked() -> list[RunItem]:
        return items_of({"id": one, "text": f"QQ号：{one}，", "label": "a"} for one in values)

    assert taken in masked_copy(asked(), masker()).items[0].text
    values.append(taken)
    copy = masked_copy(asked(), masker())
    assert (copy.surrogates, copy.surrogate_items) == (3, 3)
    both = items_of([{"id": "one", "text": f"QQ号：{values[0]}，QQ号：{values[1]}，", "label": "a"}])
    assert (masked_copy(both, masker()).surrogates, masked_copy(both, masker()).surrogate_items) == (2, 1)
    assert not [item.text for item in copy.items if any(value in item.text for value in values)]


@pytest.mark.parametrize("purposes", [(), ("gateway",), ("evaluation", "record")])
def test_what_looks_real_is_only_for_evaluation_and_training(purposes: tuple[str, ...]) -> None:
    rule = MaskRule(entity="*", operator="surrogate", purposes=purposes)  # type: ignore[arg-type]
    with pytest.raises(BadMaskPolicy, match="only for evaluation, training"):
        Masker(MaskPolicy(id="p", version="1", rules=(rule,)), key=KEY)


@pytest.mark.parametrize("entity", ["PASSWORD", "API_KEY", FIELD])
def test_secrets_and_whole_fields_have_no_surrogate(entity: str) -> None:
    rule = MaskRule(entity=entity, operator="surrogate", purposes=("training",), fields=("a",))
    with pytest.raises(BadMaskPolicy, match="no secret"):
        Masker(MaskPolicy(id="p", version="1", rules=(rule,)), key=KEY)


def test_the_companys_own_words_get_placeholders() -> None:
    made = masker(terms=(Terms(entity="PROJECT", label="项目", terms=("红杉计划",)),))
    assert re.fullmatch(r"关于⟦项目_[a-z]{6}⟧的电话", made.mask("关于红杉计划的电话", "input").text)


def test_a_set_masked_with_surrogates_reads_like_text() -> None:
    made = masker()
    texts = [one.sentence for one in plants(b"read", each=1) if one.entity not in SECRETS]
    assert not [text for text in texts if "⟦" in made.mask(text, "input", Vault()).text]
