"""What is built in. To add an operator: one file, one line here, and its name in `contract/masking`."""

from gnomon.guard.operators import block, encrypt, generalise, hash, keep, mask, pseudonym, redact, surrogate
from gnomon.guard.operators.base import Operator, Subject

OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        keep.OPERATOR,
        mask.OPERATOR,
        redact.OPERATOR,
        generalise.OPERATOR,
        hash.OPERATOR,
        pseudonym.OPERATOR,
        surrogate.OPERATOR,
        encrypt.OPERATOR,
        block.OPERATOR,
    )
}

__all__ = ["OPERATORS", "Operator", "Subject"]
