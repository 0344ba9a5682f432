"""One gateway worker: its parts put together, its housekeeping, its start and its end."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from gnomon.contract.ports import Limits
from gnomon.gateway.addresses import Proxies
from gnomon.gateway.admission import Admission
from gnomon.gateway.batch import Batch
from gnomon.gateway.door import Door
from gnomon.gateway.guarding import Guard
from gnomon.gateway.home import guard_keys, leave_public_key
from gnomon.gateway.hosting import ServerLimits
from gnomon.gateway.loader import Loader
from gnomon.gateway.metrics import Metrics
from gnomon.gateway.recorder import Recorder
from gnomon.gateway.server import Server
from gnomon.gateway.services import Services
from gnomon.gateway.tls import Certificates
from gnomon.gateway.upstream import Pool
from gnomon.guard.persons import person_index
from gnomon.guard.pseudonym_keys import pseudonym_key
from gnomon.kit import log

_log = log.get(__name__)
_BUNDLE_POLL_S = 0.3
_HOUSEKEEPING_S = 1.0
_DRAIN_S = 30.0
_NOTICE_S = 5.0


class Worker:
    """`start`, then `stop`. Serves as soon as it listens; without a bundle it answers 503 and /readyz says why."""

    def __init__(
        self,
        home: Path,
        name: str,
        *,
        guard: Guard,
        limits: Limits,
        server_limits: ServerLimits | None = None,
        proxies: Proxies | None = None,
        certificates: Certificates | None = None,
        upstream: str = "",
    ) -> None:
        keys = guard_keys(home)
        leave_public_key(home)
        loop = asyncio.get_running_loop()
        recorder = Recorder(home / "spool", name)
        batch = Batch(loop, recorder.commit)
        recorder.wake = batch.wake
        self.services = Services(
            loader=Loader(
                home / "bundle",
                guard=guard,
                mask_key=pseudonym_key(home, first=keys.mask),
                secrets_key=keys.secrets,
                upstream=upstream,
            ),
            admission=Admission(limits=limits, recorder=recorder),
            limits=limits,
            recorder=recorder,
            metrics=Metrics(home / "run", name),
            guard=guard,
            pool=Pool(loop, batch),
            persons=person_index(home),
        )
        self.server = Server(self.services, address_key=keys.address, limits=server_limits, proxies=proxies)
        self.certificates = certificates
        self._look = False  # somebody asked for a look at the bundle
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: asyncio.Server | None = None
        self._home = home
        self._door: Door | None = None

    async def start(self, host: str, port: int) -> int:
        """Listening (workers of a home share the port); returns the port. Raises BadInput where others have it."""
        try:
            self.services.loader.load()
        except Exception as error:  # noqa: BLE001 - the last good bundle is in force, or /readyz says why there is none
            self.services.loader.fault(error)
        self._door = Door(self._home, host, port)
        tls: dict[str, Any] = {}
        if self.certificates is not None:
            # A handshake that dawdles holds a socket before there is a Connection to sweep.
            tls = {"ssl": self.certificates.context, "ssl_handshake_timeout": self.server.limits.head_s}
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self.server, sock=self._door.socket, backlog=2048, **tls)
        for work in (self._follow_bundle(), self._keep_house(), self.services.recorder.keep_synced()):
            self._tasks.append(asyncio.create_task(work))
        return self._door.port

    def reload(self) -> None:
        """Look at bundle and certificate now; what is under way goes on."""
        if self.certificates is not None:
            self.certificates.reload()
        self._look = True

    async def stop(self, *, drain_s: float = _DRAIN_S, notice_s: float | None = None) -> None:
        """No new connections; requests under way end; the spool is on the disk.

        Before that it still serves while /readyz says 503, so that whoever balances the load looks elsewhere: for
        `notice_s`, or where nobody says how long while requests are under way, 5 s at most.
        """
        await self._give_notice(notice_s)
        if self._listener is not None:
            self._listener.close()
        await self.server.drain(drain_s)
        self._tasks += self.services.shadows
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.services.pool.close()
        self.services.recorder.close()
        self.services.metrics.withdraw()
        if self._door is not None:
            self._door.close()
        closing = self.services.limits.close()
        if closing is not None:
            await closing

    async def _give_notice(self, notice_s: float | None) -> None:
        self.services.health.leaving = True
        loop = asyncio.get_running_loop()
        until = loop.time() + (_NOTICE_S if notice_s is None else notice_s)
        while loop.time() < until and (notice_s is not None or self.services.metrics.in_flight):
            await asyncio.sleep(0.05)

    async def _follow_bundle(self) -> None:
        loader = self.services.loader
        while True:
            await asyncio.sleep(_BUNDLE_POLL_S)
            if self._look or loader.changed():
                self._look = False
                try:
                    # Preparing may take long (it builds detectors); requests go on with the old snapshot meanwhile.
                    await asyncio.to_thread(loader.load)
                except Exception as error:  # noqa: BLE001 - or no bundle would ever be looked at again
                    loader.fault(error)

    async def _keep_house(self) -> None:
        s = self.services
        limits = self.server.limits
        every_s = min(_HOUSEKEEPING_S, limits.head_s / 2, limits.body_s / 2, limits.idle_s / 2)
        while True:
            try:
                await self.server.sweep()
                if self.certificates is not None:
                    self.certificates.follow()
                s.limits.reap()
                s.health.look(s.guard, s.loader.current, asyncio.get_running_loop().time())
                s.metrics.gauges = self._gauges()
                s.metrics.publish()
            except Exception:  # noqa: BLE001 - housekeeping must survive a full disk
                _log.exception("housekeeping_failed")
            await asyncio.sleep(every_s)

    def _gauges(self) -> dict[str, float]:
        s = self.services
        return {
            "gnomon_gateway_connections": len(self.server.connections),
            "gnomon_gateway_bundle_refused_total": s.loader.refused,
            "gnomon_gateway_bundle_problem": 1.0 if s.loader.problems else 0.0,
            "gnomon_gateway_limits_unshared": 0.0 if s.limits.reachable else 1.0,
            "gnomon_gateway_certificate_problem": 1.0 if self.certificates and self.certificates.problem else 0.0,
            "gnomon_gateway_spool_failing": 1.0 if s.recorder.failing else 0.0,
            "gnomon_gateway_records_lost_total": s.recorder.lost,
            "gnomon_gateway_stale_keys_total": s.admission.stale.presented,
            "gnomon_gateway_guard_problem": 1.0 if s.health.guard_problem else 0.0,
            "gnomon_gateway_draining": 1.0 if s.health.leaving else 0.0,
            "gnomon_gateway_upstream_connections_total": s.pool.opened,
            "gnomon_gateway_targets_left_alone": s.circuits.open(),
        }
