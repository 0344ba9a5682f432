"""What a caller's body says: decoded once, checked, and what is sent on is what was judged.

The body is always decoded and encoded again: duplicate keys collapse to the last before anything is decided, escapes
disappear, and the model server sees exactly what permission, routing and guard saw.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from gnomon.gateway.refusal import Refusal

ENDPOINTS = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
}
_TEXT_PARTS = frozenset(("text", "refusal"))
_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class Asked:
    """A checked request. `body` is the caller's JSON object and may be changed."""

    body: dict[str, Any]
    model: str
    stream: bool
    wants_usage: bool


def decode(raw: bytes) -> dict[str, Any]:
    """The body as a JSON object. Raises Refusal (400)."""
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad(f"请求体不是有效的 JSON。 The body is not valid JSON: {error}", "invalid_json") from error
    except RecursionError as error:
        raise bad("JSON 嵌套过深。 The JSON is nested too deeply.", "invalid_json") from error
    if not isinstance(body, dict):
        raise bad("请求体必须是 JSON 对象。 The body must be a JSON object.", "invalid_json")
    return body


def check(body: dict[str, Any], endpoint: str) -> Asked:
    """Raises Refusal (400) with the field that is wrong."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise bad("缺少字段 model（字符串）。 The field model (a string) is missing.", "missing_model")
    stream = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise bad("字段 stream 必须是布尔值。 The field stream must be true or false.", "invalid_type")
    if endpoint == "chat":
        _check_messages(body.get("messages"))
    elif endpoint == "completions" and "prompt" not in body:
        raise bad("缺少字段 prompt。 The field prompt is missing.", "missing_prompt")
    elif endpoint == "embeddings" and "input" not in body:
        raise bad("缺少字段 input。 The field input is missing.", "missing_input")
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and options.get("include_usage") is True
    return Asked(body=body, model=model, stream=stream is True and endpoint != "embeddings", wants_usage=wants_usage)


def bad(message: str, code: str) -> Refusal:
    return Refusal("bad_request", 400, message=message, code=code)


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise bad(
            "字段 messages 必须是非空数组。 The field messages must be a list with at least one message.",
            "missing_messages",
        )
    for message in messages:
        if not isinstance(message, dict):
            raise bad("messages 的每一项必须是对象。 Each message must be an object.", "invalid_type")
        content = message.get("content")
        if isinstance(content, list):
            _check_parts(content)
        elif content is not None and not isinstance(content, str):
            raise bad(
                "content 必须是字符串或数组。 The content of a message must be a string or a list.", "invalid_type"
            )


def _check_parts(parts: list[Any]) -> None:
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str) or kind not in _TEXT_PARTS:
            raise bad(
                f"不支持内容类型 {str(kind)[:40]!r}：图像、音频和文件无法检查。 Content parts of this type are refused:"
                " images, audio and files cannot be checked for personal data.",
                "unsupported_content_part",
            )
