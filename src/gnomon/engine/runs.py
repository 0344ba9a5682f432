"""Sends a suite's items through the gateway, like any caller, and turns each reply into an answer as it arrives.

Resumable: what is in `already` is not asked again. A refusal that would meet every item (key, permission, model name)
and a gateway that stays away end the run with an error instead of being counted as wrong answers.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Protocol
from urllib.parse import quote

import httpx

from gnomon.engine.replies import chosen_label, first_label, label_scores
from gnomon.engine.scoring.answers import Answer
from gnomon.kit.errors import BadInput, Denied, Unavailable

Mode = Literal["label_loglik", "generate"]

_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0
_TRY_AGAIN = (429, 503)
_OUTAGE = frozenset({"upstream_error", "upstream_unreachable", "timeout"})  # of the model server, not of the model
_FOR_EVERY_ITEM = (401, 403, 404)
_OUTCOME_OF_CODE = {"content_blocked": "blocked", "timeout": "timeout", "upstream_error": "upstream_error"}
_OUTCOME_OF_STATUS = {408: "timeout", 504: "timeout", 500: "internal"}


class RunRefused(Denied):
    """The gateway refuses this key or this model, so every item would fail."""

    code: ClassVar[str] = "run_refused"


class RunInterrupted(Unavailable):
    """The gateway stayed away or too busy; what was answered is kept and a new start goes on from there."""

    code: ClassVar[str] = "run_interrupted"


class BadRun(BadInput):
    """A run that cannot be started as asked."""

    code: ClassVar[str] = "bad_run"


class Asks(Protocol):
    """What the runner needs of a recipe; `engine.suites.recipes.Recipe` is one."""

    @property
    def choices(self) -> tuple[str, ...]: ...
    def prompt(self, text: str) -> str: ...


@dataclass(frozen=True, slots=True)
class RunItem:
    """One thing to ask, and the label that is right."""

    item_id: str
    text: str
    expected: str


@dataclass(frozen=True, slots=True)
class Decoding:
    """How replies are drawn; part of what two runs must share.

    `label_loglik`: the model may only say one of the recipe's choices, and their probabilities are asked for.
    `generate`: it writes freely, up to `max_tokens`, and the first choice in the reply counts.
    """

    mode: Mode = "label_loglik"
    max_tokens: int = 16
    temperature: float = 0.0
    top_logprobs: int = 20

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Reach:
    """How a server is reached where that is not plain: PEM certificates to trust, the name to check, the Host."""

    ca: str = ""
    server_name: str = ""
    host: str = ""

    def trust(self) -> ssl.SSLContext | bool:
        return ssl.create_default_context(cadata=self.ca) if self.ca else True

    def headers(self) -> dict[str, str]:
        return {"host": self.host} if self.host else {}

    def extensions(self) -> dict[str, Any]:
        return {"sni_hostname": self.server_name} if self.server_name else {}


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run did: items asked and skipped, further attempts, seconds from first to last."""

    asked: int
    skipped: int
    retries: int
    wall_s: float


async def run_items(
    items: Iterable[RunItem],
    *,
    base_url: str,
    key: str,
    model: str,
    recipe: Asks,
    run_id: str,
    on_answer: Callable[[Answer], None],
    concurrency: int = 8,
    already: Collection[str] = frozenset(),
    decoding: Decoding | None = None,
    timeout_s: float = 60.0,
    attempts: int = 10,
    transport: httpx.AsyncBaseTransport | None = None,
    reach: Reach | None = None,
) -> Tally:
    """Every item not in `already` was asked once, and `on_answer` was called with each answer in order of arrival.

    `base_url` ends before `/chat/completions`. A 429, a 503, a broken connection and a model server that is away are
    tried again up to `attempts` times in all (ten: about 40 s), after the gateway's Retry-After or a doubling pause:
    an outage must not count against the model. An item that the model server refuses every time stays unanswered.
    Raises RunRefused, RunInterrupted or BadRun; by then `on_answer` has had every answer that came. What `on_answer`
    raises ends the run.
    """
    asked = list(items)
    _check(asked, recipe, concurrency=concurrency, attempts=attempts)
    todo = [item for item in asked if item.item_id not in already]
    started, reach = time.monotonic(), reach or Reach()
    async with httpx.AsyncClient(
        base_url=base_url.rstrip("/") + "/",
        headers=_headers(key, run_id) | reach.headers(),
        timeout=httpx.Timeout(timeout_s, connect=5.0, pool=None),
        limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        transport=transport,
        verify=reach.trust(),
        trust_env=False,  # our own gateway: a proxy from the environment would be measured too
    ) as client:
        run = _Run(client, model, recipe, decoding or Decoding(), attempts, on_answer, reach.extensions())
        await _together(run, iter(todo), workers=min(concurrency, max(1, len(todo))))
    return Tally(len(todo), len(asked) - len(todo), run.retries, time.monotonic() - started)


