"""The official `openai` client talks to the gateway as it does to OpenAI."""

import openai
import pytest

from tests.fakes.upstream import Script
from tests.journeys.installation import MODEL, Installation

pytestmark = pytest.mark.journey


def official(house: Installation, *, key: str | None = None) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{house.settings.gateway_url}/v1", api_key=key or house.keys["desk"], max_retries=0, timeout=20
    )


def test_a_chat_is_answered_with_text_usage_and_a_request_id(house: Installation) -> None:
    house.upstream.script = Script(reply="圭臬在此。")
    with official(house) as client:
        answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "你好"}])
    assert answer.choices[0].message.content == "圭臬在此。"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage
    assert answer.usage.total_tokens == 33
    assert answer._request_id
    assert house.stored([answer._request_id])[answer._request_id]["outcome"] == "ok"


def test_a_streamed_chat_says_the_same_piece_by_piece(house: Installation) -> None:
    text = "逐字到来的一段回复，直到最后一个字。" * 4
    house.upstream.script = Script(reply=text)
    with official(house) as client:
        stream = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "你好"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == text
    assert len([piece for piece in pieces if piece]) > 1
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [33]


def test_the_models_that_a_key_may_use_are_listed(house: Installation) -> None:
    with official(house) as client:
        assert MODEL in [model.id for model in client.models.list()]


def test_a_wrong_key_is_the_clients_own_authentication_error(house: Installation) -> None:
    guess = "gn-production_00000000_" + "x" * 43
    with official(house, key=guess) as client, pytest.raises(openai.AuthenticationError) as told:
        client.models.list()
    assert told.value.status_code == 401
    assert told.value.code


def test_an_unknown_model_is_the_clients_own_not_found_error(house: Installation) -> None:
    with official(house) as client, pytest.raises(openai.APIStatusError) as told:
        client.chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "?"}])
    assert told.value.status_code in (403, 404)


def test_structured_outputs_reach_the_model_server_as_they_were_sent(house: Installation) -> None:
    wanted = {"choice": ["正面", "负面"]}
    with official(house) as client:
        client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "好评还是差评？"}],
            max_tokens=4,
            extra_body={"structured_outputs": wanted},
        )
    _, body, _ = house.upstream.requests[-1]
    assert body["structured_outputs"] == wanted
    assert body["max_tokens"] == 4
