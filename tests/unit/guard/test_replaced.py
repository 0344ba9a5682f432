"""A text that was masked is masked again, in the next turn or in the reply: what stands in it for a value stays."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.guard.test_on_request import streamed

from gnomon.guard.packaged import packaged_policy
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, Masker

PLACES = (
    "请联系{}，他在{}工作。",
    "患者{}，男，由{}医生接诊。",
    "{}和{}是同事。",
    "My name is {} and I work at {}.",
    "Dear {}, please call {} tomorrow.",
    "寄给{}，地址：{}",
    "The patient {} was born in {}.",
    "Mr. {} met {} in the office.",
)


@cache
def masker(of: str) -> Masker:
    policy = packaged_policy("everything") if of == "everything" else replace(DEFAULT_POLICY, speed="names")
    return Masker(policy, key=b"k" * 32)


@pytest.mark.parametrize("of", ["names", "everything"])
@settings(max_examples=60, deadline=None)
@given(
    said=st.sampled_from(PLACES),
    labels=st.lists(st.sampled_from(("姓名", "机构", "地址", "手机", "邮箱")), min_size=2, max_size=2),
    letters=st.lists(st.text("bcdfghjkmnpqrstvwxz", min_size=6, max_size=6), min_size=2, max_size=2),
    brackets=st.sampled_from(("⟦⟧", "【】", "[]")),
)
def test_no_placeholder_is_taken_for_a_name(
    of: str, said: str, labels: list[str], letters: list[str], brackets: str
) -> None:
    one, other = (f"{brackets[0]}{label}_{code}{brackets[1]}" for label, code in zip(labels, letters, strict=True))
    text = said.format(one, other)

    masked = masker(of).mask(text, "output", Vault())
    assert one in masked.text
    assert other in masked.text
    assert streamed(masker(of), text, 7) == masker(of).mask(text, "input").text


def test_what_was_masked_with_names_comes_back_from_a_masked_reply() -> None:
    vault = Vault()
    asked = masker("names").mask("请联系王小明，他在清华大学工作。My name is John Smith.", "input", vault).text
    replied = masker("names").mask(f"好的：{asked}", "output", Vault()).text

    assert vault.restore(replied) == "好的：请联系王小明，他在清华大学工作。My name is John Smith."


@pytest.mark.parametrize("gone", ["⟦IP⟧", "⟦姓名⟧", "⟦日期⟧", f"⟦姓名~{'bcdf' * 12}⟧"])
def test_what_is_gone_or_sealed_is_no_name_either(gone: str) -> None:
    for said in ("Norway{}A South African", "患者{}，男", "，{}阿里巴巴公司", "Dear {}, hello"):
        assert gone in masker("everything").mask(said.format(gone), "input").text


def test_who_stands_beside_a_placeholder_or_in_its_label_is_still_found() -> None:
    said = "⟦姓名_bcdfgh⟧的同事王小明今天请假。【王小明_bcdfgh】医生也在。"
    assert "王小明" not in masker("names").mask(said, "input").text
