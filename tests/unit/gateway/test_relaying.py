"""Ordinary events go from socket to socket, all else comes back, and the caller reads what he always did."""

import json
import os
import queue
import re
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnomon import native
from gnomon.app.gateway import guard
from gnomon.gateway import relaying
from gnomon.guard.policy import DEFAULT_POLICY
from tests.fakes.bundle import make_home
from tests.fakes.gateway import until
from tests.fakes.raw_upstream import RawUpstream
from tests.fakes.upstream import event
from tests.fuzz.native_events import slowly
from tests.unit.gateway import conftest
from tests.unit.gateway.conftest import Gateway, bearer

# Where nothing is lent, every stream goes the way that test_streaming.py holds.
pytestmark = pytest.mark.skipif(not hasattr(native.load("relay"), "Relay"), reason="not built, or no epoll here")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
ROLE = event({"role": "assistant", "content": ""})
END = (event({}, finish="stop"), b"data: [DONE]\n\n")
PIECES = (
    *(
        "您好，",
        "关于您的订单。",
        "plain words ",
        "don't@",
        "(",
        "12",
        "138",
        "12345678",
        "。",
        "新京A",
        "1234",
        "电话",
    ),
    *('"', "\\", "\n", "\r\n", "\t", "é", "😀", "\u2028", "１３８", "li@exa", "mple.com", "2024年", "3月", "a" * 600),
)


def said(text: str, **more: Any) -> bytes:
    return event({"content": text}, **more)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Model:
    """A model server that says what it is told to, when; None ends the answer, `cut` the connection."""

    def __init__(self) -> None:
        self.says: queue.Queue[bytes | None] = queue.Queue()
        self.gone = 0

    def __call__(self, to: socket.socket) -> None:
        to.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        while (data := self.says.get(timeout=20)) is not None:
            try:
                to.sendall(data)
            except OSError:
                self.gone += 1
                raise
            if data == b"cut":
                to.shutdown(socket.SHUT_RDWR)
                return

    def tell(self, *events: bytes) -> None:
        for one in events:
            self.says.put(chunk(one))

    def end(self) -> None:
        self.says.put(b"0\r\n\r\n")
        self.says.put(None)


class Caller:
    """Asks for a stream over a plain socket and reads it."""

    made: ClassVar[list["Caller"]] = []

    def __init__(self, gateway: Gateway) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.connect(("127.0.0.1", gateway.port))
        self.socket.settimeout(20)
        self.data = b""
        self.made.append(self)
        self.ask()

    def ask(self) -> None:
        body = json.dumps(
            {"model": "gnomon-chat", "stream": True, "messages": [{"role": "user", "content": "a"}]}
        ).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: {bearer()['authorization']}\r\n"
        self.data = b""
        self.socket.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    def read(self, until_seen: bytes = b"0\r\n\r\n") -> bytes:
        """All that came up to now, when it ends so."""
        while not self.data.endswith(until_seen):
            part = self.socket.recv(65536)
            assert part, f"closed behind {self.data[-300:]!r}"
            self.data += part
        return self.data

    def body(self) -> bytes:
        """The events, when the answer is whole."""
        data, out = self.read().partition(b"\r\n\r\n")[2], b""
        while data:
            size, _, data = data.partition(b"\r\n")
            out, data = out + data[: int(size, 16)], data[int(size, 16) + 2 :]
        return out


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def gateway(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    model: Model,
    start: Callable[..., Gateway],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Gateway]:
    monkeypatch.setattr(conftest, "FAKE_GUARD", guard())
    with RawUpstream(model) as upstream:
        yield start(
            make_home(
                tmp_path, upstream_url=upstream.url, mask=DEFAULT_POLICY, timeout_s=getattr(request, "param", 10.0)
            )
        )
    model.says.put(None)
    while Caller.made:
        Caller.made.pop().socket.close()


def courses(gateway: Gateway) -> set[relaying.Course]:
    return gateway.worker.services.pool.relays._courses


def lent(gateway: Gateway, model: Model) -> Caller:
    """A caller whose stream goes on by itself."""
    caller = Caller(gateway)
    model.says.put(HEAD)
    model.tell(ROLE, said("您好，"))
    until("the stream goes on by itself", lambda: courses(gateway))
    return caller


