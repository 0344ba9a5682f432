"""Puts values back where placeholders and sealed tokens stand; what is broken or of another key stays."""

from gnomon.contract.verdicts import Masked, Span
from gnomon.guard.operators import encrypt
from gnomon.guard.placeholders import OPENING, WRITTEN, Vault


def restoration(text: str, *, vault: Vault, key: bytes | None = None) -> Masked:
    """The text with what `vault` kept and, where a key is given, what it sealed; the spans are of what was replaced."""
    if not any(bracket in text for bracket in OPENING):
        return Masked(text)
    found = [(match.span(), vault.restore(match[0]), match[0]) for match in WRITTEN.finditer(text)]
    if key is not None:
        found += [
            (match.span(), encrypt.unsealed(match[0], key=key), match[0]) for match in encrypt.TOKEN.finditer(text)
        ]
    parts: list[str] = []
    spans: list[Span] = []
    values: list[str] = []
    at = 0
    for (start, end), value, written in sorted(found):
        if value != written and start >= at:
            parts += [text[at:start], value]
            spans.append(Span(start, end, "PLACEHOLDER"))
            values.append(value)
            at = end
    return Masked("".join((*parts, text[at:])), tuple(spans), {"PLACEHOLDER": len(spans)}, "", tuple(values))


def field_restoration(text: str, *, field: str, format: str, key: bytes) -> Masked:
    """The whole content of a field that a rule of `encrypt` with this format sealed."""
    value = encrypt.opened_field(text, field=field, format=format, key=key)
    spans = (Span(0, len(text), "PLACEHOLDER"),) if value != text else ()
    return Masked(value, spans, {"PLACEHOLDER": len(spans)}, "", (value,) if spans else ())
