"""Where names are looked for, the words of the protocol and of programs are none: tools can still be called."""

import json
from typing import Any

import pytest

from gnomon.app.gateway import guard
from gnomon.contract.bundle import MaskPolicy, MaskRule
from gnomon.gateway.guarding import TreeGuard

GUARD = guard()
NAMES = MaskPolicy(id="names", version="1", speed="names", rules=(MaskRule(entity="*", operator="redact"),))
TOOL = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "查询天气",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "kelvin"]}},
            "required": ["city"],
        },
    },
}
MULTIPLY = {"type": "function", "function": {"name": "Multiply", "parameters": {"title": "Multiply"}}}
REQUEST = {
    "messages": [{"role": "system", "content": "你是客服助手。"}, {"role": "user", "content": "hello"}],
    "tools": [TOOL, {"type": "function", "function": {"name": "getUserById", "strict": True}}, MULTIPLY],
    "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"name": "weather_report", "schema": {"title": "天气"}}},
    "metadata": {"app": "portal"},
    "reasoning_effort": "low",
    "user": "u-1",
}
REPLY = {
    "id": "chatcmpl-Ab12Cd",
    "object": "chat.completion",
    "model": "Qwen/Qwen2.5-7B-Instruct",
    "system_fingerprint": "fp_44709d6fcb",
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": "好的，这就查询。",
                "tool_calls": [
                    {
                        "id": "call_Yq8D1sx4TQ",
                        "type": "function",
                        "function": {"name": "get_current_weather", "arguments": '{"unit": "celsius"}'},
                    }
                ],
            },
        }
    ],
}


@pytest.mark.parametrize(("side", "body"), [("input", REQUEST), ("output", REPLY)], ids=["request", "reply"])
def test_words_of_the_protocol_are_nobodys_name(side: Any, body: dict[str, Any]) -> None:
    tree = TreeGuard(GUARD.masker(NAMES, b"k" * 32), side, GUARD.vault(""))
    assert tree.value(body) == body
    assert tree.counts == {}


def test_names_beside_them_are_still_masked() -> None:
    said = {
        "note": "联系人张伟明，在某某科技有限公司工作。",
        "tool_choice": "auto",
        "张伟明": {"firm": "Acme Trading Ltd."},
    }
    tree = TreeGuard(GUARD.masker(NAMES, b"k" * 32), "input", GUARD.vault(""))
    told = json.dumps(tree.value(said), ensure_ascii=False)
    assert '"tool_choice": "auto"' in told
    assert not any(name in told for name in ("张伟明", "某某科技", "Acme"))
