"""Nothing passes: the text ends before the value, and whoever asked is told why."""

from gnomon.guard.operators.base import Operator

OPERATOR = Operator("block", None)
