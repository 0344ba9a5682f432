"""How many of all items were answered right, and how many were answered at all."""

from gnomon.engine.scoring.figures import Figure, share
from gnomon.engine.stats.sheet import Sheet


def score(sheet: Sheet) -> list[Figure]:
    """`accuracy` over all items, the unanswered among the wrong, and `answered_rate`."""
    unknown = int((~sheet.answered).sum())
    return [
        share("accuracy", int(sheet.right.sum()), sheet.n, unknown=unknown),
        share("answered_rate", int(sheet.answered.sum()), sheet.n, unknown=unknown),
    ]
