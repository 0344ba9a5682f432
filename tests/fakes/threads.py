"""What the web framework would hand to a thread is done at once: for tests of thousands of requests."""

from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

import anyio.to_thread
import pytest

R = TypeVar("R")


async def _at_once(do: Callable[..., R], *args: Any, **_options: Any) -> R:
    return copy_context().run(do, *args)  # as in a thread: what it sets there stays there


def without_threads(patch: pytest.MonkeyPatch) -> None:
    """Until `patch` is undone a request runs in one thread; a third of its time was handing over."""
    patch.setattr(anyio.to_thread, "run_sync", _at_once)
