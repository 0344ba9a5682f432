"""Each operator does what it says, for the fields and purposes that its rule names, and comes back only by key."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.guard.test_stream import streamed

from gnomon.contract.masking import FIELD, MaskPolicy, MaskRule
from gnomon.guard.operators import OPERATORS
from gnomon.guard.operators.encrypt import opened_field, unsealed
from gnomon.guard.placeholders import LONGEST, Vault
from gnomon.guard.policy import BadMaskPolicy, Masker
from gnomon.guard.sealed import BadSealedMap, CopySealer, SealedMapExpired, opened, opened_copy, seal

KEY = b"k" * 32
ID = "11010519491231002X"


def masker(*rules: MaskRule, purpose: str = "gateway") -> Masker:
    policy = MaskPolicy(id="p", version="1", rules=(*rules, MaskRule(entity="*", operator="keep")))
    return Masker(policy, key=KEY, purpose=purpose)  # type: ignore[arg-type]


def masked(text: str, entity: str, operator: str, format: str = "") -> str:
    rule = MaskRule(entity=entity, operator=operator, format=format)  # type: ignore[arg-type]
    return masker(rule).mask(text, "input").text


@pytest.mark.parametrize(
    ("text", "entity", "operator", "format", "out"),
    [
        ("打13812345678", "CN_MOBILE", "mask", "", "打138****5678"),
        ("打13812345678", "CN_MOBILE", "mask", "0*4", "打*******5678"),
        ("打13812345678", "CN_MOBILE", "mask", "6*5", "打***********"),  # more than two thirds would show
        ("写a.b@x.com", "EMAIL", "mask", "", "写a***@x.com"),
        ("打13812345678", "CN_MOBILE", "redact", "（已隐去）", "打（已隐去）"),
        ("生日：1986年3月5日", "DOB", "generalise", "", "生日：1986年3月"),
        ("生日：1986-03-05", "DOB", "generalise", "year", "生日：1986"),
        ("DOB: March 3, 1990", "DOB", "generalise", "decade", "DOB: 1990s"),
        ("来自10.20.30.40。", "IP", "generalise", "", "来自10.20.*.*。"),
        ("at 31.23041,121.47370", "GEO", "generalise", "", "at 31.2,121.4"),
        (f"身份证１１０１０５１９４９１２３１００２Ｘ和{ID}", "CN_ID", "generalise", "", "身份证1949年生和1949年生"),
    ],
)
def test_formats(text: str, entity: str, operator: str, format: str, out: str) -> None:
    assert masked(text, entity, operator, format) == out
    assert masked(out, entity, operator, format) == out


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (MaskRule(entity="EMAIL", operator="mask", format="a"), "3\\*4"),
        (MaskRule(entity="EMAIL", operator="generalise"), "DOB"),
        (MaskRule(entity="DOB", operator="generalise", format="week"), "month"),
        (MaskRule(entity="EMAIL", operator="pseudonym", format="ever"), "installation"),
        (MaskRule(entity="EMAIL", operator="redact", format="13812345678"), "no digits"),
        (MaskRule(entity="EMAIL", operator="hash", format="x"), "no formats"),
        (MaskRule(entity="FIELD", operator="redact"), "no fields"),
    ],
)
def test_what_an_operator_cannot_do_is_refused_when_the_policy_is_read(rule: MaskRule, why: str) -> None:
    with pytest.raises(BadMaskPolicy, match=why):
        masker(rule)


def test_rules_for_a_field_hold_only_there() -> None:
    guard = masker(
        MaskRule(entity="CN_MOBILE", operator="keep", fields=("service_line",)),
        MaskRule(entity="FIELD", operator="redact", fields=("姓名",)),
        MaskRule(entity="CN_MOBILE", operator="redact"),
    )
    assert guard.mask("13812345678", "input", field="service_line").text == "13812345678"
    assert guard.mask("13812345678", "input", field="phone").text == "⟦手机⟧"
    assert guard.mask("张三", "input", field="姓名").text == "⟦姓名⟧"
    assert guard.mask("张三", "input", field="note").text == "张三"


def test_rules_for_a_purpose_hold_only_for_it() -> None:
    rule = MaskRule(entity="CN_MOBILE", operator="redact", purposes=("training", "export"))
    assert masker(rule, purpose="training").mask("13812345678", "input").text == "⟦手机⟧"
    assert masker(rule).mask("13812345678", "input").text == "13812345678"


def test_names_of_fields_that_others_send_do_not_fill_the_memory() -> None:
    guard = masker()
    for number in range(3000):
        guard.mask("13812345678", "input", field=str(number))
    assert len(guard._decided) <= 1000


def test_conversations_cannot_be_linked_by_their_pseudonyms() -> None:
    guard = masker(MaskRule(entity="CN_MOBILE", operator="pseudonym", format="conversation"))

    def of(vault: Vault) -> str:
        return guard.mask("13812345678", "input", vault).text

    assert of(Vault("a")) == of(Vault("a")) != of(Vault("b"))
    assert of(Vault()) != of(Vault())
    vault = Vault()
    assert of(vault) == of(vault)
    assert vault.restore(of(vault)) == "13812345678"


@settings(max_examples=50, deadline=None)
@given(value=st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_encrypted_values_come_back_by_the_key_and_by_no_other(value: str) -> None:
    token = masked(f"打{value}。", "CN_MOBILE", "encrypt")
    assert value not in token
    assert masked(token, "*", "redact") == token
    assert unsealed(token, key=KEY) == f"打{value}。"
    assert unsealed(token, key=b"o" * 32) == token


def test_a_changed_token_stays_as_it_is() -> None:
    token = masked("13812345678", "CN_MOBILE", "encrypt")
    for broken in (
        token.replace("~b", "~c").replace("~d", "~f"),
        token[:-3] + token[-1],
        token.replace("手机", "电话"),
    ):
        if broken != token:
            assert unsealed(broken, key=KEY) == broken


def field_masked(value: str, format: str) -> str:
    rule = MaskRule(entity=FIELD, operator="encrypt", fields=("no",), format=format)
    return masker(rule).mask(value, "input", field="no").text


@settings(max_examples=50, deadline=None)
@given(value=st.text("0123456789 -./()+", min_size=1, max_size=40))
def test_a_field_sealed_to_its_own_digits_keeps_its_shape_and_comes_back_by_key_and_name(value: str) -> None:
    sealed = field_masked(value, "digits")
    if sum(char.isdigit() for char in value) < 6:  # under a million possibilities: a token
        assert sealed.startswith("⟦no~")
    else:
        assert [char if not char.isdigit() else "0" for char in sealed] == [
            char if not char.isdigit() else "0" for char in value
        ]
    assert opened_field(sealed, field="no", format="digits", key=KEY) == value


def test_digits_are_sealed_apart_by_field_and_key_and_letters_only_where_asked() -> None:
    sealed = field_masked("138-1234-5678", "digits")
    assert sealed != "138-1234-5678"
    assert opened_field(sealed, field="tel", format="digits", key=KEY) != "138-1234-5678"
    assert opened_field(sealed, field="no", format="digits", key=b"o" * 32) != "138-1234-5678"
    assert len(field_masked(ID, "alnum")) == len(ID)
    assert opened_field(field_masked(ID, "alnum"), field="no", format="alnum", key=KEY) == ID


@pytest.mark.parametrize("value", [ID, "张三 13812345678", "１３８１２３４５６７８", "a@b.cn 123456", "12345"])
def test_what_is_not_digits_alone_is_sealed_whole_and_nothing_of_it_shows(value: str) -> None:
    sealed = field_masked(value, "digits")
    assert sealed.startswith("⟦no~")
    assert opened_field(sealed, field="no", format="digits", key=KEY) == value


def test_a_number_keeps_its_format_in_a_field_of_its_own_and_never_in_running_text() -> None:
    with pytest.raises(BadMaskPolicy, match="whole content of a field"):
        masked("打13812345678", "CN_MOBILE", "encrypt", "digits")
    with pytest.raises(BadMaskPolicy, match="digits, alnum"):
        masker(MaskRule(entity=FIELD, operator="encrypt", fields=("no",), format="hex"))


def test_reversible_operators_are_those_that_can_be_reversed() -> None:
    assert {name for name, one in OPERATORS.items() if one.is_reversible} == {"pseudonym", "encrypt"}


@pytest.mark.parametrize(
    "written",
    ["[Phone_{}]", "【mobile phone_{}】", "［電話＿{}］", "「手机_{}」", "[[ 手机 _ {} ]]", "〚tel-{}〛"],
)
def test_placeholders_survive_translation(written: str) -> None:
    vault = Vault()
    letters = vault.keep("手机", "kqzmwtbcdfgh", "13812345678")
    assert vault.restore(written.format(letters)) == "13812345678"
    assert vault.restore(written.format(letters.upper())) == "13812345678"
    assert len(written.format(letters)) <= LONGEST


def test_letters_of_two_values_are_told_apart_by_the_label_or_stay() -> None:
    vault = Vault()
    vault.keep("手机", "kqzmwtbcdfgh", "one")
    vault.keep("邮箱", "kqzmwtbcdfgh", "two")
    assert vault.restore("⟦邮箱_kqzmwt⟧⟦手机_kqzmwt⟧") == "twoone"
    assert vault.restore("[mail_kqzmwt]") == "[mail_kqzmwt]"


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.text(min_size=1, max_size=9), unique=True, min_size=1, max_size=6), data=st.data())
def test_placeholders_come_back_in_any_order(values: list[str], data: st.DataObject) -> None:
    vault = Vault()
    marks = [f"⟦词_{vault.keep('词', f'{chr(98 + n)}{chr(98 + n)}bbbbcdfghj', v)}⟧" for n, v in enumerate(values)
             if chr(98 + n) in "bcdfgh"]  # fmt: skip
    order = data.draw(st.permutations(range(len(marks))))
    kept = [v for n, v in enumerate(values) if chr(98 + n) in "bcdfgh"]
    assert vault.restore("|".join(marks[at] for at in order)) == "|".join(kept[at] for at in order)


def _vault() -> Vault:
    vault = Vault()
    vault.keep("手机", "kqzmwtbcdfgh", "13812345678")
    return vault


def test_a_sealed_map_opens_with_its_key_before_it_expires() -> None:
    data = seal(_vault(), key=KEY, expires_at=100.0)
    assert b"138" not in data
    assert opened(data, key=KEY, now=99.0).restore("⟦手机_kqzmwt⟧") == "13812345678"
    with pytest.raises(SealedMapExpired):
        opened(data, key=KEY, now=100.0)
    with pytest.raises(BadSealedMap):
        opened(data, key=b"o" * 32, now=1.0)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 60), bit=st.integers(0, 7))
def test_no_bit_of_a_sealed_map_can_be_changed(at: int, bit: int) -> None:
    data = bytearray(seal(_vault(), key=KEY, expires_at=100.0))
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(BadSealedMap):
        opened(bytes(data), key=KEY, now=1.0)
    with pytest.raises(BadSealedMap):
        opened(bytes(data[: at % len(data)]), key=KEY, now=1.0)


def test_a_copy_is_read_by_the_private_key_only() -> None:
    private = X25519PrivateKey.generate()
    sealer = CopySealer(private.public_key().public_bytes_raw())
    data = sealer.seal(_vault(), expires_at=100.0)
    assert opened_copy(data, private_key=private, now=1.0).originals() == _vault().originals()
    with pytest.raises(BadSealedMap):
        opened_copy(data, private_key=X25519PrivateKey.generate(), now=1.0)
    with pytest.raises(BadSealedMap):
        opened_copy(data[:20], private_key=private, now=1.0)
    with pytest.raises(SealedMapExpired):
        opened_copy(data, private_key=private, now=100.0)


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("患者，男，45岁，年龄45", "患者，男，40-49岁，年龄40-49"),
        ("35 周岁；a 7-year-old boy, aged 62", "30-39 周岁；a 0-9-year-old boy, aged 60-69"),
        ("she is 30 years old", "she is 30-39 years old"),
        ("住院5天，page 45, 2岁时, 编号45", "住院5天，page 45, 0-9岁时, 编号45"),
    ],
)
def test_ages_become_bands_where_a_policy_names_them(text: str, out: str) -> None:
    guard = masker(MaskRule(entity="AGE", operator="generalise"))
    assert guard.mask(text, "input").text == out
    assert guard.mask(out, "input").text == out
    assert streamed(list(text), masker=guard) == out
    assert masker(MaskRule(entity="EMAIL", operator="redact")).mask(text, "input").text == text
