"""A gateway that stands alone: a process of its own with the real guard, a signed bundle, and no control plane."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import psutil

from tests.fakes.bundle import Home, secret

T = TypeVar("T")
# One for all, for plain HTTP: a client that reads the machine's certificates takes longer to make than a call.
HTTP = httpx.Client(timeout=20, limits=httpx.Limits(max_keepalive_connections=0), verify=False)
KEPT = 32  # descriptors that may stay open: kept connections to model servers, threads' sockets, a rotated spool
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
_ID = re.compile(rb"x-request-id: (\S+)")


def until(what: str, look: Callable[[], T], *, within_s: float = 20.0) -> T:
    """What `look` returns as soon as it is true."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {within_s:.0f} s"
        time.sleep(0.02)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    id: str
    head: bytes


def answers(data: bytes) -> list[Answer]:
    """The heads of all answers in what came back over one connection."""
    found = []
    for match in _HEAD.finditer(data):
        id = _ID.search(match.group(2))
        found.append(Answer(int(match.group(1)), id.group(1).decode() if id else "", match.group(2)))
    return found


@dataclass
class GatewayProcess:
    """Use with `with`: it serves from then on, and has ended afterwards. What callers received is in `received`."""

    home: Home
    options: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    received: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> "GatewayProcess":
        self.log = self.home.path / "gateway.log"
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "gnomon.app.gateway", "--home", str(self.home.path)]
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), *self.options], stderr=log, env=os.environ | self.environment
            )
        try:
            until("the gateway is ready", self.is_ready)
        except BaseException:
            self.__exit__()
            raise
        self.call()  # what the first request alone opens is open before anything is counted
        self.calm_files = self.files()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    # ---------------------------------------------------------------- callers

    def call(self, text: str = "你好", *, key: str = "aaaaaaaa", timeout: float = 20, **body: Any) -> httpx.Response:
        payload = {"model": "gnomon-chat", "messages": [{"role": "user", "content": text}], **body}
        answer = HTTP.post(f"{self.url}/chat/completions", json=payload, headers=bearer(key), timeout=timeout)
        self.received += answer.content
        return answer

    def talk(self, data: bytes, *, silence_s: float = 1.0, source: str = "") -> bytes:
        """Everything that comes back until the other side closes or is silent for so long."""
        with socket.create_connection(("127.0.0.1", self.port), source_address=(source, 0) if source else None) as s:
            s.settimeout(silence_s)
            got = b""
            try:
                s.sendall(data)
                while part := s.recv(65536):
                    got += part
            except (TimeoutError, ConnectionError):
                pass
        self.received += got
        return got

    # ---------------------------------------------------------------- what can be seen of it

    def is_ready(self) -> bool:
        assert self.process.poll() is None, f"it ended: {self.log.read_text()[-2000:]}"
        try:
            return HTTP.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).is_success
        except httpx.TransportError:
            return False

    def records(self) -> dict[str, dict[str, Any]]:
        """Every record in the spool by its request id; fails when one is there twice."""
        lines = b"".join(path.read_bytes() for path in sorted((self.home.path / "spool").glob("*.jsonl"))).splitlines()
        rows = [row["v"] for row in map(json.loads, lines) if row["t"] == "record"]
        found = {row["id"]: row for row in rows}
        assert len(found) == len(rows), "a request was recorded twice"
        return found

    def metrics(self) -> dict[str, float]:
        """Each series, summed over its labels."""
        text = HTTP.get(f"http://127.0.0.1:{self.port}/metrics", timeout=5).text
        total: dict[str, float] = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                total[name.partition("{")[0]] = total.get(name.partition("{")[0], 0.0) + float(value)
        return total

    def files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def callers(self) -> int:
        """Connections of callers that the process holds, whatever their state."""
        found = psutil.Process(self.process.pid).net_connections("tcp")
        return sum(1 for one in found if one.laddr.port == self.port and one.status != psutil.CONN_LISTEN)

    def rss_mb(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    # ---------------------------------------------------------------- what must hold whatever happened

    @contextmanager
    def unharmed(self, *, key: str = "aaaaaaaa") -> Iterator[list[bytes]]:
        """Whatever the block did: nothing is left open, the same process answers, and every answer has its record.

        The block appends to the list what it received raw. With a key that may have one request at a time, a slot that
        was not given back is a refusal here.
        """
        pid = self.process.pid
        raw: list[bytes] = []
        yield raw
        assert self.process.poll() is None, f"it died: {self.log.read_text()[-2000:]}"
        assert self.process.pid == pid
        until("no caller's connection is left", lambda: self.callers() == 0)
        until("no file is left open", lambda: self.files() <= self.calm_files + KEPT)
        until("no slot is left taken", lambda: self.call(key=key).status_code == 200)
        assert self.metrics()["gnomon_gateway_in_flight"] <= 1  # the one who asks
        given = [answer for data in raw for answer in answers(data)]
        until("every answer has its record", lambda: not self.unrecorded(given))

    def unrecorded(self, given: Sequence[Answer]) -> list[Answer]:
        """Answers without a record of that status under their id; what the probes answer has none."""
        records = self.records()
        return [answer for answer in given if records.get(answer.id, {}).get("status") != answer.status]

    def whereabouts(self, values: Sequence[str], *, upstream_saw: str = "") -> list[tuple[str, str]]:
        """(value, place) for each planted value that is somewhere in clear: with the model, a caller, on the disk."""
        places = {"model server": upstream_saw.encode("utf-8", "replace"), "caller": bytes(self.received)}
        for path in self.home.path.rglob("*"):
            if path.is_file():
                places[str(path.relative_to(self.home.path))] = path.read_bytes()
        return [(value, place) for place, data in places.items() for value in values if value.encode() in data]


def bearer(key: str = "aaaaaaaa") -> dict[str, str]:
    return {"authorization": f"Bearer {secret(key)}"}
