"""LiteLLM's SDK against a gateway: `python litellm_calls.py URL KEYS`, with KEYS as JSON {role: key}.

One line of JSON a call: {"call": name, "result": …}; an error is {"error": class, "status"}.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # the list of prices that it ships, not one from the network
import litellm

URL, KEYS = sys.argv[1], json.loads(sys.argv[2])
litellm.telemetry = False
litellm.suppress_debug_info = True
TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def options(model: str = "gnomon-chat", role: str = "all") -> dict[str, Any]:
    return {"model": f"openai/{model}", "api_base": URL, "api_key": KEYS[role], "max_retries": 0, "timeout": 10}


def chat(content: str = "你好", *, model: str = "gnomon-chat", role: str = "all", **more: Any) -> Any:
    return litellm.completion(messages=[{"role": "user", "content": content}], **(options(model, role) | more))


def text(stream: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def streamed() -> list[Any]:
    chunks = list(chat(stream=True, stream_options={"include_usage": True}))
    usage = [chunk.usage.total_tokens for chunk in chunks if getattr(chunk, "usage", None)]
    return [text(chunks), usage, litellm.stream_chunk_builder(chunks).choices[0].message.content]


def tools() -> list[Any]:
    choice = chat("天气", tools=[TOOL]).choices[0]
    call = choice.message.tool_calls[0].function
    return [choice.finish_reason, call.name, json.loads(call.arguments)["city"]]


async def asynchronous() -> list[str]:
    messages = [{"role": "user", "content": "你好"}]
    whole = await litellm.acompletion(messages=messages, **options())
    pieces = await litellm.acompletion(messages=messages, stream=True, **options())
    said = "".join([chunk.choices[0].delta.content or "" async for chunk in pieces if chunk.choices])
    return [whole.choices[0].message.content, said]


def completions() -> str:
    named = options() | {"model": "text-completion-openai/gnomon-chat"}
    return str(litellm.text_completion(prompt="一", **named).choices[0].text)


def embeddings() -> list[Any]:
    made = litellm.embedding(input=["一", "二"], encoding_format="float", **options())
    return [len(made.data), made.data[0]["embedding"][:3]]


def masked(role: str) -> bool:
    return KEYS["mobile"] in text(chat(f"echo {KEYS['mobile']}。", model="gnomon-private", role=role, stream=True))


CALLS: dict[str, Callable[[], Any]] = {
    "chat": lambda: chat().choices[0].message.content,
    "choices": lambda: [choice.message.content for choice in chat(n=2).choices],
    "stream": streamed,
    "async": lambda: asyncio.run(asynchronous()),
    "tools": tools,
    "json_object": lambda: json.loads(chat(response_format={"type": "json_object"}).choices[0].message.content)[
        "answer"
    ],
    "completions": completions,
    "embeddings": embeddings,
    "masked": lambda: masked("all"),
    "restored": lambda: masked("restores"),
    "wrong_key": lambda: chat(role="wrong"),
    "not_permitted": lambda: chat(role="others"),
    "unknown_model": lambda: chat(model="no-such"),
    "blocked": lambda: chat(f"电话 {KEYS['mobile']}", model="gnomon-blocking"),
    "upstream_failed": lambda: chat("fail 500"),
    "upstream_limited": lambda: chat("fail 429"),
    "upstream_away": lambda: chat(model="gnomon-away"),
    "own_timeout": lambda: chat("slow", timeout=0.2),
}


def main() -> None:
    for call, make in CALLS.items():
        try:
            result = make()
        except Exception as error:  # noqa: BLE001 - which one it is, is the result
            result = {"error": type(error).__name__, "status": getattr(error, "status_code", None)}
        print(json.dumps({"call": call, "result": result}, ensure_ascii=False), flush=True)


main()
