"""Precision, recall and F1: of each label, macro (each label weighs the same) and micro (each item does)."""

import numpy as np

from gnomon.engine.scoring.figures import Figure, drawn, share
from gnomon.engine.stats.metrics import by_class, macro, micro
from gnomon.engine.stats.resampling import Floats, bootstrap
from gnomon.engine.stats.sheet import Sheet

_AVERAGES = ("macro_precision", "macro_recall", "macro_f1", "micro_f1")


def score(sheet: Sheet) -> list[Figure]:
    """Shares of items get Wilson's interval; F1 and the averages are resampled within each expected label."""
    unknown = int((~sheet.answered).sum())
    right = int(sheet.right.sum())
    figures = [
        share("micro_precision", right, sheet.n - unknown, unknown=unknown),
        share("micro_recall", right, sheet.n, unknown=unknown),
    ]
    for index, label in enumerate(sheet.labels):
        wanted, said = sheet.expected == index, sheet.predicted == index
        hit, without = int((wanted & said).sum()), int((wanted & ~sheet.answered).sum())
        figures.append(share("precision", hit, int(said.sum()), label=label))
        figures.append(share("recall", hit, int(wanted.sum()), label=label, unknown=without))
    resampled = bootstrap(sheet.ids, lambda weights: _resampled(sheet, weights), strata=sheet.expected.tolist())
    names = [(name, "") for name in _AVERAGES] + [("f1", label) for label in sheet.labels]
    for (name, label), interval in zip(names, resampled, strict=True):
        figures.append(drawn(name, interval, n=sheet.n, label=label, unknown=unknown))
    return figures


def _resampled(sheet: Sheet, weights: Floats) -> Floats:
    return np.hstack([macro(sheet, weights), micro(sheet, weights)[:, 2:], by_class(sheet, weights)[2]])