def masker(gateway: Gateway) -> Any:
    snapshot = gateway.worker.services.loader.current
    assert snapshot is not None
    (route,) = snapshot.routes.values()
    return route.masker


def texts(body: bytes) -> str:
    found = [json.loads(line[6:]) for line in body.split(b"\n\n") if line.startswith(b"data: {")]
    return "".join(one["choices"][0]["delta"].get("content", "") for one in found if one["choices"])


def record(gateway: Gateway, number: int = 1) -> dict[str, Any]:
    until("the record is written", lambda: len(gateway.records()) >= number)
    return gateway.records()[number - 1]


def test_a_stream_goes_on_by_itself_and_its_record_has_all_of_it(gateway: Gateway, model: Model) -> None:
    caller = lent(gateway, model)
    for n in range(5):
        model.tell(said(f"第{n}句话说完了。"))
        caller.read(f"第{n}句话说完了。".encode() + b'"}}]}\n\n\r\n')
        assert courses(gateway)
    model.tell(*END)
    model.end()
    assert texts(caller.body()) == "您好，" + "".join(f"第{n}句话说完了。" for n in range(5))
    assert not courses(gateway)
    assert texts(caller.body()) in json.dumps(record(gateway), ensure_ascii=False)


def test_both_connections_serve_again_and_nothing_stays_open(gateway: Gateway, model: Model) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    caller, counts = lent(gateway, model), []
    for n in range(3):
        if n:
            caller.ask()
            model.says.put(HEAD)
            model.tell(ROLE, said("您好，"))
            until("the stream goes on by itself", lambda: courses(gateway))
        model.tell(said("再见。"), *END)
        model.end()
        assert texts(caller.body()) == "您好，再见。"
        until("nobody waits any more", lambda: gateway.worker.services.metrics.in_flight == 0)
        counts.append(open_files())
    assert counts[1:] == counts[:1] * 2
    assert gateway.worker.services.pool.opened == 1


def test_a_number_cut_in_a_stream_that_goes_on_by_itself_is_masked(gateway: Gateway, model: Model) -> None:
    caller = lent(gateway, model)
    model.tell(said("请拨打138"), said("1234"), said("5678"), said("。再见。"), said("好的。"))
    caller.read("好的。".encode() + b'"}}]}\n\n\r\n')
    assert courses(gateway), "it need not come back for good"
    model.tell(*END)
    model.end()
    body = texts(caller.body())
    assert re.fullmatch(r"您好，请拨打\S+。再见。好的。", body)
    assert "138" not in body
    assert "5678" not in str(record(gateway))
    assert record(gateway)["entities_out"] == {"CN_MOBILE": 1}


