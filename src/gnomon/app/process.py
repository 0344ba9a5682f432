"""What every role of the installation does at its start: logs, its name, an end with its parent."""

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from gnomon.app.log_lines import LineMask
from gnomon.kit import log

_log = log.get(__name__)

SUPERVISED: Final = "GNOMON_SUPERVISED"
"""In a role's environment: the process id of the parent that it ends with."""
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def begin(role: str, *, home: Path | None = None, level: str = "info", with_parent: bool = True) -> None:
    """Logging is set up and, when started by the supervisor, this process ends (SIGTERM) when the supervisor does.

    What is logged is masked, a traceback that nobody caught too. Call it from the main thread, first of all. Children
    of this process that call `begin` end with this process.
    """
    log.configure(level, role=role, mask=LineMask(home))
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    parent = os.environ.get(SUPERVISED, "")
    if not parent.isdigit():
        return
    # A child of ours inherits the environment; its parent is this process, not ours.
    os.environ[SUPERVISED] = str(os.getpid())
    if with_parent:
        _end_with(int(parent))


def _uncaught(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        _log.critical("ended_by_an_error", exc_info=(kind, error or kind(), where))


def _end_with(parent: int) -> None:
    if not _ask_kernel():
        threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent-watch").start()
    elif os.getppid() != parent:  # it died while this process was starting, before the kernel was asked
        os.kill(os.getpid(), signal.SIGTERM)


def _ask_kernel() -> bool:
    """Whether the kernel will send SIGTERM when the parent dies; Linux alone can."""
    return sys.platform == "linux" and bool(ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM)) == 0)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
