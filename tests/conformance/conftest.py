"""Two workers for the suites of limits."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.limits import Host, pair, redis_answers


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(params=["local", "redis"])
def hosts(
    request: pytest.FixtureRequest, tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> Iterator[tuple[Host, Host]]:
    if request.param == "redis" and not redis_answers():
        pytest.skip("no Redis on 127.0.0.1:6379")
    with pair(request.param, tmp_path, loop) as found:
        yield found
