"""Real traffic: reviews by several callers, some with planted personal data, and somebody who guesses keys."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from gnomon.cli.demo.planted import Plant
from gnomon.engine.suites.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Ask:
    """One review of one caller, with the sentence that was planted before it."""

    text: str
    caller: str
    plant: Plant | None = None
    stream: bool = False


@dataclass(slots=True)
class Sent:
    """What became of the requests; an acknowledged one is one whose answer arrived whole."""

    acknowledged: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    away: int = 0
    seconds: float = 0.0


def body(recipe: Recipe, model: str, ask: Ask) -> dict[str, Any]:
    text = f"{ask.plant.sentence}{ask.text}" if ask.plant else ask.text
    return {
        "model": model,
        "messages": [{"role": "user", "content": recipe.prompt(text)}],
        "structured_outputs": {"choice": list(recipe.choices)},
        "max_tokens": 4,
        "temperature": 0,
        "stream": ask.stream,
    }


async def send(
    url: str,
    keys: dict[str, str],
    asks: Sequence[Ask],
    *,
    recipe: Recipe,
    model: str,
    concurrency: int,
    progress: Callable[[int], None],
    stop: asyncio.Event | None = None,
) -> Sent:
    """Every request is sent until it is answered; while the gateway is away the caller tries again."""
    sent, started = Sent(), time.monotonic()
    queue = list(reversed(asks))
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:

        async def caller() -> None:
            while queue and not (stop and stop.is_set()):
                ask = queue.pop()
                await _until_answered(client, keys[ask.caller], body(recipe, model, ask), sent)
                progress(len(sent.acknowledged) + len(sent.refused))

        await asyncio.gather(*(caller() for _ in range(concurrency)))
    sent.seconds = time.monotonic() - started
    return sent


async def _until_answered(client: httpx.AsyncClient, key: str, request: dict[str, Any], sent: Sent) -> None:
    for _ in range(120):
        try:
            answer = await client.post("/v1/chat/completions", json=request, headers={"authorization": f"Bearer {key}"})
        except httpx.TransportError:
            sent.away += 1
            await asyncio.sleep(0.5)
            continue
        if answer.status_code in (429, 502, 503, 504):
            sent.away += 1
            await asyncio.sleep(0.5)
            continue
        if answer.is_success:
            sent.acknowledged.append(answer.headers["x-request-id"])
        else:
            sent.refused.append(answer.status_code)
        return
    sent.refused.append(0)


def are_known(url: str, keys: dict[str, str]) -> bool:
    """Whether the gateway already has the roster with these keys.

    Asks with one unknown key at most, and slowly: to the gateway that is a guess, and enough guesses are a ban.
    """
    with httpx.Client(base_url=url, timeout=10) as client:
        try:
            for key in keys.values():
                if not client.get("/v1/models", headers={"authorization": f"Bearer {key}"}).is_success:
                    time.sleep(0.7)
                    return False
        except httpx.TransportError:
            return False
    return True


def guess_keys(url: str, *, from_address: str, limit: int = 40) -> tuple[int, int]:
    """Try made-up keys from `from_address` until banned: (tries, HTTP status of the last)."""
    transport = httpx.HTTPTransport(local_address=from_address)
    status = 0
    with httpx.Client(base_url=url, transport=transport, timeout=10) as client:
        for tries in range(1, limit + 1):
            key = f"gn-demo_{tries:08d}_{'x' * 43}"
            status = client.get("/v1/models", headers={"authorization": f"Bearer {key}"}).status_code
            if status == 403:
                return tries, status
    return limit, status
