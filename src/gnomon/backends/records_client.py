"""Asks the collector: named queries over its Unix socket."""

from pathlib import Path
from typing import Any

import httpx

from gnomon.contract.ports import Row
from gnomon.kit.errors import BadInput, NotFound, Unavailable


class CollectorDown(Unavailable):
    code = "collector_down"


class RecordsClient:
    """Safe to share between threads. `as_of` is the time up to which the last answer is complete (Unix seconds)."""

    def __init__(self, home: Path, *, timeout_s: float = 30.0) -> None:
        self.as_of = 0.0
        self._socket = home / "run" / "collector.sock"
        transport = httpx.HTTPTransport(uds=str(self._socket))
        self._http = httpx.Client(transport=transport, base_url="http://collector", timeout=timeout_s)

    def query(self, name: str, **params: Any) -> list[Row]:
        """The rows of a named query (`backends/records_queries`). Raises CollectorDown, NotFound or BadInput."""
        if not self._socket.exists():
            raise self._down("there is no such socket")
        try:
            answer = self._http.post("/query", json={"name": name, "params": params})
        except httpx.HTTPError as error:
            raise self._down(str(error) or type(error).__name__) from error
        body = answer.json()
        if answer.status_code == 200:
            self.as_of = float(body["as_of"])
            rows: list[Row] = body["rows"]
            return rows
        error_type = NotFound if answer.status_code == 404 else BadInput if answer.status_code == 400 else CollectorDown
        raise error_type(str(body.get("message", answer.text)), next_step=str(body.get("next_step", "")))

    def is_alive(self) -> bool:
        try:
            return self._socket.exists() and self._http.get("/livez").status_code == 200
        except httpx.HTTPError:
            return False

    def _down(self, why: str) -> CollectorDown:
        return CollectorDown(
            f"The collector does not answer on {self._socket}: {why}",
            next_step="Start it: python -m gnomon.app.collector --home DIR.",
        )

    def close(self) -> None:
        self._http.close()