async def _together(run: "_Run", todo: Iterator[RunItem], *, workers: int) -> None:
    tasks = [asyncio.create_task(run.work(todo)) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(slots=True)
class _Run:
    client: httpx.AsyncClient
    model: str
    recipe: Asks
    decoding: Decoding
    attempts: int
    on_answer: Callable[[Answer], None]
    extensions: dict[str, Any]
    retries: int = 0

    async def work(self, todo: Iterator[RunItem]) -> None:
        for item in todo:  # shared by all workers: each takes the next one
            self.on_answer(await self._ask(item))

    async def _ask(self, item: RunItem) -> Answer:
        why = ""
        for attempt in range(self.attempts):
            if attempt:
                self.retries += 1
            sent = time.perf_counter()
            try:
                response = await self.client.post(
                    "chat/completions",
                    json=self._body(item),
                    headers={"x-gnomon-tag-item": _tag(item.item_id)},
                    extensions=self.extensions,
                )
            except httpx.ReadTimeout:
                return _failed(item, "timeout", latency_ms=_since(sent))
            except httpx.TransportError as error:
                why, pause = f"{type(error).__name__}: {error}", _pause(attempt)
            else:
                if not self._worth_another(response, attempt):
                    return self._answer(item, response, latency_ms=_since(sent))
                why, pause = _told(response), _pause(attempt, response.headers.get("retry-after", ""))
            if attempt + 1 < self.attempts:
                await asyncio.sleep(pause)
        raise RunInterrupted(
            f"Item {item.item_id} got no answer in {self.attempts} attempts; the last: {why}",
            next_step="Check the gateway and start the run again; answered items are not asked twice.",
            item=item.item_id,
        )

    def _worth_another(self, response: httpx.Response, attempt: int) -> bool:
        if response.status_code in _TRY_AGAIN:
            return True
        return response.status_code >= 500 and _outcome(response) in _OUTAGE and attempt + 1 < self.attempts

    def _body(self, item: RunItem) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": self.recipe.prompt(item.text)}],
            "max_tokens": self.decoding.max_tokens,
            "temperature": self.decoding.temperature,
        }
        if self.decoding.mode == "label_loglik":
            body["structured_outputs"] = {"choice": list(self.recipe.choices)}
            body |= {"logprobs": True, "top_logprobs": self.decoding.top_logprobs}
        return body

    def _answer(self, item: RunItem, response: httpx.Response, *, latency_ms: float) -> Answer:
        request_id = response.headers.get("x-request-id", "")
        if response.status_code in _FOR_EVERY_ITEM:
            raise RunRefused(
                f"The gateway answered {response.status_code}: {_told(response)}",
                next_step="Check the key, its permission and the model's name.",
                status=response.status_code,
                request_id=request_id,
            )
        if response.status_code != 200:
            outcome = _outcome(response)
            # An error that came quickly must not make the model look fast.
            timed = latency_ms if outcome == "timeout" else None
            return _failed(item, outcome, latency_ms=timed, request_id=request_id)
        choice = _choice(response)
        if choice is None:
            return _failed(item, "upstream_error", latency_ms=None, request_id=request_id)
        text, logprobs = choice
        is_constrained = self.decoding.mode == "label_loglik"
        predicted = (chosen_label if is_constrained else first_label)(text, self.recipe.choices)
        return Answer(
            item_id=item.item_id,
            expected=item.expected,
            predicted=predicted,
            scores=label_scores(logprobs, self.recipe.choices) if is_constrained else None,
            outcome="ok" if predicted is not None else "unparsed",
            latency_ms=latency_ms,
            request_id=request_id,
        )


def _headers(key: str, run_id: str) -> dict[str, str]:
    """Without a key no header that would hold none: it is not HTTP."""
    return {"x-gnomon-tag-run": _tag(run_id)} | ({"authorization": f"Bearer {key}"} if key else {})


def _check(items: Sequence[RunItem], recipe: Asks, *, concurrency: int, attempts: int) -> None:
    if concurrency < 1 or attempts < 1:
        raise BadRun(
            f"{concurrency} at a time with {attempts} attempts cannot be.", next_step="Give at least 1 of each."
        )
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise BadRun(f"Item {item.item_id} is in the set twice.", next_step="Remove one.", item=item.item_id)
        if item.expected not in recipe.choices:
            raise BadRun(
                f"Item {item.item_id} expects {item.expected!r}, which is none of {list(recipe.choices)}.",
                next_step="Use the recipe that belongs to the set.",
                item=item.item_id,
            )
        seen.add(item.item_id)


def _failed(item: RunItem, outcome: str, *, latency_ms: float | None, request_id: str = "") -> Answer:
    return Answer(item.item_id, item.expected, None, None, outcome, latency_ms, request_id)


def _choice(response: httpx.Response) -> tuple[str, dict[str, Any] | None] | None:
    """The text and the logprobs of the first choice; None where the reply is no chat completion."""
    try:
        choice = response.json()["choices"][0]
        text, logprobs = choice["message"].get("content") or "", choice.get("logprobs")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    return (text, logprobs if isinstance(logprobs, dict) else None) if isinstance(text, str) else None


def _error(response: httpx.Response) -> dict[str, Any]:
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def _told(response: httpx.Response) -> str:
    return f"{response.status_code} {str(_error(response).get('message', ''))[:300]}".strip()


def _outcome(response: httpx.Response) -> str:
    named = _OUTCOME_OF_CODE.get(str(_error(response).get("code")))
    if named:
        return named
    default = "bad_request" if response.status_code < 500 else "upstream_error"
    return _OUTCOME_OF_STATUS.get(response.status_code, default)


def _pause(attempt: int, retry_after: str = "") -> float:
    """Seconds to wait after this attempt: what the gateway says, else doubling; never longer than ten."""
    told = float(retry_after) if retry_after.isdecimal() else _PAUSE_S * 2.0**attempt
    return min(told, _LONGEST_PAUSE_S)


def _since(sent: float) -> float:
    return (time.perf_counter() - sent) * 1000


def _tag(value: str) -> str:
    """A header value: printable ASCII stays, the rest is percent-encoded."""
    return quote(value, safe="!#$&'()*+,/:;=?@[]{}|^`\"<>\\")
