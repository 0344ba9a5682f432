"""Every kind of personal data is streamed cut at every place: the caller gets what masking the whole gives.

One gateway process, one model server that streams what the test says; values and sentences are the made-up samples.
"""

import json
import socket
from collections.abc import Iterator

import pytest

from gnomon.engine.disguises import samples
from gnomon.guard.policy import Masker
from tests.fakes.bundle import MASK, make_home
from tests.fakes.gateway import GatewayProcess
from tests.fakes.raw_upstream import RawUpstream, says, stream
from tests.fakes.upstream import event

pytestmark = pytest.mark.journey
CUTS = 40  # of a value that is longer (keys, tokens) places from its beginning, middle and end are taken
END = (event({}, finish="stop"), b"data: [DONE]\n\n")
MASKER = Masker(MASK, key=bytes(32))


def _plain_samples() -> dict[str, tuple[str, int, int]]:
    """One sentence for each entity as people write it: its text, and where the value stands."""
    found = {}
    for sample in samples("journey", each=1):
        for span in sample["spans"]:
            if span["variant"] == "plain":
                found[str(span["label"])] = (str(sample["text"]), int(span["start"]), int(span["end"]))
    return found


SAMPLES = _plain_samples()


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with RawUpstream() as found:
        yield found


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: RawUpstream) -> Iterator[GatewayProcess]:
    upstream.behave = says(stream(event({"content": "好"}), *END))
    with GatewayProcess(make_home(tmp_path_factory.mktemp("entities"), upstream_url=upstream.url)) as found:
        yield found


def _places(start: int, end: int) -> list[int]:
    inside = list(range(start, end + 1))
    third = CUTS // 3
    middle = len(inside) // 2
    return inside if len(inside) <= CUTS else [*inside[:third], *inside[middle : middle + third], *inside[-third:]]


def _said(answer: str) -> str:
    """What the deltas of a stream say together."""
    lines = [line[6:] for line in answer.splitlines() if line.startswith("data: ") and line != "data: [DONE]"]
    choices = [choice for line in lines for choice in json.loads(line)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@pytest.mark.parametrize("entity", sorted(SAMPLES))
def test_an_entity_cut_anywhere_in_a_stream_is_masked_as_in_the_whole(
    entity: str, gateway: GatewayProcess, upstream: RawUpstream
) -> None:
    text, start, end = SAMPLES[entity]
    masked = MASKER.mask(text, "output").text
    assert text[start:end] not in masked
    gateway.received.clear()
    for at in _places(start, end):
        pieces = [piece for piece in (text[:start], text[start:at], text[at:end], text[end:]) if piece]
        upstream.behave = says(stream(*(event({"content": piece}) for piece in pieces), *END))
        answer = gateway.call(stream=True)
        assert answer.status_code == 200
        assert _said(answer.text) == masked, f"cut before character {at - start} of the value"
    assert gateway.whereabouts([text[start:end], json.dumps(text[start:end])[1:-1]]) == []


@pytest.mark.parametrize("entity", ["CN_ID", "CN_MOBILE", "EMAIL"])
def test_an_entity_a_character_an_event_and_the_stream_cut_at_every_byte_is_masked(
    entity: str, gateway: GatewayProcess, upstream: RawUpstream
) -> None:
    text, start, end = SAMPLES[entity]
    masked = MASKER.mask(text, "output").text
    whole = stream(*(event({"content": char}) for char in text), *END)

    def trickle(to: socket.socket) -> None:
        to.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(whole)):
            to.sendall(whole[at : at + 1])

    upstream.behave = trickle
    answer = gateway.call(stream=True)
    assert (answer.status_code, _said(answer.text)) == (200, masked)
    assert gateway.whereabouts([text[start:end]]) == []
