"""One gateway worker: its parts put together, its housekeeping, its start and its end."""

import asyncio
import contextlib
import socket
from pathlib import Path

from gnomon.contract.ports import Limits
from gnomon.gateway.admission import Admission
from gnomon.gateway.guarding import Guard
from gnomon.gateway.home import guard_keys
from gnomon.gateway.metrics import Metrics
from gnomon.gateway.recorder import Recorder
from gnomon.gateway.server import Server, ServerLimits
from gnomon.gateway.services import Services
from gnomon.gateway.snapshot import Loader
from gnomon.gateway.upstream import Pool
from gnomon.kit import log

_log = log.get(__name__)
_BUNDLE_POLL_S = 0.3
_HOUSEKEEPING_S = 1.0
_DRAIN_S = 30.0


class Worker:
    """`start`, then `stop`. Serves as soon as it listens; without a bundle it answers 503 and /readyz says why."""

    def __init__(
        self, home: Path, name: str, *, guard: Guard, limits: Limits, server_limits: ServerLimits | None = None
    ) -> None:
        keys = guard_keys(home)
        recorder = Recorder(home / "spool", name)
        self.services = Services(
            loader=Loader(home / "bundle", guard=guard, mask_key=keys.mask),
            admission=Admission(limits=limits, recorder=recorder),
            limits=limits,
            recorder=recorder,
            metrics=Metrics(home / "run", name),
            guard=guard,
            pool=Pool(asyncio.get_running_loop()),
        )
        self.server = Server(self.services, address_key=keys.address, limits=server_limits)
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listening (workers share the port); returns the port."""
        self.services.loader.load()
        listening = _listen(host, port)
        self._listener = await asyncio.get_running_loop().create_server(self.server, sock=listening, backlog=2048)
        for work in (self._follow_bundle(), self._keep_house(), self.services.recorder.keep_synced()):
            self._tasks.append(asyncio.create_task(work))
        found: int = listening.getsockname()[1]
        return found

    async def stop(self, *, drain_s: float = _DRAIN_S) -> None:
        """No new connections; requests under way end; the spool is on the disk."""
        if self._listener is not None:
            self._listener.close()
        await self.server.drain(drain_s)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.services.pool.close()
        self.services.recorder.close()
        self.services.metrics.withdraw()
        self.services.limits.close()

    async def _follow_bundle(self) -> None:
        loader = self.services.loader
        while True:
            await asyncio.sleep(_BUNDLE_POLL_S)
            if loader.changed():
                # Preparing may take long (it builds detectors); requests go on with the old snapshot meanwhile.
                await asyncio.to_thread(loader.load)

    async def _keep_house(self) -> None:
        s = self.services
        limits = self.server.limits
        every_s = min(_HOUSEKEEPING_S, limits.head_s / 2, limits.body_s / 2, limits.idle_s / 2)
        while True:
            await asyncio.sleep(every_s)
            try:
                self.server.sweep()
                s.limits.reap()
                s.metrics.gauges = self._gauges()
                s.metrics.publish()
            except Exception:  # noqa: BLE001 - housekeeping must survive a full disk
                _log.exception("housekeeping_failed")

    def _gauges(self) -> dict[str, float]:
        s = self.services
        return {
            "gnomon_gateway_connections": len(self.server.connections),
            "gnomon_gateway_bundle_refused_total": s.loader.refused,
            "gnomon_gateway_bundle_problem": 1.0 if s.loader.problems else 0.0,
            "gnomon_gateway_spool_failing": 1.0 if s.recorder.failing else 0.0,
            "gnomon_gateway_records_lost_total": s.recorder.lost,
            "gnomon_gateway_upstream_connections_total": s.pool.opened,
        }


def _listen(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
