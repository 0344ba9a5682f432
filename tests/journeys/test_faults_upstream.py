"""Model servers that hang, cut, lie, babble and refuse: the caller is told, the record says it, nothing leaks or stays.

One gateway in front of a model server that does whatever the test says. Every misbehaviour carries personal data, which
must reach neither caller nor record nor log.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from gnomon.contract.bundle import Breaker
from tests.fakes.bundle import make_home, make_key
from tests.fakes.gateway import GatewayProcess, bearer
from tests.fakes.raw_upstream import RawUpstream, response, says, says_and_closes, says_and_resets, stream
from tests.fakes.upstream import event

pytestmark = pytest.mark.journey
Behaviour = Callable[[socket.socket], None]
MOBILE, IDENTITY = "13912345678", "11010519491231002X"
LEAK = f"电话{MOBILE}，身份证号{IDENTITY}".encode()
ONE = "bbbbbbbb"  # this key may have one request at a time: a slot that is not given back shows at once
MESSAGE = {"role": "assistant", "content": "好。"}
GOOD = response(
    json.dumps(
        {
            "id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        },
        ensure_ascii=False,
    ).encode()
)  # fmt: skip
GOOD_STREAM = stream(event({"content": "好。"}), event({}, finish="stop"), b"data: [DONE]\n\n")


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with RawUpstream(says(GOOD)) as found:
        yield found


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: RawUpstream) -> Iterator[GatewayProcess]:
    keys = (make_key(), make_key(ONE, concurrency=1))
    home = make_home(tmp_path_factory.mktemp("upstream"), upstream_url=upstream.url, keys=keys, timeout_s=0.5)
    home.publish(msgspec.structs.replace(home.policy, breaker=Breaker(unreachable=0, failure_ratio=0.0)))
    with GatewayProcess(home) as found:
        yield found


def _hang(_: socket.socket) -> None:
    time.sleep(1.5)


def _trickle(to: socket.socket) -> None:
    """A byte now and then, for ever: it moves, but never arrives."""
    to.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{")
    for _ in range(30):
        to.sendall(b" ")
        time.sleep(0.05)


def _flood(kind: bytes, piece: bytes, times: int) -> Behaviour:
    def behave(to: socket.socket) -> None:
        to.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % kind)
        chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
        for _ in range(times):
            to.sendall(chunk)

    return behave


def _continues(to: socket.socket) -> None:
    for _ in range(2000):
        to.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)
        time.sleep(0.001)


QUOTED = json.dumps({"message": LEAK.decode()}, ensure_ascii=False).encode()
WRONG: dict[str, tuple[Behaviour, set[int]]] = {
    "hangs": (_hang, {504}),
    "trickles for ever": (_trickle, {504}),
    "resets before a byte": (says_and_resets(), {502, 503}),
    "closes before a byte": (says_and_closes(), {502, 503}),
    "closes in the head": (says_and_closes(b"HTTP/1.1 200 OK\r\nx-note: " + LEAK), {502}),
    "resets in the body": (says_and_resets(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", LEAK), {502}),
    "says too long and closes": (says_and_closes(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", QUOTED), {502}),
    "says too long and stays": (says(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", QUOTED), {504}),
    "says too short": (says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", QUOTED), {502}),
    "says two lengths": (
        says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 90\r\n\r\n{}", LEAK * 3), {502},
    ),
    "says length and chunks": (
        says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}", LEAK), {502},
    ),
    "counts a chunk wrongly": (
        says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n", LEAK, b"\r\n0\r\n\r\n"), {502},
    ),
    "speaks another protocol": (says(b"\x16\x03\x01" + LEAK), {502}),
    "speaks HTTP/0.9": (says_and_closes(LEAK), {502}),
    "sends an endless head": (says(b"HTTP/1.1 200 OK\r\n", b"x-note: " + b"a" * 70_000 + LEAK), {502}),
    "sends a flood of headers": (says(b"HTTP/1.1 200 OK\r\n", b"x-note: a\r\n" * 8000, b"\r\n"), {502}),
    "continues for ever": (_continues, {502}),
    "never ends its answer": (_flood(b"application/json", b" " * 65_536 + LEAK, 400), {502}),
    "compresses unasked": (says(response(b"\x1f\x8b\x08" + LEAK, b"content-encoding: gzip")), {502}),
    "sends a page": (says(response(b"<html>" + LEAK, kind=b"text/html")), {502}),
    "sends nothing": (says(response(b"")), {502}),
    "has no content": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), {502}),
    "sends a list": (says(response(b"[%b]" % QUOTED)), {502}),
    "sends null": (says(response(b"null")), {502}),
    "is not UTF-8": (says(response(b'{"x":"\xff\xfe","y":' + QUOTED + b"}")), {502}),
    "is not UTF-8 where nothing is to mask": (says(GOOD.replace("好。".encode(), b"\xff13\xfe\xfe9")), {502}),
    "nests without end": (says(response(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")), {502}),
    "redirects": (says(response(QUOTED, b"location: http://127.0.0.1:9/", status=307)), {502}),
    "wants credentials": (says(response(QUOTED, status=401)), {502}),
    "is broken": (says(response(QUOTED, status=500)), {502}),
    "is overloaded": (says(response(QUOTED, b"retry-after: 7", status=503)), {502, 503}),
    "limits": (says(response(b'{"error":' + QUOTED + b"}", b"retry-after: soon", status=429)), {429}),
    "refuses": (says(response(b'{"error":' + QUOTED + b"}", status=400)), {400}),
    "refuses in words": (says(response(LEAK, status=400, kind=b"text/plain")), {502}),
    "has a status that does not exist": (says(response(QUOTED, status=999)), {502}),
    "upgrades": (says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", LEAK), {502, 504}),
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_model_server_that_goes_wrong_harms_one_answer_and_nothing_else(
    gateway: GatewayProcess, upstream: RawUpstream, wrong: str, stream: bool
) -> None:
    behaviour, statuses = WRONG[wrong]
    upstream.behave = behaviour
    answer = gateway.call(key=ONE, stream=stream)
    upstream.behave = says(GOOD)
    assert answer.status_code in statuses, answer.text
    assert answer.json()["error"]["message"]
    assert gateway.call(key=ONE).json()["choices"][0]["message"] == MESSAGE, (
        "what was left over came to the next caller"
    )
    record = gateway.records()[answer.headers["x-request-id"]]
    assert (record["status"], record["outcome"] != "ok") == (answer.status_code, True)
    _nothing_shows(gateway)


SECOND = response(QUOTED)
BROKEN: dict[str, Behaviour] = {
    "resets between events": says_and_resets(stream(event({"content": "好"}), event({"content": "的"}))[:-5]),
    "resets in an event": says_and_resets(
        stream(event({"content": "好"}) + event({"content": LEAK.decode()})[:60])[:-5]
    ),
    "ends without its end": says(stream(event({"content": "好"}))),
    "ends in a character": says_and_closes(
        stream(event({"content": "好"}), b'data: {"choices":[{"delta":{"content":"\xe5')
    ),
    "sends no JSON": says(stream(event({"content": "好"}), b"data: {" + LEAK + b"\n\n")),
    "sends an event without end": _flood(b"text/event-stream", b"data: " + b"a" * 65_530, 40),
    "is not UTF-8": says(stream(*[event({"content": "好"})] * 5, event({"content": "X"}).replace(b"X", b"1\xff3"))),
    "has a choice that is none": says(stream(event({"content": "好"}), b'data: {"choices":["%b"]}\n\n' % LEAK)),
    "has a choice far away": says(stream(event({"content": LEAK.decode()}, index=99_999))),
    "has more choices than can be": says(stream(*[event({f"field{n}": "a"}) for n in range(5000)])),
    "nests without end": says(stream(b'data: {"choices":' + b"[" * 50_000 + b"]" * 50_000 + b"}\n\n")),
    "hangs after an event": lambda to: (to.sendall(stream(event({"content": "好"}))[:-5]), time.sleep(1.5))[1],
    "compresses unasked": says(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ncontent-length: 40\r\n\r\n",
        b"\x1f\x8b" * 20,
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_stream_that_breaks_ends_with_an_error_and_never_with_done(
    gateway: GatewayProcess, upstream: RawUpstream, broken: str
) -> None:
    upstream.behave = BROKEN[broken]
    answer = gateway.call(key=ONE, stream=True)
    upstream.behave = says(GOOD)
    assert "[DONE]" not in answer.text
    last = json.loads(answer.text.rstrip().rpartition("data: ")[2])
    assert last["error"]["code"] in ("upstream_error", "timeout"), answer.text[-300:]
    assert gateway.call(key=ONE).status_code == 200
    assert gateway.records()[answer.headers["x-request-id"]]["outcome"] in ("upstream_error", "timeout")
    _nothing_shows(gateway)


@pytest.mark.parametrize(
    "after",
    [SECOND, SECOND[:20], b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", LEAK, b"\r\n\r\n", b"0\r\n\r\n"],
    ids=["a whole answer", "half a head", "a head", "words", "empty lines", "a chunk's end"],
)
@pytest.mark.parametrize("first", [GOOD, GOOD_STREAM], ids=["whole", "stream"])
@pytest.mark.parametrize("late", [False, True], ids=["at once", "later"])
def test_what_comes_after_an_answer_is_never_the_next_callers(
    gateway: GatewayProcess, upstream: RawUpstream, first: bytes, after: bytes, late: bool
) -> None:
    sent = threading.Event()

    def behave(to: socket.socket) -> None:
        to.sendall(first if late else first + after)
        upstream.behave = says(GOOD)
        if late:
            time.sleep(0.01)
            to.sendall(after)
        sent.set()

    for _ in range(3):
        upstream.behave = behave
        sent.clear()
        assert gateway.call(key=ONE, stream=first is GOOD_STREAM).status_code == 200
        assert sent.wait(5)
        time.sleep(0.05 * late)  # what comes while the next question is under way, nobody can tell from its answer
        assert gateway.call(key=ONE).json()["choices"][0]["message"] == MESSAGE
    _nothing_shows(gateway)


HIDDEN = {
    "in an unknown field": {"note": LEAK.decode()},
    "as the name of a field": {MOBILE: 1, IDENTITY: 2},
    "as a number": {"id_of_somebody": int(MOBILE)},
    "in a list of lists": {"x": [[[{"y": LEAK.decode()}]]]},
    "escaped": {"x": "\\u0031\\u0033\\u0039" + MOBILE[3:]},
    "beside the answer": {"system_fingerprint": LEAK.decode(), "service_tier": MOBILE},
}


@pytest.mark.parametrize("where", HIDDEN)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_personal_data_is_masked_wherever_the_model_server_puts_it(
    gateway: GatewayProcess, upstream: RawUpstream, where: str, streamed: bool
) -> None:
    envelope = {"id": "c", "object": "x", "created": 1, "model": "m", **HIDDEN[where]}
    choice = {"index": 0, "finish_reason": None, **HIDDEN[where]}
    if streamed:
        first = {**envelope, "choices": [{**choice, "delta": {"content": "好", **HIDDEN[where]}}]}
        last = {**envelope, "choices": [{**choice, "delta": {}, "finish_reason": "stop"}]}
        upstream.behave = says(stream(*[_event(one) for one in (first, last)], b"data: [DONE]\n\n"))
    else:
        whole = {**envelope, "choices": [{**choice, "message": {**MESSAGE, **HIDDEN[where]}}], "usage": HIDDEN[where]}
        upstream.behave = says(response(json.dumps(whole, ensure_ascii=False).encode()))
    answer = gateway.call(key=ONE, stream=streamed)
    upstream.behave = says(GOOD)
    assert answer.status_code == 200, answer.text
    _nothing_shows(gateway)


def test_after_all_that_nothing_is_left_open(gateway: GatewayProcess, upstream: RawUpstream) -> None:
    upstream.behave = says(GOOD)
    with gateway.unharmed(key=ONE):
        pass
    assert upstream.open_connections() <= 2
    outcomes = {record["status"]: record["outcome"] for record in gateway.records().values()}
    assert "internal" not in outcomes.values()
    assert "Traceback" not in gateway.log.read_text()
    assert bearer(ONE)["authorization"][7:] not in bytes(upstream.received).decode("utf-8", "replace")


def _event(value: dict[str, object]) -> bytes:
    return b"data: %b\n\n" % json.dumps(value, ensure_ascii=False).encode()


def _nothing_shows(gateway: GatewayProcess) -> None:
    assert not gateway.whereabouts([MOBILE, IDENTITY])
