"""Detectors of abuse over the stream of traffic records: pure, bounded in memory, one file each.

`Watch` is the one to use: it is shown every record and answers with suspicions. What follows from a suspicion is
decided elsewhere.
"""

from gnomon.engine.defence.baseline import Baseline, fitted
from gnomon.engine.defence.rules import Family, Level, Rules, Suspicion
from gnomon.engine.defence.watch import Watch

__all__ = ["Baseline", "Family", "Level", "Rules", "Suspicion", "Watch", "fitted"]
