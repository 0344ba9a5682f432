"""LangChain's ChatOpenAI against a gateway: `python langchain_calls.py URL KEYS`, with KEYS as JSON {role: key}.

One line of JSON a call: {"call": name, "result": …}; an error is {"error": class, "status", "code"}.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import BaseModel

URL, KEYS = sys.argv[1], json.loads(sys.argv[2])
MODEL = "gnomon-chat"


class Verdict(BaseModel):
    """How sure an answer is."""

    answer: str
    sure: bool


@tool
def weather(city: str) -> str:
    """Today's weather of a city."""
    return f"{city}: {KEYS['mobile']}"


def chat(model: str = MODEL, role: str = "all", **options: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=URL, api_key=KEYS[role], **({"max_retries": 0, "timeout": 10} | options))


async def asynchronous() -> list[str]:
    whole = await chat().ainvoke("你好")
    streamed = [str(chunk.content) async for chunk in chat().astream("你好")]
    return [str(whole.content), "".join(streamed)]


def streamed() -> list[Any]:
    chunks = list(chat(stream_usage=True).stream("你好"))
    usage = [chunk.usage_metadata["total_tokens"] for chunk in chunks if chunk.usage_metadata]
    return ["".join(str(chunk.content) for chunk in chunks), usage]


def tools() -> list[Any]:
    bound = chat().bind_tools([weather])
    question = HumanMessage("天气")
    first = bound.invoke([question])
    call = first.tool_calls[0]
    result = ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])
    return [call["name"], call["args"], str(bound.invoke([question, first, result]).content)]


def streamed_tools() -> Any:
    gathered: Any = None
    for chunk in chat().bind_tools([weather]).stream("天气"):
        gathered = chunk if gathered is None else gathered + chunk
    return [gathered.tool_calls[0]["name"], gathered.tool_calls[0]["args"]]


def masked(role: str) -> bool:
    return KEYS["mobile"] in str(chat("gnomon-private", role).invoke(f"echo {KEYS['mobile']}。").content)


def embeddings() -> list[Any]:
    made = OpenAIEmbeddings(model=MODEL, base_url=URL, api_key=KEYS["all"], check_embedding_ctx_length=False)
    vectors = made.embed_documents(["一", "二"])
    return [len(vectors), vectors[0][:3]]


CALLS: dict[str, Callable[[], Any]] = {
    "chat": lambda: chat().invoke("你好").content,
    "usage": lambda: chat().invoke("你好").usage_metadata["total_tokens"],
    "choices": lambda: [one.text for one in chat(n=2).generate([[HumanMessage("你好")]]).generations[0]],
    "log_probabilities": lambda: len(chat(logprobs=True).invoke("你好").response_metadata["logprobs"]["content"]),
    "batch": lambda: [answer.content for answer in chat().batch(["一", "二", "三"])],
    "stream": streamed,
    "async": lambda: asyncio.run(asynchronous()),
    "tools": tools,
    "stream_tools": streamed_tools,
    "structured": lambda: chat().with_structured_output(Verdict, method="json_schema").invoke("?").answer,
    "completions": lambda: OpenAI(model=MODEL, base_url=URL, api_key=KEYS["all"], max_retries=0).invoke("一"),
    "embeddings": embeddings,
    "masked": lambda: masked("all"),
    "restored": lambda: masked("restores"),
    "wrong_key": lambda: chat(role="wrong").invoke("你好"),
    "not_permitted": lambda: chat(role="others").invoke("你好"),
    "unknown_model": lambda: chat("no-such").invoke("你好"),
    "blocked": lambda: chat("gnomon-blocking").invoke(f"电话 {KEYS['mobile']}"),
    "upstream_failed": lambda: chat().invoke("fail 500"),
    "upstream_limited": lambda: list(chat().stream("fail 429")),
    "upstream_away": lambda: chat("gnomon-away").invoke("你好"),
    "own_timeout": lambda: chat(timeout=0.2).invoke("slow"),
}


def main() -> None:
    for call, make in CALLS.items():
        try:
            result = make()
        except Exception as error:  # noqa: BLE001 - which one it is, is the result
            code = getattr(error, "code", None)
            result = {"error": type(error).__name__, "status": getattr(error, "status_code", None), "code": code}
        print(json.dumps({"call": call, "result": result}, ensure_ascii=False), flush=True)


main()
