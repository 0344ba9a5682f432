"""The official `openai` Python client, call by call, as its own documentation makes them."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import openai
import pytest
from pydantic import BaseModel

from tests.fakes.bundle import secret
from tests.fakes.gateway import GatewayProcess, free_port
from tests.fakes.openai_server import CALL, OBJECT, SAYS, USAGE, VECTOR
from tests.fakes.upstream import Upstream
from tests.journeys import clients
from tests.journeys.clients import AWAY, BLOCKING, CHAT, MOBILE, PRIVATE, SLOW

pytestmark = pytest.mark.journey
ASK = [{"role": "user", "content": "你好"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Today's weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Verdict(BaseModel):
    answer: str
    sure: bool


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, Upstream]]:
    with clients.served(tmp_path_factory.mktemp("openai")) as found:
        yield found


@pytest.fixture(scope="module")
def gateway(house: tuple[GatewayProcess, Upstream]) -> GatewayProcess:
    return house[0]


@pytest.fixture
def upstream(house: tuple[GatewayProcess, Upstream]) -> Upstream:
    house[1].requests.clear()
    return house[1]


@pytest.fixture(scope="module")
def client(gateway: GatewayProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url, api_key=secret(clients.ALL), max_retries=0, timeout=10) as made:
        yield made


def by(client: openai.OpenAI, key: str, **options: object) -> openai.OpenAI:
    return client.with_options(api_key=secret(key), **options)  # type: ignore[arg-type]


# -------------------------------------------------------------------------------------------------- answers


def test_a_chat_is_answered(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=CHAT, messages=ASK, temperature=0, seed=7, user="u-1", stop=["。。"])
    assert answer.choices[0].message.content == SAYS
    assert answer.usage
    assert answer.usage.model_dump(exclude_none=True) == USAGE
    assert answer._request_id


def test_several_choices_come_with_their_log_probabilities(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=CHAT, messages=ASK, n=3, logprobs=True, top_logprobs=1)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    for choice in answer.choices:
        assert choice.logprobs
        assert "".join(token.token for token in choice.logprobs.content or ()) == SAYS


def test_a_stream_says_the_same_piece_by_piece(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model=CHAT, messages=ASK, stream=True, n=2, stream_options={"include_usage": True}
    )
    said, ends, usage = {0: "", 1: ""}, [], []
    for chunk in stream:
        usage += [chunk.usage] if chunk.usage else []
        for choice in chunk.choices:
            said[choice.index] += choice.delta.content or ""
            ends += [choice.finish_reason] if choice.finish_reason else []
    assert said == {0: SAYS, 1: SAYS}
    assert ends == ["stop", "stop"]
    assert [one.total_tokens for one in usage] == [33]


def test_a_stream_without_usage_asked_for_has_none(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model=CHAT, messages=ASK, stream=True))
    assert not [chunk for chunk in chunks if chunk.usage]
    assert all(chunk.choices for chunk in chunks)


def test_the_stream_helper_gathers_the_whole_answer(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=CHAT, messages=ASK) as stream:
        kinds = {event.type for event in stream}
        whole = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert whole.choices[0].message.content == SAYS


def test_a_stream_closed_early_stops_the_model_server(
    client: openai.OpenAI, upstream: Upstream, gateway: GatewayProcess
) -> None:
    with gateway.unharmed(), client.chat.completions.create(model=CHAT, messages=ASK, stream=True) as stream:
        next(iter(stream))


def test_a_tool_is_called_and_its_result_taken(client: openai.OpenAI, upstream: Upstream) -> None:
    first = client.chat.completions.create(model=CHAT, messages=ASK, tools=[TOOL], tool_choice="auto")
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    assert message.tool_calls[0].function.model_dump() == CALL
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": f"晴，电话 {MOBILE}"}
    second = client.chat.completions.create(model=CHAT, messages=[*ASK, message, result], tools=[TOOL])
    assert second.choices[0].message.content == SAYS
    assert MOBILE not in str(upstream.requests)


def test_a_streamed_tool_call_is_whole(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=CHAT, messages=ASK, tools=[TOOL]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
    assert [(event.name, event.arguments) for event in done] == [(CALL["name"], CALL["arguments"])]


def test_structured_output_is_parsed_into_the_callers_class(client: openai.OpenAI, upstream: Upstream) -> None:
    answer = client.chat.completions.parse(model=CHAT, messages=ASK, response_format=Verdict)
    assert answer.choices[0].message.parsed == Verdict.model_validate(OBJECT)
    assert upstream.requests[-1][1]["response_format"]["json_schema"]["name"] == "Verdict"
    plain = client.chat.completions.create(model=CHAT, messages=ASK, response_format={"type": "json_object"})
    assert Verdict.model_validate_json(plain.choices[0].message.content or "")


def test_text_parts_are_taken_and_pictures_refused(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": "你好"}]
    answer = client.chat.completions.create(model=CHAT, messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == SAYS
    picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]
    with pytest.raises(openai.BadRequestError) as told:
        client.chat.completions.create(model=CHAT, messages=[{"role": "user", "content": picture}])
    assert told.value.code == "unsupported_content_part"


def test_completions_are_answered_whole_and_streamed(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=CHAT, prompt=["一", "二"])
    assert [choice.text for choice in answer.choices] == [SAYS, SAYS]
    stream = client.completions.create(model=CHAT, prompt="一", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == SAYS


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings_are_the_vectors_that_were_made(client: openai.OpenAI, upstream: Upstream, encoding: str) -> None:
    # The client asks for base64 by itself and decodes; asked for by name, it hands it on as it came.
    told = {} if encoding == "base64" else {"encoding_format": "float"}
    answer = client.embeddings.create(model=CHAT, input=["一", f"回电 {MOBILE}"], **told)  # type: ignore[arg-type]
    assert [list(row.embedding) for row in answer.data] == [VECTOR, VECTOR]
    assert upstream.requests[-1][1]["encoding_format"] == encoding
    assert MOBILE not in str(upstream.requests)


def test_the_models_of_a_key_are_listed(client: openai.OpenAI) -> None:
    assert CHAT in [model.id for model in client.models.list()]
    assert [model.id for model in by(client, clients.OTHERS).models.list()] == []


def test_raw_answers_show_request_id_and_limits(client: openai.OpenAI) -> None:
    raw = by(client, clients.LIMITED).chat.completions.with_raw_response.create(model=CHAT, messages=ASK)
    assert raw.headers["x-request-id"] == raw.request_id
    assert raw.headers["x-ratelimit-limit-requests"] == "60"
    assert int(raw.headers["x-ratelimit-remaining-requests"]) < 60
    assert raw.parse().choices[0].message.content == SAYS


@pytest.mark.parametrize("stream", [False, True])
def test_personal_data_goes_out_as_a_placeholder_and_comes_back_only_to_those_who_may_see_it(
    client: openai.OpenAI, upstream: Upstream, stream: bool
) -> None:
    messages = [{"role": "user", "content": f"echo 请回电 {MOBILE}。"}]
    said = {
        key: _said(by(client, key).chat.completions.create(model=PRIVATE, messages=messages, stream=stream))
        for key in (clients.ALL, clients.RESTORES)
    }
    assert MOBILE not in str(upstream.requests)
    assert MOBILE in said[clients.RESTORES]
    assert MOBILE not in said[clients.ALL]


def _said(answer: object) -> str:
    if isinstance(answer, openai.Stream):
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    return str(answer.choices[0].message.content)  # type: ignore[attr-defined]


# -------------------------------------------------------------------------------------------------- errors


def test_a_wrong_or_old_key_is_an_authentication_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as told:
        client.with_options(api_key="sk-wrong").models.list()
    assert told.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError) as told:
        by(client, clients.EXPIRED).models.list()
    assert told.value.code == "expired_api_key"


def test_another_teams_model_is_a_permission_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError) as told:
        by(client, clients.OTHERS).chat.completions.create(model=CHAT, messages=ASK)
    assert told.value.code == "permission_denied"


def test_an_unknown_model_and_path_are_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as told:
        client.chat.completions.create(model="no-such", messages=ASK)
    assert told.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.files.list()


def test_what_cannot_be_or_may_not_pass_is_a_bad_request(client: openai.OpenAI, upstream: Upstream) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        client.chat.completions.create(model=CHAT, messages=[])
    assert told.value.code == "missing_messages"
    with pytest.raises(openai.BadRequestError) as told:
        client.chat.completions.create(model=BLOCKING, messages=[{"role": "user", "content": f"电话 {MOBILE}"}])
    assert told.value.code == "content_blocked"
    assert not upstream.requests


def test_past_the_limit_the_client_waits_as_long_as_it_is_told_and_comes_through(client: openai.OpenAI) -> None:
    limited = by(client, clients.LIMITED)
    with pytest.raises(openai.RateLimitError) as told:
        _ = [limited.models.list() for _ in range(70)]
    assert told.value.response.headers["retry-after"] == "1"
    started = time.monotonic()
    assert by(client, clients.LIMITED, max_retries=2).models.list().data
    assert time.monotonic() - started >= 0.9


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, openai.BadRequestError, "x"),
        (409, openai.ConflictError, "x"),
        (422, openai.UnprocessableEntityError, "x"),
        (429, openai.RateLimitError, "x"),
        (500, openai.InternalServerError, "upstream_error"),
        (503, openai.InternalServerError, "upstream_error"),
        (401, openai.InternalServerError, "upstream_error"),  # the gateway's own credentials are not the caller's fault
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_model_servers_errors_arrive_as_the_clients_own(
    client: openai.OpenAI, status: int, error: type[openai.APIStatusError], code: str, stream: bool
) -> None:
    with pytest.raises(error) as told:
        client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": f"fail {status}"}], stream=stream
        )
    assert told.value.code == code


def test_a_model_server_that_is_away_or_hangs_is_an_internal_server_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as told:
        client.chat.completions.create(model=AWAY, messages=ASK)
    assert (told.value.status_code, told.value.code) == (503, "upstream_unreachable")
    with pytest.raises(openai.InternalServerError) as told:
        client.chat.completions.create(model=SLOW, messages=[{"role": "user", "content": "slow"}])
    assert (told.value.status_code, told.value.code) == (504, "timeout")


def test_the_clients_own_timeout_is_kept_and_nobody_waits_any_longer(
    client: openai.OpenAI, gateway: GatewayProcess
) -> None:
    with gateway.unharmed(), pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=httpx.Timeout(0.2)).chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": "slow"}]
        )


def test_where_nobody_listens_is_a_connection_error() -> None:
    with (
        openai.OpenAI(base_url=f"http://127.0.0.1:{free_port()}/v1", api_key="x", max_retries=0) as nobody,
        pytest.raises(openai.APIConnectionError),
    ):
        nobody.models.list()


# -------------------------------------------------------------------------------------------------- the async client


async def _async_calls(url: str) -> tuple[str, str, int]:
    async with openai.AsyncOpenAI(base_url=url, api_key=secret(clients.ALL), max_retries=0, timeout=10) as client:
        answer = await client.chat.completions.create(model=CHAT, messages=ASK)
        stream = await client.chat.completions.create(model=CHAT, messages=ASK, stream=True)
        said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="no-such", messages=ASK)
        models = [model async for model in client.models.list()]
    return str(answer.choices[0].message.content), said, len(models)


def test_the_async_client_is_answered_alike(gateway: GatewayProcess) -> None:
    whole, said, models = asyncio.run(_async_calls(gateway.url))
    assert (whole, said) == (SAYS, SAYS)
    assert models == 5
