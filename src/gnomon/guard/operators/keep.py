"""The value stays: a field that the business cannot do without."""

from gnomon.guard.operators.base import Operator

OPERATOR = Operator("keep", None)
