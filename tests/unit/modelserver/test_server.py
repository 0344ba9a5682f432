"""The server's promises, on a model of letters."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gnomon.app.modelserver.__main__ import settings_from
from tests.unit.modelserver.conftest import Server

CHOICE = {"structured_outputs": {"choice": ["正面", "负面"]}}


def text_of(reply: dict[str, Any]) -> str:
    return str(reply["choices"][0]["message"]["content"])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def in_threads(*calls: Callable[[], Any]) -> list[Any]:
    results: list[Any] = [None] * len(calls)

    def run(place: int) -> None:
        results[place] = calls[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return results


def adapter_folder(server: Server, name: str, **config: object) -> str:
    folder = server.book._settings.adapters / name  # type: ignore[operator]
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **config}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return name


def load(server: Server, name: str, path: str, **more: object) -> tuple[int, str]:
    body = {"lora_name": name, "lora_path": path, **more}
    response = server.client.post("/v1/load_lora_adapter", json=body)
    return response.status_code, response.text


def test_it_generates_until_the_end_with_usage(server: Server) -> None:
    reply = server.ask("uvw")
    assert (text_of(reply), reply["choices"][0]["finish_reason"]) == ("xyz", "stop")  # type: ignore[index]
    assert reply["usage"] == {"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7}


def test_max_tokens_and_stop_end_an_answer(server: Server) -> None:
    assert text_of(server.ask("abc", max_tokens=2)) == "de"
    assert text_of(server.ask("abc", stop="gh")) == "def"


def test_a_streamed_answer_equals_the_whole_one(server: Server) -> None:
    body = {
        "model": "base",
        "messages": [{"role": "user", "content": "uvw"}],
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    lines = [line for line in server.client.post("/v1/chat/completions", json=body).text.split("\n\n") if line]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert lines[-1] == "data: [DONE]"
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1]) == "xyz"
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["completion_tokens"] == 3


def test_a_choice_is_scored_in_one_pass_with_log_probabilities_over_the_choices(server: Server) -> None:
    reply: Any = server.ask("评论：好\n情感：", logprobs=True, top_logprobs=5, **CHOICE)
    assert text_of(reply) == "负面"
    first, second = reply["choices"][0]["logprobs"]["content"]
    assert {top["token"] for top in first["top_logprobs"]} == {"正", "负"}
    assert abs(sum(2.718281828 ** top["logprob"] for top in first["top_logprobs"]) - 1) < 1e-4
    assert (second["token"], second["logprob"]) == ("面", 0.0)
    assert server.model.passes == 1


def test_the_older_name_of_choices_works_and_a_single_choice_costs_nothing(server: Server) -> None:
    assert text_of(server.ask("x", guided_choice=["好", "差"])) == "差"
    passes = server.model.passes
    assert text_of(server.ask("x", guided_choice=["只有"])) == "只有"
    assert server.model.passes == passes


def test_requests_that_arrive_together_share_a_pass(serve: Callable[..., Server]) -> None:
    server = serve(max_batch=8).start()
    server.model.go.clear()
    blocker = threading.Thread(target=server.ask, args=("x",), kwargs=CHOICE)
    blocker.start()
    wait_for(lambda: len(server.model.batches) == 1)
    calls = [lambda number=number: server.ask("a" * number, **CHOICE) for number in range(30, 35)]
    runner = threading.Thread(target=in_threads, args=calls)
    runner.start()
    wait_for(lambda: server.metrics.waiting._value.get() == 6)
    server.model.go.set()
    runner.join(10)
    blocker.join(10)
    assert sorted(len(prompts) for _, prompts in server.model.batches) == [1, 5]


def test_different_adapters_answer_side_by_side_and_never_share_a_batch(server: Server) -> None:
    assert load(server, "by2", adapter_folder(server, "one"))[0] == 200
    names = ["base", "by2", "base", "by2"]
    calls = [lambda name=name: text_of(server.ask("abc", model=name, max_tokens=2)) for name in names]
    assert in_threads(*calls) == ["de", "eg", "de", "eg"]
    assert {adapter for adapter, _ in server.model.batches} == {None, "by2"}


def test_a_long_answer_does_not_hold_up_a_short_one(server: Server) -> None:
    order: list[str] = []

    def ask(name: str, **fields: object) -> None:
        server.ask(**fields)  # type: ignore[arg-type]
        order.append(name)

    server.model.go.clear()
    long = threading.Thread(target=ask, args=("long",), kwargs={"prompt": "a", "max_tokens": 25})
    long.start()
    wait_for(lambda: len(server.model.batches) == 1)
    short = threading.Thread(target=ask, args=("short",), kwargs={"prompt": "a", **CHOICE})
    short.start()
    wait_for(lambda: server.metrics.waiting._value.get() == 2)
    server.model.go.set()
    long.join(10)
    short.join(10)
    first_long, first_short = server.model.batches
    assert (len(first_long[1]), len(first_short[1])) == (1, 1)
    assert server.model.passes == 26


def test_adapters_are_listed_unloaded_and_then_unknown(server: Server) -> None:
    load(server, "by2", adapter_folder(server, "one"))
    models = server.client.get("/v1/models").json()["data"]
    assert [(model["id"], model["parent"]) for model in models] == [("base", None), ("by2", "base")]
    assert server.client.post("/v1/unload_lora_adapter", json={"lora_name": "by2"}).status_code == 200
    assert server.model.adapters == {}
    reply: Any = server.ask("abc", model="by2")
    assert (reply["status"], reply["error"]["code"]) == (404, "model_not_found")
    assert server.client.post("/v1/unload_lora_adapter", json={"lora_name": "by2"}).status_code == 404


def test_loading_twice_is_harmless_and_another_folder_needs_a_word(server: Server) -> None:
    one, two = adapter_folder(server, "one"), adapter_folder(server, "two")
    assert load(server, "a", one)[0] == load(server, "a", one)[0] == 200
    assert load(server, "a", two)[0] == 400
    assert load(server, "a", two, load_inplace=True)[0] == 200
    assert server.model.adapters["a"].name == "two"


def test_loaded_adapters_are_remembered(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(state=tmp_path / "loaded.json").start()
    load(server, "by2", adapter_folder(server, "one"))
    assert set(serve(state=tmp_path / "loaded.json").book.remembered()) == {"by2"}


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("../elsewhere", 400, "outside"),
        ("/etc", 400, "outside"),
        ("nothing", 404, "no adapter folder"),
        ("empty", 400, "lacks adapter_config.json"),
        ("prefix", 400, "only LORA"),
        ("damaged", 400, "checksums"),
    ],
)
def test_a_bad_adapter_is_refused(server: Server, path: str, status: int, message: str) -> None:
    root: Path = server.book._settings.adapters  # type: ignore[assignment]
    (root / "empty").mkdir()
    adapter_folder(server, "prefix", peft_type="PREFIX_TUNING")
    adapter_folder(server, "damaged")
    listed = {"files": {"adapter_model.safetensors": {"sha256": "0" * 64, "bytes": 7}}}
    (root / "damaged" / "gnomon-adapter.json").write_text(json.dumps(listed))
    found = load(server, "new", path)
    assert found[0] == status
    assert message in found[1]


def test_an_adapter_that_does_not_fit_leaves_the_server_as_it_was(server: Server) -> None:
    status, text = load(server, "unfit", adapter_folder(server, "one"))
    assert (status, "size mismatch" in text) == (400, True)
    assert [model["id"] for model in server.client.get("/v1/models").json()["data"]] == ["base"]
    assert text_of(server.ask("uvw")) == "xyz"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"model": "gpt"}, "model_not_found"),
        ({"prompt": "a" * 80}, "context_length_exceeded"),
        ({"max_tokens": 0}, "invalid_request"),
        ({"temperature": 9}, "invalid_request"),
        ({"n": 2}, "unsupported_parameter"),
        ({"tools": [{"type": "function"}]}, "unsupported_parameter"),
        ({"response_format": {"type": "json_object"}}, "unsupported_parameter"),
        ({"structured_outputs": {"choice": []}}, "invalid_request"),
        ({"structured_outputs": {"regex": "a+"}}, "invalid_request"),
        ({"stop": ["a"] * 5}, "invalid_request"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]}, "invalid_request"),
    ],
)
def test_what_cannot_be_answered_is_refused_as_openai_does(server: Server, fields: dict[str, Any], code: str) -> None:
    reply: Any = server.ask(**fields)
    assert reply["status"] in (400, 404)
    assert reply["error"]["code"] == code
    assert server.model.passes == 0


def test_a_body_that_is_no_json_or_too_large_is_refused(serve: Callable[..., Server]) -> None:
    server = serve(max_body_bytes=100).start()
    for body in (b"{", b"\xff\xfe", b" " * 101):
        assert server.client.post("/v1/chat/completions", content=body).status_code == 400


def test_a_full_queue_says_try_again(serve: Callable[..., Server]) -> None:
    server = serve(max_queue=1).start()
    server.model.go.clear()
    first = threading.Thread(target=server.ask)
    first.start()
    wait_for(lambda: server.metrics.waiting._value.get() == 1)
    response = server.client.post(
        "/v1/chat/completions", json={"model": "base", "messages": [{"role": "user", "content": "a"}]}
    )
    server.model.go.set()
    first.join(10)
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert server.ask("uvw")["status"] == 200


def test_a_failing_batch_fails_its_requests_only(server: Server) -> None:
    server.model.fails = True
    assert server.ask()["status"] == 500
    server.model.fails = False
    assert server.ask()["status"] == 200
    wait_for(lambda: server.metrics.waiting._value.get() == 0)


def test_before_the_model_is_loaded_it_lives_but_is_not_ready(serve: Callable[..., Server]) -> None:
    server = serve()
    assert server.client.get("/livez").status_code == 200
    assert server.client.get("/readyz").status_code == 503
    assert server.ask()["status"] == 503
    server.start()
    assert server.client.get("/readyz").json() == {"ready": True}


def test_a_key_is_asked_for_when_one_is_set(serve: Callable[..., Server]) -> None:
    server = serve(api_key="secret").start()
    assert server.ask()["status"] == 401
    assert server.client.get("/v1/models", headers={"authorization": "Bearer secret"}).status_code == 200
    assert server.client.get("/livez").status_code == 200
    assert 'path="/v1/models",status="200"' in server.client.get("/metrics").text


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_has_gone_is_dropped_before_it_is_computed(server: Server, stream: bool) -> None:
    server.model.go.clear()
    blocker = threading.Thread(target=server.ask, args=("x",), kwargs=CHOICE)
    blocker.start()
    wait_for(lambda: len(server.model.batches) == 1)
    asyncio.run(asyncio.wait_for(_ask_and_leave(server, stream), 5))
    server.model.go.set()
    blocker.join(10)
    wait_for(lambda: server.metrics.waiting._value.get() == 0)
    assert server.model.batches == [(None, ["x"])]


async def _ask_and_leave(server: Server, stream: bool) -> None:
    body = {"model": "base", "messages": [{"role": "user", "content": "gone"}], "stream": stream}
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        while server.metrics.waiting._value.get() < 2:
            await asyncio.sleep(0.002)
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        return None

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/chat/completions",
        "raw_path": b"/v1/chat/completions",
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "server": ("test", 80),
        "client": ("test", 1),
    }
    await server.app(scope, receive, send)


def test_the_command_line_becomes_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNOMON_MODELSERVER_KEY", "k")
    found = settings_from(["--model", str(tmp_path), "--adapters", str(tmp_path), "--port", "9", "--max-batch", "4"])
    assert (found.port, found.max_batch, found.api_key) == (9, 4, "k")
    assert found.state == tmp_path / ".loaded.json"
