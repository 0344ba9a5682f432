"""A keyed digest: the same value gives the same letters everywhere under one key, and nobody gets it back."""

import hmac

from gnomon.guard.operators.base import Operator, Subject
from gnomon.guard.placeholders import letters_of, placeholder

_BYTES = 8


def _replace(subject: Subject, _format: str) -> str:
    text = f"hash\0{subject.entity}\0{subject.value}".encode("utf-8", "surrogatepass")
    return placeholder(f"{subject.label}#{letters_of(hmac.digest(subject.key, text, 'sha256')[:_BYTES])}")


OPERATOR = Operator("hash", _replace)
