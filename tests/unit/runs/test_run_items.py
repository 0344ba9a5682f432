"""A run asks every item once through the public door, keeps what arrives, and does not count our troubles as wrong."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gnomon.engine.runs import BadRun, Decoding, RunInterrupted, RunItem, RunRefused, Tally, run_items
from gnomon.engine.scoring import Answer

Handler = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True)
class Reviews:
    choices: tuple[str, ...] = ("正面", "负面")

    def prompt(self, text: str) -> str:
        return f"评论：{text}\n情感："


ITEMS = [RunItem(f"项-{i}", "很好" if i % 2 else "很差", "正面" if i % 2 else "负面") for i in range(10)]


def completion(text: str, logprobs: dict[str, Any] | None = None) -> httpx.Response:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "logprobs": logprobs}
    return httpx.Response(200, json={"choices": [choice]}, headers={"x-request-id": "req-1"})


def refusal(status: int, code: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": "no", "code": code}}, headers=headers)


def reviewer(request: httpx.Request) -> httpx.Response:
    body = json.loads(request.content)
    label = "正面" if "很好" in body["messages"][0]["content"] else "负面"
    listed = [{"token": "正", "logprob": -0.2}, {"token": "负", "logprob": -2.0}]
    return completion(label, {"content": [{"token": label[0], "logprob": -0.2, "top_logprobs": listed}]})


def run(handler: Handler, answers: list[Answer] | None = None, **options: Any) -> Tally:
    return asyncio.run(
        run_items(
            options.pop("items", ITEMS),
            base_url="http://gateway.test/v1",
            key="gn-test",
            model="reviews@cand",
            recipe=Reviews(),
            run_id="run_1",
            on_answer=(answers if answers is not None else []).append,
            transport=httpx.MockTransport(handler),
            **options,
        )
    )


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gnomon.engine.runs._LONGEST_PAUSE_S", 0.0)


def test_every_item_is_answered_scored_and_tagged() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return reviewer(request)

    answers: list[Answer] = []
    tally = run(handler, answers, concurrency=3)
    assert (tally.asked, tally.skipped, tally.retries) == (10, 0, 0)
    assert {answer.item_id for answer in answers} == {item.item_id for item in ITEMS}
    assert all(answer.predicted == answer.expected and answer.outcome == "ok" for answer in answers)
    assert all(answer.request_id == "req-1" and (answer.latency_ms or 0) > 0 for answer in answers)
    assert sum((answers[0].scores or {}).values()) == pytest.approx(1)
    request, body = seen[0], json.loads(seen[0].content)
    assert str(request.url) == "http://gateway.test/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer gn-test"
    assert request.headers["x-gnomon-tag-run"] == "run_1"
    assert request.headers["x-gnomon-tag-item"] == "%E9%A1%B9-0"
    assert body["structured_outputs"] == {"choice": ["正面", "负面"]}
    assert (body["logprobs"], body["model"]) == (True, "reviews@cand")


def test_generation_is_free_and_read_for_the_first_label() -> None:
    answers: list[Answer] = []

    def handler(request: httpx.Request) -> httpx.Response:
        assert "structured_outputs" not in json.loads(request.content)
        return completion("这条评论是负面的，不是正面" if "很差" in request.content.decode() else "说不好")

    run(handler, answers, decoding=Decoding(mode="generate", max_tokens=8))
    by_id = {answer.item_id: answer for answer in answers}
    assert (by_id["项-0"].predicted, by_id["项-0"].scores) == ("负面", None)
    assert (by_id["项-1"].predicted, by_id["项-1"].outcome) == (None, "unparsed")


def test_an_interrupted_run_goes_on_where_it_stopped() -> None:
    answers: list[Answer] = []
    calls = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return reviewer(request) if calls <= 4 else refusal(503)

    with pytest.raises(RunInterrupted, match="no answer in 2 attempts"):
        run(handler, answers, concurrency=1, attempts=2)
    assert len(answers) == 4
    tally = run(reviewer, answers, already={answer.item_id for answer in answers})
    assert (tally.asked, tally.skipped) == (6, 4)
    assert sorted(answer.item_id for answer in answers) == sorted(item.item_id for item in ITEMS)


def test_busy_and_broken_connections_are_tried_again() -> None:
    troubles: list[httpx.Response | httpx.TransportError] = [
        refusal(429, **{"retry-after": "1"}),
        refusal(503),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("cut"),
    ]

    def handler(request: httpx.Request) -> httpx.Response:
        if not troubles:
            return reviewer(request)
        trouble = troubles.pop()
        if isinstance(trouble, httpx.TransportError):
            raise trouble
        return trouble

    answers: list[Answer] = []
    assert run(handler, answers, concurrency=2).retries == 4
    assert all(answer.outcome == "ok" for answer in answers)
    assert len(answers) == 10


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (refusal(400, "content_blocked"), "blocked"),
        (refusal(502, "content_blocked"), "blocked"),
        (refusal(502, "upstream_error"), "upstream_error"),
        (refusal(504, "timeout"), "timeout"),
        (refusal(400, "too_large"), "bad_request"),
        (httpx.Response(200, text="<html>"), "upstream_error"),
        (httpx.Response(200, json={"choices": []}), "upstream_error"),
        (httpx.Response(500, text="oops"), "internal"),
        (completion("都不是"), "unparsed"),
    ],
)
def test_an_item_that_fails_is_an_answer_that_counts_as_wrong(reply: httpx.Response, outcome: str) -> None:
    answers: list[Answer] = []
    run(lambda request: reply, answers, items=ITEMS[:1])
    assert (answers[0].predicted, answers[0].outcome) == (None, outcome)
    assert (answers[0].latency_ms is not None) == (outcome in ("timeout", "unparsed"))


def test_an_outage_of_the_model_server_is_waited_for_and_counts_against_no_item() -> None:
    away = [refusal(502, "upstream_unreachable"), refusal(502, "upstream_error"), refusal(504, "timeout")]

    def handler(request: httpx.Request) -> httpx.Response:
        return away.pop() if away else reviewer(request)

    answers: list[Answer] = []
    tally = run(handler, answers)
    assert tally.retries == 3
    assert all(answer.outcome == "ok" for answer in answers)


def test_a_reply_that_does_not_come_is_a_timeout() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    answers: list[Answer] = []
    run(handler, answers, items=ITEMS[:1])
    assert answers[0].outcome == "timeout"
    assert answers[0].latency_ms is not None


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_that_meets_every_item_ends_the_run(status: int) -> None:
    answers: list[Answer] = []
    with pytest.raises(RunRefused, match=str(status)) as refused:
        run(lambda request: refusal(status), answers)
    assert answers == []
    assert "gn-test" not in str(refused.value.as_dict())


def test_impossible_runs_are_refused_before_anything_is_sent() -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing may be sent")

    with pytest.raises(BadRun, match="twice"):
        run(never, items=[ITEMS[0], ITEMS[0]])
    with pytest.raises(BadRun, match="none of"):
        run(never, items=[RunItem("x", "t", "中性")])
    with pytest.raises(BadRun, match="cannot be"):
        run(never, concurrency=0)
    assert run(never, items=[]).asked == 0


def test_no_more_requests_are_in_flight_than_allowed() -> None:
    flying = peak = 0

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal flying, peak
            flying += 1
            peak = max(peak, flying)
            await asyncio.sleep(0.002)
            flying -= 1
            return reviewer(request)

    answers: list[Answer] = []
    asyncio.run(
        run_items(
            ITEMS,
            base_url="http://gateway.test/v1/",
            key="k",
            model="m",
            recipe=Reviews(),
            run_id="r",
            on_answer=answers.append,
            concurrency=4,
            transport=Slow(),
        )
    )
    assert peak == 4
    assert len(answers) == 10
