"""What an OpenAI-compatible server answers, feature by feature: give `respond` to a `Script`.

The last message says what shall happen: `fail 429` is an error of that status, `slow` takes a second, `echo …` is said
again, anything else is answered by the fields of the request (tools, n, logprobs, response_format, stream, …).
"""

import base64
import json
import struct
import time
from typing import Any

from tests.fakes.upstream import event

SAYS = "圭臬在此，请讲。"
USAGE = {"prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33}
CALL = {"name": "weather", "arguments": '{"city": "北京"}'}
OBJECT = {"answer": "圭臬", "sure": True}
VECTOR = [0.25, -0.5, 0.125] * 128


def respond(path: str, body: dict[str, Any]) -> Any:
    """(status, JSON), or the raw bytes of a whole response. `slow` holds the whole server up: ask it alone."""
    asked = _last_text(body)
    if asked.startswith("fail "):
        status = int(asked[5:8])
        return status, {
            "error": {"message": f"told to fail with {status}", "type": "told", "param": "messages", "code": "x"}
        }
    if asked == "slow":
        time.sleep(1.0)
    if path == "/v1/embeddings":
        return 200, _embeddings(body)
    if path == "/v1/completions":
        return _events(_completion_events(body)) if body.get("stream") else (200, _completion(body))
    return _events(_chat_events(body)) if body.get("stream") else (200, _chat(body))


def _last_text(body: dict[str, Any]) -> str:
    messages = body.get("messages") or [{}]
    content = messages[-1].get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _message(body: dict[str, Any]) -> dict[str, Any]:
    if body.get("tools") and body["messages"][-1]["role"] != "tool":
        call = {"id": "call_1", "type": "function", "function": CALL}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    asked = _last_text(body)
    if asked.startswith("echo "):
        return {"role": "assistant", "content": asked[5:]}
    wants_object = (body.get("response_format") or {}).get("type") in ("json_object", "json_schema")
    return {"role": "assistant", "content": json.dumps(OBJECT, ensure_ascii=False) if wants_object else SAYS}


def _chat(body: dict[str, Any]) -> dict[str, Any]:
    message = _message(body)
    finish = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"message": message, "finish_reason": finish, "logprobs": _logprobs() if body.get("logprobs") else None}
    choices = [{"index": index, **choice} for index in range(body.get("n") or 1)]
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": body["model"],
        "choices": choices, "usage": USAGE, "system_fingerprint": "fp_1",
    }  # fmt: skip


def _logprobs() -> dict[str, Any]:
    def token(text: str) -> dict[str, Any]:
        return {"token": text, "logprob": -0.25, "bytes": list(text.encode())}

    return {"content": [{**token(text), "top_logprobs": [token(text)]} for text in SAYS], "refusal": None}


def _chat_events(body: dict[str, Any]) -> list[bytes]:
    message = _message(body)
    events = []
    for index in range(body.get("n") or 1):
        events.append(event({"role": "assistant", "content": ""}, index=index))
        for call in message.get("tool_calls", ()):
            first = {
                "index": 0,
                "id": call["id"],
                "type": "function",
                "function": {"name": CALL["name"], "arguments": ""},
            }
            events.append(event({"tool_calls": [first]}, index=index))
            events += [
                event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}, index=index)
                for piece in _pieces(CALL["arguments"])
            ]
        events += [event({"content": piece}, index=index) for piece in _pieces(message["content"] or "")]
        events.append(event({}, finish="tool_calls" if "tool_calls" in message else "stop", index=index))
    return [*events, event(None, usage=USAGE)]


def _completion(body: dict[str, Any]) -> dict[str, Any]:
    prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
    choices = [{"index": n, "text": SAYS, "finish_reason": "stop", "logprobs": None} for n in range(len(prompts))]
    return {
        "id": "cmpl-1", "object": "text_completion", "created": 1_700_000_000, "model": body["model"],
        "choices": choices, "usage": USAGE,
    }  # fmt: skip


def _completion_events(body: dict[str, Any]) -> list[bytes]:
    whole = _completion(body)
    events = []
    for piece in _pieces(SAYS):
        choice = {"index": 0, "text": piece, "finish_reason": None, "logprobs": None}
        events.append({**whole, "usage": None, "choices": [choice]})
    events.append({**whole, "choices": [{"index": 0, "text": "", "finish_reason": "stop", "logprobs": None}]})
    return [b"data: %b\n\n" % json.dumps(one, ensure_ascii=False).encode() for one in events]


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    packed = base64.b64encode(struct.pack(f"<{len(VECTOR)}f", *VECTOR)).decode()
    vector = packed if body.get("encoding_format") == "base64" else VECTOR
    data = [{"object": "embedding", "index": n, "embedding": vector} for n in range(len(inputs))]
    return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 11, "total_tokens": 11}}


def _pieces(text: str) -> list[str]:
    return [text[at : at + 3] for at in range(0, len(text), 3)]


def _events(events: list[bytes]) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(data), data) for data in [*events, b"data: [DONE]\n\n"]]
    return head + b"".join(chunks) + b"0\r\n\r\n"
