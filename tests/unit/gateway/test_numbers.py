"""Numbers of a body that is walked stay what they were, to the letter, compiled or not."""

import msgspec
import pytest

from gnomon.app.gateway import guard
from gnomon.contract.bundle import MaskPolicy, MaskRule
from gnomon.contract.masking import Pattern
from gnomon.gateway.guarding import TreeGuard

GUARD = guard()
MASKER = GUARD.masker(MaskPolicy(id="r", version="1", rules=(MaskRule(entity="*", operator="redact"),)), b"k" * 32)


def walked(raw: bytes) -> bytes:
    tree = TreeGuard(MASKER, "input", GUARD.vault(""))
    return msgspec.json.encode(tree.value(msgspec.json.decode(raw)))


@pytest.mark.parametrize(
    "raw", [b"0", b"1", b"-7", b"2048", b"1700000000", b"0.5", b"1.0", b"1234567890123456789", b"[1,[2]]", b"true"]
)
def test_a_number_of_nobodys_goes_on_as_it_was_written(raw: bytes) -> None:
    for body in (raw, b'{"n":%b}' % raw, b'{"created":%b,"seed":%b}' % (raw, raw), b"[%b]" % raw):
        assert walked(body) == body


@pytest.mark.parametrize("raw", [b"13812345678", b"6222021234567890128", b"13812345678.0", b"1.3812345678e10"])
def test_a_number_of_somebodys_is_masked_to_its_last_digit(raw: bytes) -> None:
    for body in (raw, b'{"n":%b}' % raw, b"[%b]" % raw):
        got = walked(body)
        assert raw[:6] not in got
        assert "⟦".encode() in got


def test_a_company_s_own_numbers_are_masked_however_short_and_those_of_the_protocol_are_not() -> None:
    own = (Pattern(entity="STAFF", label="工号", pattern=r"20\d{6}"),)
    policy = MaskPolicy(id="r", version="1", rules=(MaskRule(entity="*", operator="redact"),), patterns=own)
    masker = GUARD.masker(policy, b"k" * 32)
    raw = b'{"max_tokens":20260012,"created":20260012,"staff":20260012,"rows":[20260012,17],"n":2026}'
    assert masker.places(raw) is None
    got = TreeGuard(masker, "input", GUARD.vault("")).value(msgspec.json.decode(raw))
    assert got == {
        "max_tokens": 20260012,
        "created": 20260012,
        "staff": "⟦工号⟧",
        "rows": ["⟦工号⟧", 17],
        "n": 2026,
    }
    assert masker.places(b'{"staff":30260012,"text":"hello"}') == []
