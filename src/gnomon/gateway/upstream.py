"""Pooled connections to model servers."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from gnomon.gateway.batch import Batch
from gnomon.gateway.deadline import Deadlines
from gnomon.gateway.link import Closed, Keeper, Line, Link, Sink, Unreachable, idly
from gnomon.gateway.snapshot import Origin, PreparedTarget

_BEFORE_S: Final = 0.005  # how long before a connection's time is over it is asked whether the loop is late
_MAX_IDLE: Final = 256  # kept connections per upstream
_MAX_IDLE_S: Final = 60.0  # a firewall forgets what idles longer, and tells nobody


def _turn_away(coming: "asyncio.Task[Link]") -> None:
    """A connection that comes when nobody waits for it any more is closed."""
    if not coming.cancelled() and coming.exception() is None:
        coming.result().abort()


class Pool(Keeper):
    """Idle connections by origin, newest first. Belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch: Batch | None = None) -> None:
        super().__init__(loop, batch or Batch(loop))
        self.deadlines = Deadlines(loop, first=self._look)
        self.opened = 0
        self._idle: dict[Origin, deque[Link]] = {}

    async def call(
        self,
        target: PreparedTarget,
        data: bytes,
        sink: Sink,
        *,
        ex: Line,
        silence_s: float = 0.0,
        meanwhile: Callable[[], object] = idly,
    ) -> float:
        """Send and wait for the whole answer; the loop's time of its first byte. `meanwhile` is what can be done then.

        Raises Unreachable, UpstreamError, or what the sink raised.
        """
        link = self._take(target.origin)
        try:
            if link is not None:
                try:
                    ex.link = link
                    return await link.send(data, sink, silence_s=silence_s, meanwhile=meanwhile)
                except Closed:
                    pass  # it had idled out while the request was on its way
            coming = self.loop.create_task(self._connect(target))  # its timeout needs a task
            try:
                link = await coming
            except asyncio.CancelledError:
                coming.add_done_callback(_turn_away)
                raise
            ex.connect_ms = ex.elapsed_ms()
            if link.is_lost or link.transport.is_closing():
                raise Unreachable(f"{target.upstream.id}: the connection closed as soon as it was made")
            ex.link = link
            return await link.send(data, sink, silence_s=silence_s, meanwhile=meanwhile)
        finally:
            ex.link = None  # from here on a slow caller must not hold up the connection's next user

    def give_back(self, link: Link, origin: Origin) -> None:
        idle = self._idle.setdefault(origin, deque())
        if len(idle) >= _MAX_IDLE:
            link.transport.close()
        else:
            link.transport.resume_reading()  # a slow caller may have paused it
            link.idle_since = self.loop.time()
            idle.append(link)

    def forget(self, link: Link, origin: Origin) -> None:
        idle = self._idle.get(origin)
        if idle and link in idle:
            idle.remove(link)

    def _look(self) -> None:
        """What has been read, or could be by now, counts."""
        self.relays.look()
        self.batch.end()

    def close(self) -> None:
        self.relays.close()
        for idle in self._idle.values():
            for link in tuple(idle):
                link.abort()

    def _take(self, origin: Origin) -> Link | None:
        idle = self._idle.get(origin)
        while idle:
            link = idle.pop()
            if link.transport.is_closing():
                continue
            if self.loop.time() - link.idle_since <= _MAX_IDLE_S:
                return link
            link.abort()
        return None

    async def _connect(self, target: PreparedTarget) -> Link:
        due = self.loop.time() + target.upstream.connect_timeout_s
        try:
            async with asyncio.timeout_at(due) as limit:
                excuse = self.loop.call_at(due - _BEFORE_S, self._excuse, limit, due)
                try:
                    _, link = await self.loop.create_connection(
                        lambda: Link(self, target.origin),
                        target.host,
                        target.port,
                        ssl=target.tls,
                        server_hostname=target.server_name if target.tls else None,
                    )
                finally:
                    excuse.cancel()
        except (OSError, TimeoutError) as error:
            raise Unreachable(f"{target.upstream.id}: {str(error) or 'no connection in time'}") from error
        self.opened += 1
        return link

    def _excuse(self, limit: asyncio.Timeout, due: float) -> None:
        """A loop that comes late has not looked at what arrived meanwhile: it waits once more before it blames."""
        now = self.loop.time()
        if now > due and not limit.expired():
            limit.reschedule(now + (now - due) + _BEFORE_S)
