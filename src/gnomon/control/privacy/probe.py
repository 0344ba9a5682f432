"""Send made-up personal data through the gateway as a caller would, and wait until its records are stored."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from gnomon.contract.ports import Row
from gnomon.engine.planting import Plant
from gnomon.kit.errors import NotReady, Unavailable

TOGETHER = 4  # values in one prompt
AT_ONCE = 4  # requests under way
TRIES = 5
WITHIN_S = 90.0  # a record reaches the store within seconds; a busy machine needs longer
POLL_S = 0.5

transport: httpx.BaseTransport | None = None  # tests put a fake gateway here


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: the places of the plants in it, its id at the gateway, and what became of it."""

    plants: tuple[int, ...]
    request_id: str
    status: int
    streamed: bool


def send(
    plants: Sequence[Plant], *, url: str, key: str, model: str, marker: str, told: Callable[[int, int], None]
) -> list[Sent]:
    """Every plant is in one prompt, every other prompt is asked as a stream. `marker` stands in all, and may be stored.

    Raises Unavailable when the gateway does not answer, NotReady when it serves no model.
    """
    groups = [tuple(range(at, min(at + TOGETHER, len(plants)))) for at in range(0, len(plants), TOGETHER)]
    with httpx.Client(
        base_url=url, timeout=120, transport=transport, headers={"authorization": f"Bearer {key}"}
    ) as client:
        name = model or _first_model(client)

        def ask(number: int) -> Sent:
            text = f"{marker}。" + "".join(plants[place].sentence for place in groups[number]) + "请一并处理。"
            status, id = _asked(client, name, text, stream=number % 2 == 1)
            return Sent(groups[number], id, status, number % 2 == 1)

        sent: list[Sent] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for one in pool.map(ask, range(len(groups))):
                sent.append(one)
                told(len(sent), len(groups))
    return sent


def stored(ids: Iterable[str], query: Callable[..., list[Row]]) -> set[str]:
    """Those of the requests whose records are in the store, once all are or the patience is over."""
    missing, known, until = set(ids), set[str](), time.monotonic() + WITHIN_S
    while missing:
        known |= {id for id in missing if query("record", id=id)}
        missing -= known
        if not missing or time.monotonic() > until:
            break
        time.sleep(POLL_S)
    return known


def _first_model(client: httpx.Client) -> str:
    try:
        answer = client.get("/v1/models")
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(
            f"The gateway does not tell its models: {type(error).__name__}.", next_step="Start the gateway, try again."
        ) from error
    models = [str(model["id"]) for model in answer.json()["data"]]
    if not models:
        raise NotReady("The gateway serves no model.", next_step="Deploy one first, or name it.")
    return models[0]


def _asked(client: httpx.Client, model: str, text: str, *, stream: bool) -> tuple[int, str]:
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 4}
    body |= {"temperature": 0, "stream": stream}
    status = 0
    for attempt in range(TRIES):
        try:
            with client.stream("POST", "/v1/chat/completions", json=body) as answer:
                answer.read()
        except httpx.HTTPError:  # its text could quote the request
            time.sleep(0.5 * attempt)
            continue
        status = answer.status_code
        if status not in (429, 502, 503, 504):
            return status, answer.headers.get("x-request-id", "")
        time.sleep(min(float(answer.headers.get("retry-after", 1) or 1), 5.0))
    if status == 0:
        raise Unavailable("The gateway does not answer.", next_step="Start the gateway and search again.")
    return status, ""
