"""Asks the collector: named queries over its Unix socket."""

import http.client
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gnomon.backends.unix_socket import address
from gnomon.contract.ports import Row
from gnomon.kit.errors import BadInput, NotFound, Unavailable

_REWRITING_S = 3600.0  # the whole store is written anew


class CollectorDown(Unavailable):
    code = "collector_down"


class RecordsClient:
    """Safe to share between threads. `as_of` is the time up to which the last answer is complete (Unix seconds)."""

    def __init__(self, home: Path, *, timeout_s: float = 30.0) -> None:
        self.as_of = 0.0
        self._socket = home / "run" / "collector.sock"
        self._timeout_s = timeout_s

    def query(self, name: str, **params: Any) -> list[Row]:
        """The rows of a named query (`backends/records_queries`). Raises CollectorDown, NotFound or BadInput."""
        status, body = self._ask("POST", "/query", {"name": name, "params": params})
        if status == 200:
            self.as_of = float(body["as_of"])
            rows: list[Row] = body["rows"]
            return rows
        message, next_step = str(body.get("message", "")), str(body.get("next_step", ""))
        if status == 404:
            raise NotFound(message, next_step=next_step)
        if status == 400:
            raise BadInput(message, next_step=next_step)
        raise self._down(f"status {status} {message}")

    def drop_content(self, before: float) -> int:
        """Masked requests and replies older than `before` (Unix seconds) are gone; how many. Raises CollectorDown."""
        status, body = self._ask("POST", "/drop-content", {"before": before})
        if status != 200:
            raise self._down(f"status {status} {body.get('message', '')}")
        return int(body["dropped"])

    def drop_quarantine(self, before: float) -> int:
        """Lines put aside on days that began before then (Unix seconds) are gone; how many. Raises CollectorDown."""
        status, body = self._ask("POST", "/drop-quarantine", {"before": before})
        if status != 200:
            raise self._down(f"status {status} {body.get('message', '')}")
        return int(body["dropped"])

    def erase_persons(self, tokens: Sequence[str]) -> dict[str, int]:
        """What is said of the persons behind these tokens is gone; how much of what. Raises CollectorDown."""
        status, body = self._ask("POST", "/erase-persons", {"tokens": list(tokens)}, timeout_s=_REWRITING_S)
        if status != 200:
            raise self._down(f"status {status} {body.get('message', '')}")
        return body

    def is_alive(self) -> bool:
        try:
            return self._ask("GET", "/livez")[0] == 200
        except CollectorDown:
            return False

    def health(self) -> dict[str, Any]:
        """as_of, lag_s, problem, how many spool lines it had to put aside, and what of them is kept since when.

        Raises CollectorDown.
        """
        return self._ask("GET", "/livez")[1]

    def close(self) -> None:
        """Nothing is kept open between questions; here so that any client of a store can be closed."""

    def _ask(self, method: str, path: str, value: Any = None, *, timeout_s: float = 0.0) -> tuple[int, dict[str, Any]]:
        connection = _UnixConnection(self._socket, timeout_s or self._timeout_s)
        try:
            body = None if value is None else json.dumps(value).encode()
            connection.request(method, path, body=body, headers={"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._down(str(error) or type(error).__name__) from error
        finally:
            connection.close()

    def _down(self, why: str) -> CollectorDown:
        return CollectorDown(
            f"The collector does not answer on {self._socket}: {why}",
            next_step="Start it: python -m gnomon.app.collector --home DIR.",
        )


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, which also closes what it could not connect."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("collector", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            with address(self._path) as short:
                sock.connect(short)
        except OSError:
            sock.close()
            raise
        self.sock = sock
