"""A placeholder that a vault knows how to restore. The same value has the same one under one key.

Format `installation` (or none): wherever this installation's key is used. `conversation`: only where the vault is of
the same conversation, so that two conversations cannot be linked by their placeholders.
"""

from gnomon.guard.operators.base import Operator, Subject
from gnomon.guard.placeholders import code, placeholder


def _replace(subject: Subject, format: str) -> str:
    key = subject.key
    if format == "conversation" and subject.vault is not None:
        key = subject.vault.key_of(key)
    letters = code(subject.value, key=key, entity=subject.entity, length=12)
    if subject.vault is None:
        return placeholder(subject.label, letters[:6])
    return placeholder(subject.label, subject.vault.keep(subject.label, letters, subject.value))


def _wrong(entity: str, format: str) -> str:
    return "" if format in ("", "installation", "conversation") else "it is installation or conversation"


OPERATOR = Operator("pseudonym", _replace, _wrong, is_reversible=True)
