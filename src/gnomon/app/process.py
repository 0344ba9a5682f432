"""What every role of the installation does at its start: logs, its name, an end with its parent."""

import ctypes
import os
import signal
import sys
import threading
import time

from gnomon.kit import log

_PR_SET_PDEATHSIG = 1  # prctl(2)


def begin(role: str, *, level: str = "info", with_parent: bool = True) -> None:
    """Logging is set up and, when started by the supervisor, this process ends (SIGTERM) when the supervisor does."""
    log.configure(level, role=role)
    if with_parent and os.environ.get("GNOMON_SUPERVISED") == "1":
        _end_with_parent()


def _end_with_parent() -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died between the two calls
            os.kill(os.getpid(), signal.SIGTERM)
        return
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent-watch").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
