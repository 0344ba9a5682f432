"""What a caller's body says: decoded once, checked, and what is sent on is what was judged.

A field that stands twice in one object is refused. The body is always decoded and encoded again: escapes disappear, and
the model server sees exactly what permission, routing and guard saw.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gnomon.contract.traffic import MAX_TOKENS
from gnomon.gateway.meters import estimated, token_count
from gnomon.gateway.names_once import repeated
from gnomon.gateway.parts import Unread, is_tokens, see_parts
from gnomon.gateway.refusal import Refusal

ENDPOINTS: Final = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
    "/v1/models": "models",
    "/v1/feedback": "feedback",
}
_decode: Final = msgspec.json.Decoder().decode


class Asked:
    """A checked request. `body` is the caller's JSON object and may be changed; `unread` is what no guard can read."""

    __slots__ = ("body", "model", "stream", "unread", "wants_usage")

    def __init__(
        self, body: dict[str, Any], model: str, *, stream: bool, wants_usage: bool, unread: Unread | None = None
    ) -> None:
        self.body = body
        self.model = model
        self.stream = stream
        self.wants_usage = wants_usage
        self.unread = unread


def decode(raw: bytes) -> dict[str, Any]:
    """The body as a JSON object. Raises Refusal (400)."""
    try:
        body = _decode(raw)
        twice = repeated(raw, body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad(f"请求体不是有效的 JSON。 The body is not valid JSON: {error}", "invalid_json") from error
    except RecursionError as error:
        raise bad("JSON 嵌套过深。 The JSON is nested too deeply.", "invalid_json") from error
    if twice is not None:
        raise bad(
            f"字段 {twice[:40]!r} 在同一对象中出现多次。 The field {twice[:40]!r} stands twice in one object.",
            "repeated_field",
        )
    if not isinstance(body, dict):
        raise bad("请求体必须是 JSON 对象。 The body must be a JSON object.", "invalid_json")
    return body


def check(body: dict[str, Any], endpoint: str) -> Asked:
    """Raises Refusal (400) with the field that is wrong."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise bad("缺少字段 model（字符串）。 The field model (a string) is missing.", "missing_model", "model")
    stream = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise bad("字段 stream 必须是布尔值。 The field stream must be true or false.", "invalid_type", "stream")
    if endpoint == "chat":
        unread = _check_messages(body.get("messages"))
        if "modalities" in body:
            unread = unread or Unread()
            unread.asked_for(body["modalities"])
    else:
        unread = _check_texts(body, "prompt" if endpoint == "completions" else "input")
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and options.get("include_usage") is True
    return Asked(
        body=body,
        model=model,
        stream=stream is True and endpoint != "embeddings",
        wants_usage=wants_usage,
        unread=unread,
    )


@dataclass(frozen=True, slots=True)
class Expected:
    """Tokens that a request will use: of what was sent, and at most of what is answered (0: it does not say)."""

    prompt: int
    answer: int


def expected(asked: Asked, size: int) -> Expected:
    """What was sent by its length, what is answered by what the caller allows."""
    body = asked.body
    most = token_count(body.get("max_completion_tokens")) or token_count(body.get("max_tokens"))
    answers = token_count(body.get("n")) or 1
    return Expected(prompt=estimated(size), answer=min(most * answers, MAX_TOKENS))


def bad(message: str, code: str, param: str | None = None) -> Refusal:
    return Refusal("bad_request", 400, message=message, code=code, param=param)


def _check_texts(body: dict[str, Any], field: str) -> Unread | None:
    """A text, or several; token numbers are told apart."""
    value = body.get(field)
    if value is None or value == []:
        raise bad(f"缺少字段 {field}。 The field {field} is missing.", f"missing_{field}", field)
    if is_tokens(value):
        unread = Unread()
        unread.saw("tokens", field)
        return unread
    if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
        raise bad(
            f"字段 {field} 必须是字符串或字符串数组。 The field {field} must be a string or a list of strings.",
            "invalid_type",
            field,
        )
    return None


def _check_messages(messages: Any) -> Unread | None:
    if not isinstance(messages, list) or not messages:
        raise bad(
            "字段 messages 必须是非空数组。 The field messages must be a list with at least one message.",
            "missing_messages",
            "messages",
        )
    unread = None
    for m, message in enumerate(messages):
        if not isinstance(message, dict):
            raise bad("messages 的每一项必须是对象。 Each message must be an object.", "invalid_type", f"messages.{m}")
        content = message.get("content")
        if isinstance(content, list):
            unread = see_parts(content, unread, f"messages.{m}.content")
        elif content is not None and not isinstance(content, str):
            raise bad(
                "content 必须是字符串或数组。 The content of a message must be a string or a list.",
                "invalid_type",
                f"messages.{m}.content",
            )
    return unread
