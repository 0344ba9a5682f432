"""Something of the same kind that looks real: another name, another number. Nobody gets the value back.

For evaluation and training only: a model reads it as it reads any text, and a reader cannot tell it from a real value.
The same value has the same surrogate under one key; within a vault no two values share one, and none is a value that
the vault knows to be real. Where no surrogate can be had, a placeholder stands.
"""

from gnomon.guard.operators.base import Operator, Subject, no_format
from gnomon.guard.placeholders import code, placeholder
from gnomon.guard.surrogates import MAKERS, surrogate

_ATTEMPTS = 32


def _replace(subject: Subject, _format: str) -> str:
    if subject.entity in MAKERS:
        for attempt in range(_ATTEMPTS):
            made = surrogate(subject.value, subject.entity, key=subject.key, attempt=attempt)
            if made and (subject.vault is None or subject.vault.lends(made, to=subject.value)):
                return made
    return placeholder(subject.label, code(subject.value, key=subject.key, entity=subject.entity))


def _wrong(entity: str, format: str) -> str:
    if entity not in ("*", *MAKERS):
        return "only what is no secret and no company's own word has a surrogate"
    return no_format(entity, format)


OPERATOR = Operator("surrogate", _replace, _wrong, only_for=frozenset(("evaluation", "training")))
