"""Whether probabilities mean what they say: log-loss and expected calibration error."""

import numpy as np

from gnomon.engine.scoring.figures import Figure, absent, drawn
from gnomon.engine.stats.metrics import metric
from gnomon.engine.stats.resampling import bootstrap
from gnomon.engine.stats.sheet import Sheet

_NAMES = ("log_loss", "calibration_error")


def score(sheet: Sheet) -> list[Figure]:
    """Both over the items with scores; `unknown` counts those without."""
    n = int(sheet.scored.sum())
    unknown = sheet.n - n
    if n == 0:
        return [absent(name, "no answer has scores", unknown=unknown) for name in _NAMES]
    parts = [metric(name).statistic(sheet) for name in _NAMES]
    intervals = bootstrap(
        sheet.ids, lambda weights: np.stack([part(weights) for part in parts], axis=1), strata=sheet.expected.tolist()
    )
    return [drawn(name, interval, n=n, unknown=unknown) for name, interval in zip(_NAMES, intervals, strict=True)]
