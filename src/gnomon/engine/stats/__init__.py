"""Statistics of paired evaluation: intervals, tests, margins, families, power, and figures by name.

`gnomon.engine.stats.compare` puts them together into a verdict on a measure.
"""

from gnomon.engine.stats.families import benjamini_hochberg, holm
from gnomon.engine.stats.goals import Goal, Guard
from gnomon.engine.stats.interval import BadFigures, Interval, wilson
from gnomon.engine.stats.kept import Kept, kept, kept_by_interval
from gnomon.engine.stats.margins import Margin, non_inferior, non_inferior_by_interval, tost
from gnomon.engine.stats.masking import MaskingEffect, masking_effect
from gnomon.engine.stats.metrics import CannotMeasure, Metric, UnknownMetric, metric, metric_names
from gnomon.engine.stats.paired import Flips, McNemar, mcnemar, paired_difference
from gnomon.engine.stats.power import paired_n, paired_power, two_sample_power
from gnomon.engine.stats.ranking import Ks, delong_auc, ks
from gnomon.engine.stats.resampling import bootstrap, seed_of
from gnomon.engine.stats.sheet import Answered, BadAnswers, Sheet, sheet_of
from gnomon.engine.stats.slice_table import SliceRow, slice_table
from gnomon.engine.stats.tables import fisher

__all__ = [
    "Answered",
    "BadAnswers",
    "BadFigures",
    "CannotMeasure",
    "Flips",
    "Goal",
    "Guard",
    "Interval",
    "Kept",
    "Ks",
    "Margin",
    "MaskingEffect",
    "McNemar",
    "Metric",
    "Sheet",
    "SliceRow",
    "UnknownMetric",
    "benjamini_hochberg",
    "bootstrap",
    "delong_auc",
    "fisher",
    "holm",
    "kept",
    "kept_by_interval",
    "ks",
    "masking_effect",
    "mcnemar",
    "metric",
    "metric_names",
    "non_inferior",
    "non_inferior_by_interval",
    "paired_difference",
    "paired_n",
    "paired_power",
    "seed_of",
    "sheet_of",
    "slice_table",
    "tost",
    "two_sample_power",
    "wilson",
]
