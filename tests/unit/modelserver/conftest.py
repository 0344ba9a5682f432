from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gnomon.app.modelserver.adapters import AdapterBook
from gnomon.app.modelserver.http import create_app
from gnomon.app.modelserver.metrics import Metrics
from gnomon.app.modelserver.settings import Settings
from gnomon.app.modelserver.worker import Worker
from tests.unit.modelserver.letters import Letters


class Server:
    """A server on a model of letters, without sockets."""

    def __init__(self, settings: Settings) -> None:
        self.model = Letters()
        self.metrics = Metrics()
        self.book = AdapterBook(settings)
        self.worker = Worker(lambda: self.model, settings, self.metrics)
        self.app = create_app(self.worker, self.book, settings, self.metrics)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def start(self) -> "Server":
        self.worker.start()
        assert self.worker.loaded.wait(5)
        return self

    def ask(self, prompt: str = "abc", **fields: object) -> dict[str, object]:
        body = {"model": "base", "messages": [{"role": "user", "content": prompt}], "temperature": 0, **fields}
        response = self.client.post("/v1/chat/completions", json=body)
        return {"status": response.status_code, **response.json()}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def made(**changes: object) -> Server:
        adapters = tmp_path / "adapters"
        adapters.mkdir(exist_ok=True)
        given = {"model": tmp_path, "adapters": adapters, "gap_ms": 1.0, "gather_ms": 5.0, "max_length": 64, **changes}
        running.append(Server(Settings(**given)))  # type: ignore[arg-type]
        return running[-1]

    yield made
    for server in running:
        server.model.go.set()
        if server.worker.loaded.is_set():
            server.worker.stop(5)
        server.client.close()


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve().start()
