"""Starlette's client of an application, without its threads: making a loop in a new one took most of a request."""

import asyncio
import atexit
from functools import cache
from typing import Any
from urllib.parse import unquote

import anyio
import httpx2
import pytest
from starlette import testclient
from starlette.types import Message, Scope

from tests.fakes.threads import without_threads


class TestClient(testclient.TestClient):
    """A request ends in the thread of the test, with all that the answer streams. It knows no start of an app.

    To ask while an answer still streams, or with the app's lifespan, use the one of Starlette.
    """

    __test__ = False

    def __init__(self, app: Any, *, raise_server_exceptions: bool = True, **options: Any) -> None:
        super().__init__(app, **options)
        self._transport = _InThisThread(app, raise_server_exceptions)

    def __enter__(self) -> "TestClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _InThisThread(httpx2.BaseTransport):
    def __init__(self, app: Any, raises: bool) -> None:
        self._app = app
        self._raises = raises

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        said: list[Message] = []
        with pytest.MonkeyPatch.context() as patch:
            without_threads(patch)
            try:
                _loop().run_until_complete(self._ask(request, said))
            except Exception:
                if self._raises:
                    raise
        start = said[0] if said else {"status": 500}
        body = b"".join(message.get("body", b"") for message in said[1:])
        return httpx2.Response(
            start["status"], headers=start.get("headers", []), content=body if request.method != "HEAD" else b""
        )

    async def _ask(self, request: httpx2.Request, said: list[Message]) -> None:
        bodies = [request.read()]
        ended = anyio.Event()

        async def receive() -> Message:
            if bodies:
                return {"type": "http.request", "body": bodies.pop()}
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            said.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                ended.set()

        await self._app(_scope(request), receive, send)


def _scope(request: httpx2.Request) -> Scope:
    url = request.url
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "path": unquote(url.path),
        "raw_path": url.raw_path.split(b"?", 1)[0],
        "root_path": "",
        "scheme": url.scheme,
        "query_string": url.query,
        "headers": [(key.lower().encode(), value.encode()) for key, value in request.headers.multi_items()],
        "client": ("testclient", 50000),
        "server": (url.host, url.port or {"http": 80, "https": 443}[url.scheme]),
        "state": {},
    }


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop
