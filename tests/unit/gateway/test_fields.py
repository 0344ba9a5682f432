"""Rules that name fields act in the gateway too: in what callers and tools name, and in no word of the protocol."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.masking import MaskPolicy, MaskRule
from gnomon.gateway.fields import FieldGuard, tree_guard
from gnomon.gateway.guarding import TreeGuard
from gnomon.gateway.refusal import Refusal
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import Masker
from tests.unit.gateway.test_deltas import DONE, heard, told
from tests.unit.gateway.test_streaming import cut, stream

MOBILE = "13812345678"
RULES = (
    MaskRule(entity="FIELD", operator="redact", fields=("name", "user", "limit")),
    MaskRule(entity="CN_MOBILE", operator="keep", fields=("hotline",)),
    MaskRule(entity="FIELD", operator="block", fields=("dossier",)),
    MaskRule(entity="*", operator="redact"),
)


def masker(*rules: MaskRule) -> Masker:
    return Masker(MaskPolicy(id="p", version="1", rules=rules or RULES), key=bytes(32))


def guarded(value: Any) -> Any:
    return tree_guard(masker(), "input", Vault()).value(value)


def test_of_a_member_that_a_rule_names_nothing_goes_on_whatever_it_holds() -> None:
    for held in ("张三", 3, True, ["张三", {"first": "三"}], {"deep": {"deeper": "张三"}}):
        assert "三" not in json.dumps(guarded({"metadata": {"name": held}}), ensure_ascii=False)
        assert guarded({"metadata": {"name": held}}) != {"metadata": {"name": held}}
    assert guarded({"metadata": {"name": None}}) == {"metadata": {"name": None}}


def test_a_rule_may_keep_in_one_field_what_is_masked_everywhere_else() -> None:
    said = {"x_hotline": MOBILE, "metadata": {"hotline": f"拨 {MOBILE}", "other": f"拨 {MOBILE}"}}
    assert guarded(said) == {"x_hotline": "⟦手机⟧", "metadata": {"hotline": f"拨 {MOBILE}", "other": "拨 ⟦手机⟧"}}


def test_the_arguments_of_a_call_have_fields_and_the_call_itself_has_none() -> None:
    arguments = {"name": "张三", "limit": 5, "nested": json.dumps({"user": "li"}), "city": "北京"}
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": json.dumps(arguments)}}
    found = guarded({"messages": [{"role": "assistant", "tool_calls": [call]}]})["messages"][0]["tool_calls"][0]
    assert (found["id"], found["type"], found["function"]["name"]) == ("c1", "function", "find")
    inner = json.loads(found["function"]["arguments"])
    assert inner == {"name": "⟦name⟧", "limit": "⟦limit⟧", "nested": '{"user":"⟦user⟧"}', "city": "北京"}


def test_a_schema_names_fields_and_holds_none() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "limit": {"type": "integer", "maximum": 5}}}
    tool = {"type": "function", "function": {"name": "find", "parameters": schema}}
    assert guarded({"tools": [tool]}) == {"tools": [tool]}


def test_who_asks_is_a_field_and_a_role_is_none() -> None:
    said = {"user": "u-17", "messages": [{"role": "user", "name": "li", "content": "你好"}], "seed": 13812345678}
    assert guarded(said) == {**said, "user": "⟦user⟧"}


def test_a_field_that_must_not_pass_refuses_the_request() -> None:
    with pytest.raises(Refusal, match="策略"):
        guarded({"metadata": {"dossier": [1]}})


def test_json_that_holds_nothing_stays_as_it_was_written() -> None:
    text = '{"a" : 1.0,  "b":[true, "x"]}'
    assert guarded({"messages": [{"role": "user", "content": text}]})["messages"][0]["content"] == text
    assert guarded({"metadata": {"a": '{"one": 1, "one": 2'}}) == {"metadata": {"a": '{"one": 1, "one": 2'}}


def test_what_fields_hold_is_counted_once() -> None:
    tree = tree_guard(masker(), "input", Vault())
    tree.value({"metadata": {"name": "张三", "note": MOBILE}, "tools": [{"parameters": {"note": MOBILE}}]})
    assert tree.counts == {"FIELD": 1, "CN_MOBILE": 2}


def test_without_rules_about_fields_nothing_waits_and_nothing_is_walked() -> None:
    plain = masker(MaskRule(entity="*", operator="redact"))
    assert type(tree_guard(plain, "input", Vault())) is TreeGuard
    assert plain.places(b'{"a":"b"}') == []
    other = masker(MaskRule(entity="FIELD", operator="redact", fields=("a",), purposes=("export",)))
    assert not other.fields
    assert isinstance(tree_guard(masker(), "input", Vault()), FieldGuard)


VALUES = st.recursive(
    st.sampled_from(["张三", MOBILE, "拨 13812345678。", "", 3, 12.5, True, None, "{", "content"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "hotline", "note", "user", "id"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(
    value=VALUES,
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    kind=st.sampled_from(["tool", "content", "reasoning", "function", "inside"]),
)
def test_a_stream_says_what_the_whole_says_wherever_it_is_cut(value: Any, sizes: list[int], kind: str) -> None:
    text = json.dumps(value, ensure_ascii=False)

    def delta(piece: str) -> dict[str, Any]:
        call = {"index": 0, "type": "function", "function": {"arguments": piece}}
        return {
            "tool": {"tool_calls": [call]},
            "content": {"content": piece},
            "reasoning": {"reasoning": piece},
            "function": {"function_call": {"arguments": piece}},
            "inside": {"extra": {"hotline": piece}},
        }[kind]

    running = stream(masker())
    out = b"".join(running.feed(told(delta(piece))) for piece in cut(text, sizes))
    out += running.feed(told({}, finish="stop")) + running.feed(DONE)
    whole = tree_guard(masker(), "output", Vault()).value(delta(text))
    assert heard(out) == whole
