"""Every figure that can be a goal or a guard: by name, from a sheet, as a function of item weights.

To add one: a function below and a line in `_PLAIN` or `_OF_LABEL`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from gnomon.engine.stats.interval import BadFigures
from gnomon.engine.stats.resampling import Statistic
from gnomon.engine.stats.sheet import Floats, Mask, Sheet

Unit = Literal["share", "ms", "nats"]
_BINS = 10  # equal-width confidence bins (Guo et al. 2017, arXiv 1706.04599, use 15 on far larger sets)
_TINY = 1e-15  # a probability of 0 would make one answer's log-loss infinite


class UnknownMetric(BadFigures):
    """No figure of that name."""

    code: ClassVar[str] = "unknown_metric"


class CannotMeasure(BadFigures):
    """The answers lack what the figure needs: scores, timings, or a class."""

    code: ClassVar[str] = "cannot_measure"


@dataclass(frozen=True, slots=True)
class Metric:
    """`hits` (share metrics over fixed items): which items count, and which of them are hits; else None."""

    name: str
    higher_is_better: bool
    unit: Unit
    statistic: Callable[[Sheet], Statistic]
    hits: Callable[[Sheet], tuple[Mask, Mask]] | None = None

    def value(self, sheet: Sheet) -> float:
        """The figure itself. Raises CannotMeasure where it is undefined."""
        found = float(self.statistic(sheet)(np.ones((1, sheet.n)))[0])
        if not np.isfinite(found):
            raise CannotMeasure(f"{self.name} is undefined on these answers.", next_step="Use a larger set.")
        return found


def metric(name: str) -> Metric:
    """The metric `accuracy`, `recall:<label>`, …  Raises UnknownMetric."""
    kind, _, label = name.partition(":")
    if name in _PLAIN:
        return _PLAIN[name]
    if label and kind in _OF_LABEL:
        return _OF_LABEL[kind](label)
    raise UnknownMetric(
        f"There is no metric {name!r}.", next_step=f"Use one of: {', '.join(metric_names())}.", metric=name
    )


def metric_names() -> list[str]:
    """All names, those of one label as `recall:<label>`."""
    return sorted(_PLAIN) + [f"{kind}:<label>" for kind in sorted(_OF_LABEL)]


def _share(name: str, hits: Callable[[Sheet], tuple[Mask, Mask]]) -> Metric:
    def statistic(sheet: Sheet) -> Statistic:
        counted, hit = hits(sheet)
        return lambda weights: _ratio(weights @ (counted & hit), weights @ counted)

    return Metric(name, True, "share", statistic, hits)


def _ratio(above: Floats, below: Floats) -> Floats:
    out: Floats = np.full(above.shape, np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def _everything(sheet: Sheet) -> Mask:
    return np.ones(sheet.n, dtype=bool)


def _index(sheet: Sheet, label: str) -> int:
    if label not in sheet.labels:
        raise UnknownMetric(f"There is no label {label!r}.", next_step=f"Use one of {list(sheet.labels)}.")
    return sheet.labels.index(label)


def _positive(sheet: Sheet) -> int:
    if sheet.positive < 0:
        raise CannotMeasure("No label is named as the positive one.", next_step="Name it in the recipe.")
    return sheet.positive


def _recall_of(label: str) -> Metric:
    return _share(f"recall:{label}", lambda sheet: (sheet.expected == _index(sheet, label), sheet.right))


def _precision_of(label: str) -> Metric:
    def statistic(sheet: Sheet) -> Statistic:
        said = sheet.predicted == _index(sheet, label)
        return lambda weights: _ratio(weights @ (said & sheet.right), weights @ said)

    return Metric(f"precision:{label}", True, "share", statistic)


def _f1_of(label: str) -> Metric:
    def statistic(sheet: Sheet) -> Statistic:
        index = _index(sheet, label)
        return lambda weights: by_class(sheet, weights)[2][:, index]

    return Metric(f"f1:{label}", True, "share", statistic)


def by_class(sheet: Sheet, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1, each draws x labels; NaN where no item was given (recall) or got (precision) it."""
    codes = np.arange(len(sheet.labels))
    wanted = (sheet.expected[:, None] == codes).astype(np.float64)
    said = (sheet.predicted[:, None] == codes).astype(np.float64)
    hit, is_wanted, is_said = weights @ (wanted * said), weights @ wanted, weights @ said
    return _ratio(hit, is_said), _ratio(hit, is_wanted), _ratio(2 * hit, is_wanted + is_said)


def macro(sheet: Sheet, weights: Floats) -> Floats:
    """Macro precision, recall, F1 (draws x 3) over the labels that some item expects; one never predicted counts 0."""
    present = np.isin(np.arange(len(sheet.labels)), sheet.expected)
    figures = [np.nan_to_num(part[:, present], nan=0.0).mean(axis=1) for part in by_class(sheet, weights)]
    return np.stack(figures, axis=1)


def micro(sheet: Sheet, weights: Floats) -> Floats:
    """Micro precision (right among answered), recall (right among all) and F1: draws x 3."""
    hit, said, every = weights @ sheet.right, weights @ sheet.answered, weights.sum(axis=1)
    return np.stack([_ratio(hit, said), _ratio(hit, every), _ratio(2 * hit, said + every)], axis=1)


