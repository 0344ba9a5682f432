"""How well the positive label's probability ranks items: AUC and KS."""

from gnomon.engine.scoring.figures import Figure, absent, drawn
from gnomon.engine.stats.metrics import metric
from gnomon.engine.stats.ranking import delong_auc
from gnomon.engine.stats.resampling import bootstrap
from gnomon.engine.stats.sheet import Sheet


def score(sheet: Sheet) -> list[Figure]:
    """`auc` (DeLong) and `ks` (resampled) over the items with scores, where a positive label is named."""
    if sheet.positive < 0:
        return []
    usable = sheet.scored
    unknown = int((~usable).sum())
    is_positive = sheet.expected == sheet.positive
    values = sheet.scores[:, sheet.positive]
    high, low = values[usable & is_positive].tolist(), values[usable & ~is_positive].tolist()
    if not high or not low:
        reason = f"{len(high)} positive and {len(low)} negative items have scores; both are needed"
        return [absent(name, reason, unknown=unknown) for name in ("auc", "ks")]
    auc = delong_auc(high, low)
    (distance,) = bootstrap(sheet.ids, metric("ks").statistic(sheet), strata=sheet.expected.tolist())
    n = len(high) + len(low)
    return [drawn("auc", auc, n=n, unknown=unknown), drawn("ks", distance, n=n, unknown=unknown)]
