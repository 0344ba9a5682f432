"""Entities that only a policy with a rule for them has looked for: the default policy does not see them at all."""

import pytest
from msgspec.structs import replace

from gnomon.contract.masking import MaskPolicy, MaskRule
from gnomon.guard.detectors import DETECTORS, NAMED_ON_REQUEST, ON_REQUEST
from gnomon.guard.finding import default_finder
from gnomon.guard.names.finder import name_finder
from gnomon.guard.policy import DEFAULT_POLICY, BadMaskPolicy, Masker

KEY = b"k" * 32


def asking(*entities: str, speed: str = "names") -> MaskPolicy:
    rules = (*(MaskRule(entity=entity, operator="redact") for entity in entities), *DEFAULT_POLICY.rules)
    return replace(DEFAULT_POLICY, speed=speed, rules=rules)


def masked(text: str, *entities: str, speed: str = "names") -> str:
    return Masker(asking(*entities, speed=speed), key=KEY).mask(text, "input").text


def test_the_default_policy_has_the_detectors_that_it_always_had() -> None:
    structured = Masker(DEFAULT_POLICY, key=KEY)
    names = Masker(replace(DEFAULT_POLICY, speed="names"), key=KEY)

    assert structured.finder is default_finder()
    assert names.finder is name_finder("names")
    on_request = {detector.entity for detector in ON_REQUEST} | NAMED_ON_REQUEST
    assert not on_request & {detector.entity for detector in (*DETECTORS, *names.finder.detectors)}


def test_a_place_is_found_where_a_policy_names_it_and_only_there() -> None:
    text = "She moved here from Norway and lives in Tartu."

    assert masked(text, "LOCATION") == "She moved here from ⟦地点⟧ and lives in ⟦地点⟧."
    assert masked(text) == text


def test_a_place_is_a_name_and_cannot_be_had_without_looking_for_names() -> None:
    with pytest.raises(BadMaskPolicy, match="LOCATION"):
        masked("", "LOCATION", speed="structured")
