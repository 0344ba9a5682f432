"""The leak rate is measured on texts of our own, in every way of writing, and feeds the control that asks for it."""

from pathlib import Path

import pytest

from gnomon.contract.masking import MaskPolicy, MaskRule
from gnomon.control.privacy import actions, checks
from gnomon.control.rulebook.rules import load
from gnomon.engine.disguises import DISGUISES, measured, samples
from gnomon.engine.planting import KINDS
from gnomon.guard.policy import DEFAULT_POLICY, Masker
from gnomon.kit.work import Platform
from tests.fakes.platform import do, make_platform
from tests.unit.rulebook_board.asking import ask


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return make_platform(tmp_path)


def test_every_entity_and_every_way_of_writing_is_in_the_samples() -> None:
    made = samples("x", each=3)
    spans = [span for sample in made for span in sample["spans"]]
    assert {span["label"] for span in spans} == set(KINDS)
    assert {span["variant"] for span in spans} == {disguise.name for disguise in DISGUISES}
    assert made == samples("x", each=3) != samples("y", each=3)


def test_the_default_policy_lets_nothing_of_the_samples_through() -> None:
    result = measured(Masker(DEFAULT_POLICY, key=bytes(32)), samples("unit", each=3))
    assert result.missed == []
    assert result.touched == 0
    assert (result.overall.precision or 0) > 0.99


def test_without_a_policy_nothing_is_measured(platform: Platform) -> None:
    assert ask(platform, "privacy.leak_measured") is None


def test_the_worst_policy_in_force_is_what_counts(platform: Platform) -> None:
    do(platform, "system", actions.put_policy, load().mask_policy())
    answer = ask(platform, "privacy.leak_measured")
    assert answer is not None
    assert (answer.facts["numerator"], answer.facts["n"] > 500, answer.state.value) == (0, True, "met")
    keeps = MaskPolicy(id="loose", version="1", rules=(MaskRule(entity="EMAIL", operator="keep"),))
    do(platform, "system", actions.put_policy, keeps)
    answer = ask(platform, "privacy.leak_measured")
    assert answer is not None
    assert (answer.facts["worst"], answer.state.value) == ("loose 1", "not_met")
    assert list(answer.facts["entities"]) == ["EMAIL"]


assert checks  # registers its check
