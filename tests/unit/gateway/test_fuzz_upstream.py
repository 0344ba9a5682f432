"""Whatever bytes a model server sends, cut and spliced: no fault of ours, no planted number gets out, one record."""

import json
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.raw_upstream import response, stream
from tests.fakes.upstream import Script, Upstream, event
from tests.unit.gateway.conftest import Gateway

PHONE = "13812345678"
CHOICE = {"index": 0, "message": {"role": "assistant", "content": f"电话{PHONE}。"}, "finish_reason": "stop"}
WHOLE = response(json.dumps({"choices": [CHOICE], "usage": {}}, ensure_ascii=False).encode())
PIECES = [event({"content": piece}) for piece in ("电话138", "1234", "5678", "。")]
STREAM = stream(*PIECES, event({}, finish="stop"), b"data: [DONE]\n\n")


def spoiled(whole: bytes, seed: int) -> bytes:
    """Some bytes flipped, a part doubled, dropped or moved; the same for the same seed."""
    dice = random.Random(seed)
    data = bytearray(whole)
    for _ in range(dice.randint(1, 4)):
        at, size = dice.randrange(len(data)), dice.randint(1, 40)
        match dice.randrange(4):
            case 0:
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                data[at:at] = data[at : at + size]
            case 2:
                del data[at : at + size]
            case _:
                data[at:at] = dice.randbytes(size)
        data = data or bytearray(b" ")
    return bytes(data)


@given(seed=st.integers(0, 2**32), streamed=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_answer_of_a_model_server_breaks_it(gateway: Gateway, upstream: Upstream, seed: int, streamed: bool) -> None:
    def respond(path: str, body: object) -> bytes:
        upstream._loop.call_later(0.02, _close, upstream)
        return spoiled(STREAM if streamed else WHOLE, seed)

    upstream.script = Script(respond=respond)
    answer = gateway.call(stream=streamed)
    assert answer.status_code in (200, 400, 404, 422, 429, 502, 503, 504), answer.text
    assert PHONE not in answer.text
    records = [record for record in gateway.records() if record["id"] == answer.headers["x-request-id"]]
    assert len(records) == 1
    assert PHONE not in str(records)
    assert records[0]["outcome"] != "internal"


def _close(upstream: Upstream) -> None:
    for transport in tuple(upstream.transports):
        transport.close()