@given(
    pieces=st.lists(st.tuples(st.sampled_from(PIECES), st.integers(0, 9)), min_size=1, max_size=16),
    sizes=st.lists(st.integers(20, 500), min_size=1, max_size=6),
    is_framed=st.booleans(),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_caller_reads_is_what_the_guard_lets_pass_event_by_event(
    gateway: Gateway, model: Model, pieces: list[tuple[str, int]], sizes: list[int], is_framed: bool
) -> None:
    events = [ROLE, said("您好，")]
    for text, kind in pieces:
        delta = {"reasoning_content": text} if kind == 8 else {"content": text}
        one = event(delta, index=max(0, kind - 8))
        events.append(one.replace(b"\n", b"\r") if kind == 7 else one)
    data = b"".join((*events[2:], *END))
    caller = lent(gateway, model)
    if is_framed:
        model.tell(*events[2:], *END)
        model.end()
    else:
        wire, at = b"".join(map(chunk, (*events[2:], *END))) + b"0\r\n\r\n", 0
        for n in range(len(wire)):
            model.says.put(wire[at : at + sizes[n % len(sizes)]])
            at += sizes[n % len(sizes)]
            if at >= len(wire):
                break
        model.says.put(None)
    assert caller.body() == slowly(b"".join(events[:2]) + data, masker(gateway))
    assert not courses(gateway)


def test_a_chunk_that_is_cut_comes_back_and_goes_on(gateway: Gateway, model: Model) -> None:
    caller = lent(gateway, model)
    whole = chunk(said("一句话。"))
    for cut in (1, 3, 9, len(whole) - 1):
        model.says.put(whole[:cut])
        time.sleep(0.02)
        model.says.put(whole[cut:])
    model.tell(*END)
    model.end()
    assert texts(caller.body()) == "您好，" + "一句话。" * 4


@pytest.mark.parametrize("gateway", [0.6], indirect=True)
def test_a_stream_that_moves_lasts_and_one_that_falls_silent_ends(gateway: Gateway, model: Model) -> None:
    caller = lent(gateway, model)
    begun = time.monotonic()
    while time.monotonic() - begun < 1.5:
        model.tell(said("好。"))
        time.sleep(0.2)
    assert courses(gateway)
    assert b'"code":"timeout"' in caller.read()
    model.says.put(None)
    assert not courses(gateway)
    assert record(gateway)["outcome"] == "timeout"


def test_a_caller_who_leaves_ends_the_model_servers_work(gateway: Gateway, model: Model) -> None:
    caller = lent(gateway, model)
    caller.socket.close()
    until("nobody is served", lambda: not courses(gateway))
    for _ in range(50):
        model.tell(said("好。"))
    until("the model server knows", lambda: model.gone)
    assert record(gateway)["outcome"] == "client_gone"
    assert gateway.worker.services.metrics.in_flight == 0


def test_a_model_server_that_breaks_off_is_told_to_the_caller(gateway: Gateway, model: Model) -> None:
    caller = lent(gateway, model)
    model.tell(said("一句话。"))
    model.says.put(b"cut")
    assert b'"code":"upstream_error"' in caller.read()
    assert not courses(gateway)
    assert record(gateway)["outcome"] == "upstream_error"


def test_a_caller_who_does_not_read_holds_up_the_model_server_and_misses_nothing(
    gateway: Gateway, model: Model
) -> None:
    caller, text = lent(gateway, model), "很长的一段话。" * 400
    for _ in range(3000):  # 26 MB: more than all sockets between them hold (13 were seen)
        model.tell(said(text))
    until("the stream came back", lambda: not courses(gateway))
    time.sleep(0.3)
    assert model.says.qsize() > 500
    (connection,) = gateway.worker.server.connections
    assert connection.transport.get_write_buffer_size() < 1 << 20
    model.tell(*END)
    model.end()
    assert texts(caller.body()) == "您好，" + text * 3000


def test_a_worker_that_stops_ends_them(gateway: Gateway, model: Model) -> None:
    caller = lent(gateway, model)
    begun = time.monotonic()
    gateway.stop()
    assert time.monotonic() - begun < 5
    assert not courses(gateway)
    with pytest.raises(AssertionError, match="closed"):
        caller.read()


def test_the_last_half_of_the_files_is_left_to_others(
    gateway: Gateway, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (8, 8))
    caller = Caller(gateway)
    model.says.put(HEAD)
    for one in (ROLE, said("您好，"), said("一。")):
        model.tell(one)
        time.sleep(0.02)
        assert not courses(gateway)
    model.tell(*END)
    model.end()
    assert texts(caller.body()) == "您好，一。"


@pytest.mark.interpreted
def test_without_another_socket_a_stream_stays_where_it_is(
    gateway: Gateway, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Full:
        def __init__(self) -> None:
            self._end, self._other = os.pipe()

        def fileno(self) -> int:
            return self._end

        def turn(self) -> None: ...

        def begin(self, *_: Any) -> None:
            asked.append(1)
            raise OSError(24, "Too many open files")

        def close(self) -> None:
            os.close(self._end)
            os.close(self._other)

    monkeypatch.setattr(relaying, "_Relay", Full)
    caller = Caller(gateway)
    model.says.put(HEAD)
    for one in (ROLE, said("您好，"), said("一。"), said("二。"), said("三。"), *END):
        model.tell(one)
        time.sleep(0.02)
    model.end()
    assert texts(caller.body()) == "您好，一。二。三。"
    assert asked


def test_what_goes_wrong_in_one_stream_ends_no_other(
    gateway: Gateway, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = lent(gateway, model)
    (course,) = courses(gateway)

    def wrong() -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(type(course), "_lent", lambda _: wrong())
    model.tell(event({"content": "好"}, index=1))
    assert b'"error"' in caller.read()
    model.says.put(None)
    assert not courses(gateway)
    assert gateway.worker.services.metrics.in_flight == 0
