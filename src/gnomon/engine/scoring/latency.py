"""How long answers took, by nearest rank over everything that was timed, time-outs included."""

import numpy as np

from gnomon.engine.scoring.figures import Figure, absent, drawn
from gnomon.engine.stats.metrics import metric
from gnomon.engine.stats.resampling import bootstrap
from gnomon.engine.stats.sheet import Sheet

_NAMES = ("latency_p50_ms", "latency_p95_ms", "latency_p99_ms")


def score(sheet: Sheet) -> list[Figure]:
    """p50, p95 and p99 in milliseconds; `unknown` counts items that were never timed."""
    n = int((~np.isnan(sheet.latency_ms)).sum())
    unknown = sheet.n - n
    if n == 0:
        return [absent(name, "nothing was timed", unknown=unknown) for name in _NAMES]
    parts = [metric(name).statistic(sheet) for name in _NAMES]
    intervals = bootstrap(sheet.ids, lambda weights: np.stack([part(weights) for part in parts], axis=1))
    return [drawn(name, interval, n=n, unknown=unknown) for name, interval in zip(_NAMES, intervals, strict=True)]
