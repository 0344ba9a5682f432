"""Counters of this worker, and those that its siblings left in the run folder, as Prometheus text."""

import contextlib
import os
import time
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

_BOUNDS_MS: Final = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0, 30_000.0)
_FRESH_S: Final = 15.0
_HELP: Final = {
    "gnomon_gateway_requests_total": "counter Requests by outcome",
    "gnomon_gateway_masked_total": "counter Masked entities by direction",
    "gnomon_gateway_latency_ms": "histogram Total time of answered requests in milliseconds",
    "gnomon_gateway_in_flight": "gauge Requests being answered",
    "gnomon_gateway_connections": "gauge Open client connections",
    "gnomon_gateway_bundle_refused_total": "counter Bundle files that were refused",
    "gnomon_gateway_bundle_problem": "gauge 1 while the newest bundle file is refused",
    "gnomon_gateway_limits_unshared": "gauge 1 while limits fall back to this host's share",
    "gnomon_gateway_certificate_problem": "gauge 1 while the newest certificate file is refused",
    "gnomon_gateway_spool_failing": "gauge 1 while records cannot be written",
    "gnomon_gateway_records_lost_total": "counter Records that fitted nowhere",
    "gnomon_gateway_stale_keys_total": "counter Requests with a key that was revoked or has expired",
    "gnomon_gateway_guard_problem": "gauge 1 while the guard does not mask what it must",
    "gnomon_gateway_draining": "gauge 1 after the worker was told to stop",
    "gnomon_gateway_upstream_connections_total": "counter Connections opened to model servers",
    "gnomon_gateway_targets_left_alone": "gauge Targets whose circuit breaker is open",
}


class Metrics:
    """Plain integers in one event loop; `publish` leaves them where the sibling workers find them."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.outcomes: dict[str, int] = {}
        self.masked_in = 0
        self.masked_out = 0
        self.in_flight = 0
        self.gauges: dict[str, float] = {}
        self._buckets = [0] * (len(_BOUNDS_MS) + 1)
        self._sum_ms = 0.0
        self._folder = folder
        self._worker = worker
        folder.mkdir(parents=True, exist_ok=True)

    def count(self, outcome: str, total_ms: float, masked_in: int, masked_out: int) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.masked_in += masked_in
        self.masked_out += masked_out
        if outcome == "ok":
            self._sum_ms += total_ms
            self._buckets[bisect_left(_BOUNDS_MS, total_ms)] += 1

    def publish(self) -> None:
        path = self._path(self._worker)
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(msgspec.json.encode(self._series()))
        scratch.replace(path)

    def withdraw(self) -> None:
        self._path(self._worker).unlink(missing_ok=True)

    def text(self) -> bytes:
        """All workers' series, each with its worker label; a worker silent for 15 s is gone."""
        with contextlib.suppress(OSError):  # a full disk hides our figures from the siblings, not from who asks us
            self.publish()
        series: dict[str, list[str]] = {}
        for rows in (self._series(), *self._siblings()):
            for name, labels, value in rows:
                base = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
                series.setdefault(base if base in _HELP else name, []).append(f"{name}{{{labels}}} {value:.10g}")
        lines = []
        for name, found in series.items():
            kind, _, text = _HELP[name].partition(" ")
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *found]
        return "\n".join([*lines, ""]).encode()

    def _siblings(self) -> Iterator[list[tuple[str, str, float]]]:
        for path in sorted(self._folder.glob("worker-*.metrics")):
            try:
                if path != self._path(self._worker) and time.time() - path.stat().st_mtime <= _FRESH_S:
                    yield msgspec.json.decode(path.read_bytes(), type=list[tuple[str, str, float]])
            except (OSError, msgspec.DecodeError):
                continue

    def _series(self) -> list[tuple[str, str, float]]:
        label = f'worker="{self._worker}"'
        rows: list[tuple[str, str, float]] = [
            ("gnomon_gateway_requests_total", f'{label},outcome="{o}"', n) for o, n in sorted(self.outcomes.items())
        ]
        rows.append(("gnomon_gateway_masked_total", f'{label},direction="input"', self.masked_in))
        rows.append(("gnomon_gateway_masked_total", f'{label},direction="output"', self.masked_out))
        running = 0
        for bound, n in zip([*map("{:g}".format, _BOUNDS_MS), "+Inf"], self._buckets, strict=True):
            running += n
            rows.append(("gnomon_gateway_latency_ms_bucket", f'{label},le="{bound}"', running))
        rows.append(("gnomon_gateway_latency_ms_sum", label, self._sum_ms))
        rows.append(("gnomon_gateway_latency_ms_count", label, running))
        rows.append(("gnomon_gateway_in_flight", label, self.in_flight))
        rows += [(name, label, value) for name, value in sorted(self.gauges.items())]
        return rows

    def _path(self, worker: str) -> Path:
        return self._folder / f"worker-{worker}.metrics"
