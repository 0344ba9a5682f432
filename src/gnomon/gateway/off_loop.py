"""Work that would keep the event loop from its other requests: large texts, and every text in which names are sought.

Finding names is many short array operations under the interpreter's lock. One thread does it for all requests of a
worker, and hands the lock back soon, so that the loop never waits long.
"""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, ParamSpec, TypeVar

from gnomon.gateway.guarding import Masker

P = ParamSpec("P")
R = TypeVar("R")

_INLINE_BYTES: Final = 32_768  # guarded in some 10 ms even when full of personal data
_SWITCH_S: Final = 0.0005


def hand_over_soon() -> None:
    """For a process of its own: a thread that wants the interpreter's lock gets it within half a millisecond."""
    sys.setswitchinterval(_SWITCH_S)


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="names")


def in_turn(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
    """The result of work that the thread for names does; in the order in which it was asked."""
    return asyncio.get_running_loop().run_in_executor(_thread(), lambda: function(*args, **kwargs))


async def inline_or_thread(
    size: int, masker: Masker, function: Callable[P, bytes], *args: P.args, **kwargs: P.kwargs
) -> bytes:
    """What `function` makes of `size` bytes, off the event loop where that takes long."""
    if fits_inline(size, masker):
        return function(*args, **kwargs)
    return await off_loop(masker, function, *args, **kwargs)


def fits_inline(size: int, masker: Masker) -> bool:
    """Whether so many bytes are guarded soon enough where they are."""
    return masker.is_quick and size <= _INLINE_BYTES


async def off_loop(masker: Masker, function: Callable[P, bytes], *args: P.args, **kwargs: P.kwargs) -> bytes:
    """What `function` makes, off the event loop; names in turn."""
    if not masker.is_quick:
        return await in_turn(function, *args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)
