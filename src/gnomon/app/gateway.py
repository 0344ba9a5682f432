"""One gateway worker as a process: `python -m gnomon.app.gateway --home DIR --port N`.

It needs no control plane and no database: the signed bundle in the home folder is all it knows. Several workers may
listen on one port (SO_REUSEPORT); `--workers` starts them from here, which a supervisor usually does instead.
"""

import argparse
import asyncio
import gc
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from gnomon.native import modules

if __name__ == "__main__":
    modules.prefer()  # before any of them is loaded

from gnomon.app import process
from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.ports import Limits
from gnomon.gateway.addresses import Proxies
from gnomon.gateway.guarding import Guard
from gnomon.gateway.home import guard_keys
from gnomon.gateway.hosting import ServerLimits
from gnomon.gateway.off_loop import hand_over_soon
from gnomon.gateway.restoring import Restorer
from gnomon.gateway.tls import Certificates
from gnomon.gateway.worker import Worker
from gnomon.guard import compiled
from gnomon.guard.content import ContentGuard, Engine, default_engine
from gnomon.guard.placeholders import CLOSING, LONGEST, OPENING, Vault
from gnomon.guard.policy import Masker
from gnomon.guard.stream import StreamMasker
from gnomon.kit import log
from gnomon.kit.errors import GnomonError

_log = log.get(__name__)
_LOOK_S = 0.2  # how often it is seen whether a worker was killed
_GARBAGE = 20_000  # new objects before garbage is looked for: requests leave none, and each look costs all of them


def guard(memory: Path | None = None) -> Guard:
    """The real guard, bound. `memory`: folder of this process alone, where slow preparations are remembered."""
    return Guard(
        content=lambda policy: ContentGuard(policy, _engine(memory)),
        masker=lambda policy, key: Masker(policy, key=key),
        stream=lambda masker, side, vault, field: StreamMasker(masker, side, vault, field=field),
        vault=Vault,
        # Every bracket that the guard reads as a placeholder's, and the length of the longest it would take.
        restorer=lambda vault: Restorer(vault.restore, opening=OPENING, closing=CLOSING, longest=LONGEST),
    )


def _engine(memory: Path | None) -> Engine:
    """Compiled by a process that ends, for compiling takes memory that a process keeps; slower, not wrong, without."""
    if memory is not None:
        subprocess.run([sys.executable, "-m", "gnomon.guard.content", str(memory)], check=False)
    return default_engine(memory)


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT, then drain; SIGHUP looks at bundle and certificate again."""
    home, name = options.home, options.name or f"w{os.getpid()}"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, stop.set)
    compiled.keep_in(home / "run", guard_keys(home).mask)
    worker = Worker(
        home,
        name,
        # Several homes of one user may share what is remembered.
        guard=guard(Path(os.environ.get("GNOMON_PATTERNS") or home / "run")),
        limits=_limits(home),
        server_limits=ServerLimits(connections=_connections()),
        proxies=Proxies(part for part in options.trusted_proxies.split(",") if part.strip()),
        certificates=Certificates(options.tls_cert, options.tls_key) if options.tls_cert else None,
        upstream=options.upstream,
    )
    loop.add_signal_handler(signal.SIGHUP, worker.reload)
    found = await worker.start(options.host, options.port)
    # What is there now stays; looking through it for garbage would stop every stream for some 10 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    _log.info(
        "gateway_started",
        host=options.host,
        port=found,
        worker=name,
        tls=options.tls_cert is not None,
        compiled=modules.are_compiled(),
    )
    await stop.wait()
    await worker.stop(notice_s=options.drain_notice)
    _log.info("gateway_stopped", worker=name)


def _limits(home: Path) -> Limits:
    """Shared by the workers of this host, or with other hosts where there is a Redis."""
    local = LimitsLocal(home / "run" / "limits.shm")
    url = os.environ.get("GNOMON_LIMITS_URL", "")
    if not url:
        return local
    from gnomon.backends.limits_redis import LimitsRedis  # only here: most gateways need no such client

    return LimitsRedis(local, url, host=f"{socket.gethostname()}:{home.resolve()}")


def _connections() -> int:
    """As many callers as the files that may be open leave room for; model servers and spools need some too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return max(min(ServerLimits().connections, most - 1024), 64) if most != resource.RLIM_INFINITY else 20_000


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 after a drained stop, 2 when it could not start."""
    options = _options(argv)
    process.begin("gateway", home=options.home)
    if options.workers > 1:
        return _several(options, argv)
    try:
        hand_over_soon()
        uvloop.run(serve(options))
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
    parser.add_argument("--tls-cert", type=Path, help="PEM certificate and chain; without it plain HTTP")
    parser.add_argument("--tls-key", type=Path, help="PEM private key of that certificate")
    parser.add_argument("--trusted-proxies", default="", help="CIDRs whose X-Forwarded-For is believed, by commas")
    parser.add_argument("--upstream", default="", help="ask this model server instead of the bundle's, for all routes")
    parser.add_argument(
        "--drain-notice", type=float, help="seconds to go on after SIGTERM with /readyz at 503; 5 at most if not given"
    )
    options = parser.parse_args(argv)
    if (options.tls_cert is None) != (options.tls_key is None):
        parser.error("--tls-cert and --tls-key belong together")
    return options


def _several(options: argparse.Namespace, argv: Sequence[str] | None) -> int:
    """Workers as children; a signal to stop goes on to all, and one that is killed is replaced; ends when all have
    ended, with the worst exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    command = [sys.executable, "-m", "gnomon.app.gateway", *given, "--workers", "1"]  # the last one counts
    names = [f"{options.name}-{n}" if options.name else "" for n in range(1, options.workers + 1)]
    children = [subprocess.Popen([*command, "--name", name]) for name in names]
    leaving = False

    def pass_on(number: int, _: object) -> None:
        nonlocal leaving
        leaving = leaving or number != signal.SIGHUP
        for child in children:
            child.send_signal(number)

    for wanted in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(wanted, pass_on)
    while any(child.poll() is None or (child.returncode < 0 and not leaving) for child in children):
        time.sleep(_LOOK_S)
        for place, name in enumerate(names):
            died = children[place].poll() or 0
            if died >= 0 or leaving:
                continue
            _log.error("worker_died", worker=name or f"w{children[place].pid}", signal=-died)
            children[place] = subprocess.Popen([*command, "--name", name])
            if leaving:  # told just now
                children[place].terminate()
    return max(child.wait() for child in children)


if __name__ == "__main__":
    sys.exit(main())
