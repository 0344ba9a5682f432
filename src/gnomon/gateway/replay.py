"""A whole answer told as a stream: for callers who asked for one where the answer is there already."""

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_WHOLE = ("choices", "usage", "object")


def as_events(answer: dict[str, Any], *, wants_usage: bool) -> bytes:
    """All events, `[DONE]` included. Each choice comes in one piece, then its finish reason."""
    is_chat = answer.get("object") != "text_completion"
    envelope = {k: v for k, v in answer.items() if k not in _WHOLE}
    envelope["object"] = "chat.completion.chunk" if is_chat else "text_completion"
    events = []
    for choice in answer.get("choices") or ():
        said = {k: v for k, v in choice.items() if k != "finish_reason"}
        rest: dict[str, Any] = {"index": choice.get("index", 0)}
        if is_chat:
            said = {k: v for k, v in said.items() if k != "message"} | {"delta": _delta(choice.get("message") or {})}
            rest["delta"] = {}
        else:
            rest["text"] = ""
        events.append({**envelope, "choices": [{**said, "finish_reason": None}]})
        events.append({**envelope, "choices": [{**rest, "finish_reason": choice.get("finish_reason")}]})
    if wants_usage:
        events.append({**envelope, "choices": [], "usage": answer.get("usage")})
    return b"".join(b"data: %b\n\n" % _encode(event) for event in events) + b"data: [DONE]\n\n"


def _delta(message: dict[str, Any]) -> dict[str, Any]:
    """In a stream every tool call carries its place."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    return message | {"tool_calls": [{"index": n, **call} for n, call in enumerate(calls) if isinstance(call, dict)]}
