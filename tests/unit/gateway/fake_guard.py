"""The smallest guard that keeps the API: it masks mobile numbers and blocks the word 绝密."""

import re
from typing import Any

from gnomon.contract.bundle import MaskPolicy
from gnomon.contract.verdicts import Masked, Span
from gnomon.gateway.guarding import Guard, Place, Side
from gnomon.gateway.restoring import Restorer

_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_BLOCKED = "绝密"


class FakeVault:
    def __init__(self, conversation: str = "") -> None:
        self.conversation = conversation
        self.known: dict[str, str] = {}
        self.met: set[str] = set()

    def __len__(self) -> int:
        return len(self.known)

    def originals(self) -> dict[str, str]:
        return dict(self.known)

    def restore(self, text: str) -> str:
        for placeholder, original in self.known.items():
            text = text.replace(placeholder, original)
        return text


class FakeMasker:
    def __init__(self, policy: MaskPolicy, key: bytes) -> None:
        self.operator = policy.rules[0].operator
        self.is_quick = policy.speed == "structured"
        self.fields: frozenset[str] = frozenset()
        self.short_numbers = False

    def hits(self, data: bytes) -> bool:
        text = data.decode("utf-8", "replace")
        return bool(_PHONE.search(text)) or _BLOCKED in text or "\\u" in text

    def places(self, data: bytes) -> list[Place] | None:
        return None if self.hits(data) else []

    def is_whole(self, field: str, direction: Side) -> bool:
        return False

    def mask(self, text: str, direction: Side, vault: Any, *, field: str = "", fired: Any = None) -> Masked:
        if _BLOCKED in text:
            return Masked(text="", blocked="SECRET")
        spans = tuple(Span(m.start(), m.end(), "PHONE") for m in _PHONE.finditer(text))
        if vault is not None:
            vault.met |= {text[span.start : span.end] for span in spans}

        def replace(match: re.Match[str]) -> str:
            if self.operator != "pseudonym":
                return "[PHONE]"
            placeholder = f"<PHONE_{match.group()[-4:]}>"
            if vault is not None:
                vault.known[placeholder] = match.group()
            return placeholder

        return Masked(_PHONE.sub(replace, text), spans, {"PHONE": len(spans)} if spans else {})


class FakeStream:
    """Holds back trailing digits, which may go on in the next chunk."""

    def __init__(self, masker: FakeMasker, side: Side, vault: Any) -> None:
        self._masker, self._side, self._vault = masker, side, vault
        self._held = ""
        self.counts: dict[str, int] = {}
        self.blocked = ""

    def feed(self, text: str) -> str:
        text = self._held + text
        keep = len(text)
        while keep and (text[keep - 1].isdigit() or text[keep - 1] == _BLOCKED[0]):
            keep -= 1
        self._held = text[keep:]
        return self._out(text[:keep])

    @property
    def pending(self) -> str:
        return self._held

    def lend(self) -> None: ...

    def take_back(self, passed: int, context: str, pending: str) -> None: ...

    def flush(self) -> str:
        text, self._held = self._held, ""
        return self._out(text)

    def _out(self, text: str) -> str:
        masked = self._masker.mask(text, self._side, self._vault)
        self.blocked = self.blocked or masked.blocked
        for entity, count in masked.counts.items():
            self.counts[entity] = self.counts.get(entity, 0) + count
        return masked.text


FAKE_GUARD = Guard(
    masker=lambda policy, key: FakeMasker(policy, key),
    stream=lambda masker, side, vault, field: FakeStream(masker, side, vault),
    vault=FakeVault,
    restorer=lambda vault: Restorer(vault.restore, opening="<", closing=">", longest=16),
)
