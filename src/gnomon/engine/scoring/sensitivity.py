"""Of the positive items, how many were called positive; of the others, how many were called something else."""

from gnomon.engine.scoring.figures import Figure, share
from gnomon.engine.stats.metrics import metric
from gnomon.engine.stats.sheet import Sheet


def score(sheet: Sheet) -> list[Figure]:
    """`sensitivity` and `specificity` where a positive label is named; an unanswered item is wrong in both."""
    if sheet.positive < 0:
        return []
    figures = []
    for name in ("sensitivity", "specificity"):
        hits = metric(name).hits
        assert hits is not None, "a share metric counts hits"
        counted, hit = hits(sheet)
        unknown = int((counted & ~sheet.answered).sum())
        figures.append(share(name, int((counted & hit).sum()), int(counted.sum()), unknown=unknown))
    return figures