def _averaged(name: str, average: Callable[[Sheet, Floats], Floats], column: int) -> Metric:
    return Metric(name, True, "share", lambda sheet: lambda weights: average(sheet, weights)[:, column])


def _sensitivity_hits(sheet: Sheet) -> tuple[Mask, Mask]:
    positive = _positive(sheet)
    return sheet.expected == positive, sheet.predicted == positive


def _specificity_hits(sheet: Sheet) -> tuple[Mask, Mask]:
    positive = _positive(sheet)
    # No answer and an answer outside the labels are wrong for a negative item too.
    return sheet.expected != positive, (sheet.predicted >= 0) & (sheet.predicted != positive)


def _ranked(sheet: Sheet) -> Callable[[Floats], tuple[Floats, Floats]]:
    """From weights to the weight of positives and of negatives at each distinct score, lowest score first."""
    positive = _positive(sheet)
    usable = np.flatnonzero(sheet.scored)
    if not len(usable):
        raise CannotMeasure("No answer has scores.", next_step="Run the recipe in the mode label_loglik.")
    values = sheet.scores[usable, positive]
    order = usable[np.argsort(values, kind="stable")]
    starts = np.unique(sheet.scores[order, positive], return_index=True)[1]
    is_positive = (sheet.expected[order] == positive).astype(np.float64)

    def split(weights: Floats) -> tuple[Floats, Floats]:
        drawn = weights[:, order]
        return (
            np.add.reduceat(drawn * is_positive, starts, axis=1),
            np.add.reduceat(drawn * (1 - is_positive), starts, axis=1),
        )

    return split


def _auc(sheet: Sheet) -> Statistic:
    split = _ranked(sheet)

    def statistic(weights: Floats) -> Floats:
        high, low = split(weights)
        below = np.cumsum(low, axis=1) - low / 2
        return _ratio((high * below).sum(axis=1), high.sum(axis=1) * low.sum(axis=1))

    return statistic


def _ks(sheet: Sheet) -> Statistic:
    split = _ranked(sheet)

    def statistic(weights: Floats) -> Floats:
        high, low = split(weights)
        gap = _ratio(np.cumsum(high, axis=1), np.broadcast_to(high.sum(axis=1)[:, None], high.shape))
        gap -= _ratio(np.cumsum(low, axis=1), np.broadcast_to(low.sum(axis=1)[:, None], low.shape))
        return np.asarray(np.abs(gap).max(axis=1))

    return statistic


def _log_loss(sheet: Sheet) -> Statistic:
    usable = _usable(sheet)
    own = sheet.scores[np.arange(sheet.n), sheet.expected]
    loss = np.where(usable, -np.log(np.clip(np.where(usable, own, 1.0), _TINY, 1.0)), 0.0)
    return lambda weights: _ratio(weights @ loss, weights @ usable)


def _calibration_error(sheet: Sheet) -> Statistic:
    """Expected calibration error of the most probable label (Naeini, Cooper and Hauskrecht 2015)."""
    usable = _usable(sheet)
    filled = np.where(usable[:, None], sheet.scores, 0.0)
    confidence, right = filled.max(axis=1), filled.argmax(axis=1) == sheet.expected
    bins = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    excess = (bins[:, None] == np.arange(_BINS)) * ((confidence - right) * usable)[:, None]
    return lambda weights: _ratio(np.abs(weights @ excess).sum(axis=1), weights @ usable)


def _usable(sheet: Sheet) -> Mask:
    if not sheet.scored.any():
        raise CannotMeasure("No answer has scores.", next_step="Run the recipe in the mode label_loglik.")
    return sheet.scored


def _latency(share: float) -> Callable[[Sheet], Statistic]:
    def build(sheet: Sheet) -> Statistic:
        timed = np.flatnonzero(~np.isnan(sheet.latency_ms))
        if not len(timed):
            raise CannotMeasure("No answer was timed.", next_step="Run the suite again.")
        order = timed[np.argsort(sheet.latency_ms[timed], kind="stable")]
        values = sheet.latency_ms[order]

        def nearest_rank(weights: Floats) -> Floats:
            below = np.cumsum(weights[:, order], axis=1)
            reached = below >= share * below[:, -1:] - 1e-9
            return np.where(below[:, -1] > 0, values[reached.argmax(axis=1)], np.nan)

        return nearest_rank

    return build


_OF_LABEL: dict[str, Callable[[str], Metric]] = {"recall": _recall_of, "precision": _precision_of, "f1": _f1_of}

_PLAIN: dict[str, Metric] = {
    made.name: made
    for made in (
        _share("accuracy", lambda sheet: (_everything(sheet), sheet.right)),
        _share("answered_rate", lambda sheet: (_everything(sheet), sheet.answered)),
        _share("sensitivity", _sensitivity_hits),
        _share("specificity", _specificity_hits),
        *(
            _averaged(f"{prefix}_{part}", average, column)
            for prefix, average in (("macro", macro), ("micro", micro))
            for column, part in enumerate(("precision", "recall", "f1"))
        ),
        Metric("auc", True, "share", _auc),
        Metric("ks", True, "share", _ks),
        Metric("log_loss", False, "nats", _log_loss),
        Metric("calibration_error", False, "share", _calibration_error),
        *(Metric(f"latency_p{round(share * 100)}_ms", False, "ms", _latency(share)) for share in (0.5, 0.95, 0.99)),
    )
}
