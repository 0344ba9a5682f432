"""One gateway worker as a process: `python -m gnomon.app.gateway --home DIR --port N`.

It needs no control plane and no database: the signed bundle in the home folder is all it knows. Several workers may
listen on one port (SO_REUSEPORT); `--workers` starts them from here, which a supervisor usually does instead.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from gnomon.app import process
from gnomon.backends.limits_local import LimitsLocal
from gnomon.gateway.guarding import Guard
from gnomon.gateway.restoring import Restorer
from gnomon.gateway.worker import Worker
from gnomon.guard.policy import Masker, Vault
from gnomon.guard.stream import StreamMasker
from gnomon.kit import log
from gnomon.kit.errors import GnomonError

_log = log.get(__name__)


def guard() -> Guard:
    """The real guard, bound."""
    return Guard(
        masker=lambda policy, key: Masker(policy, key=key),
        stream=lambda masker, side, vault: StreamMasker(masker, side, vault),
        vault=Vault,
        # Every bracket that the guard reads as a placeholder's, and the length of the longest it would take.
        restorer=lambda vault: Restorer(vault.restore, opening="⟦[【〖〔《", closing="⟧]】〗〕》", longest=34),
    )


async def serve(home: Path, *, host: str, port: int, name: str) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, stop.set)
    worker = Worker(home, name, guard=guard(), limits=LimitsLocal(home / "run" / "limits.shm"))
    found = await worker.start(host, port)
    _log.info("gateway_started", host=host, port=found, worker=name)
    await stop.wait()
    await worker.stop()
    _log.info("gateway_stopped", worker=name)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 after a drained stop, 2 when it could not start."""
    options = _options(argv)
    process.begin("gateway")
    if options.workers > 1:
        return _several(options)
    try:
        uvloop.run(serve(options.home, host=options.host, port=options.port, name=options.name or f"w{os.getpid()}"))
    except (GnomonError, OSError) as error:
        _log.error("gateway_not_started", why=str(error), next_step=getattr(error, "next_step", ""))
        return 2
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gnomon.app.gateway", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder with bundle/, keys/, spool/, run/")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", default="", help="name of the worker in spool files and metrics; w<pid> if empty")
    parser.add_argument("--workers", type=int, default=1, help="start this many workers on the port")
    return parser.parse_args(argv)


def _several(options: argparse.Namespace) -> int:
    """Workers as children; a signal to stop goes on to all; ends when all have ended, with the worst exit code."""
    command = [sys.executable, "-m", "gnomon.app.gateway", "--home", str(options.home), "--host", options.host]
    command += ["--port", str(options.port)]
    children = [subprocess.Popen(command) for _ in range(options.workers)]

    def pass_on(number: int, _: object) -> None:
        for child in children:
            child.send_signal(number)

    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, pass_on)
    return max(child.wait() for child in children)


if __name__ == "__main__":
    sys.exit(main())
