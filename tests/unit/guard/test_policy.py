"""Operators do what they say, placeholders come back, and a bad policy is refused with the reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.bundle import MaskPolicy, MaskRule
from gnomon.guard.normalise import fold
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, BadMaskPolicy, Masker

KEY = b"k" * 32
TEXT = "打13812345678或写a.b@example.com"


def masker(*rules: MaskRule) -> Masker:
    return Masker(MaskPolicy(id="p", version="1", rules=rules), key=KEY)


def test_operators() -> None:
    def apply(operator: str) -> str:
        return (
            masker(MaskRule(entity="CN_MOBILE", operator=operator), MaskRule(entity="*", operator="keep"))
            .mask(  # type: ignore[arg-type]
                TEXT, "input"
            )
            .text
        )

    assert apply("keep") == TEXT
    assert apply("mask") == "打138****5678或写a.b@example.com"
    assert apply("redact") == "打⟦手机⟧或写a.b@example.com"
    assert apply("pseudonym").startswith("打⟦手机_")
    assert apply("hash").startswith("打⟦手机#")
    assert apply("block") == "打"


def test_no_fitting_rule_redacts() -> None:
    assert masker().mask(TEXT, "output").text == "打⟦手机⟧或写⟦邮箱⟧"


def test_first_fitting_rule_decides_by_direction() -> None:
    guard = masker(
        MaskRule(entity="CN_MOBILE", operator="block", direction="output"), MaskRule(entity="*", operator="keep")
    )
    assert guard.mask(TEXT, "input").blocked == ""
    assert guard.mask(TEXT, "output").blocked == "CN_MOBILE"


def test_kept_entities_are_not_counted() -> None:
    guard = masker(MaskRule(entity="EMAIL", operator="keep"), MaskRule(entity="*", operator="redact"))
    result = guard.mask(TEXT, "input")
    assert result.counts == {"CN_MOBILE": 1}
    assert [span.entity for span in result.spans] == ["CN_MOBILE"]


def test_pseudonyms_are_stable_per_key_and_differ_per_value() -> None:
    guard = Masker(DEFAULT_POLICY, key=KEY)
    first = guard.mask("13812345678，13812345678，13912345678", "input").text.split("，")
    assert first[0] == first[1] != first[2]
    assert Masker(DEFAULT_POLICY, key=b"o" * 32).mask("13812345678", "input").text != first[0]


def test_secrets_leave_nothing_behind() -> None:
    vault = Vault()
    result = Masker(DEFAULT_POLICY, key=KEY).mask("密码：Abc@2024! ghp_" + "a1" * 18, "input", vault)
    assert result.text == "密码：⟦口令⟧ ⟦密钥⟧"
    assert len(vault) == 0


@pytest.mark.parametrize(
    "change",
    [
        str,
        str.upper,
        lambda text: text.replace("⟦", "[").replace("⟧", "]"),
        lambda text: text.replace("⟦", "【").replace("⟧", "】"),
        lambda text: text.replace("_", " _ "),
        lambda text: text.replace("⟦", "⟦ "),
        lambda text: text.replace("_", "＿"),
    ],
)
def test_placeholders_come_back_as_models_write_them(change: object) -> None:
    vault = Vault()
    masked = Masker(DEFAULT_POLICY, key=KEY).mask("打13812345678。", "input", vault).text
    assert vault.restore(change(f"请拨打{masked}")) == "请拨打打13812345678。"  # type: ignore[operator]


def test_broken_and_foreign_placeholders_stay() -> None:
    vault = Vault()
    Masker(DEFAULT_POLICY, key=KEY).mask("打13812345678。", "input", vault)
    assert vault.restore("⟦手机_bbbbbb⟧ ⟦手机_") == "⟦手机_bbbbbb⟧ ⟦手机_"


def test_a_vault_never_mixes_two_values_up() -> None:
    vault = Vault()
    assert vault.keep("手机", "bcdfghjkmnpq", "one") == "bcdfgh"
    assert vault.keep("手机", "bcdfghjkmnpq", "two") == "bcdfghj"
    assert vault.restore("⟦手机_bcdfgh⟧⟦手机_bcdfghj⟧") == "onetwo"
    assert "one" not in repr(vault)


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="0123456789 -微信QQ号：密码abc@.一二三\u200b", max_size=60))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    guard = Masker(DEFAULT_POLICY, key=KEY)
    once = guard.mask(text, "input").text
    assert guard.mask(once, "input").text == once


@settings(max_examples=100, deadline=None)
@given(first=st.text(max_size=20), second=st.text(max_size=20))
def test_folding_is_done_character_by_character(first: str, second: str) -> None:
    assert fold(first + second).text == fold(first).text + fold(second).text


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=()), max_size=80))
def test_any_text_passes_and_spans_lie_in_order(text: str) -> None:
    result = Masker(DEFAULT_POLICY, key=KEY).mask(text, "input")
    at = 0
    for span in result.spans:
        assert at <= span.start < span.end <= len(text)
        at = span.end


def test_unknown_entity_and_short_key_are_refused() -> None:
    with pytest.raises(BadMaskPolicy, match="NAME"):
        masker(MaskRule(entity="NAME", operator="redact"))
    with pytest.raises(BadMaskPolicy, match="16"):
        Masker(DEFAULT_POLICY, key=b"short")
