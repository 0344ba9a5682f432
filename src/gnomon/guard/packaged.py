"""The mask policies that Gnomon comes with, for who has no platform beside them to ask for the one in force."""

from importlib.resources import files
from typing import Any

import msgspec
import yaml

import gnomon
from gnomon.contract.masking import MaskPolicy
from gnomon.guard.policy import BadMaskPolicy

RULEBOOK = "masking.yaml"


def packaged_policy(id: str | None = None) -> MaskPolicy:
    """The rulebook's policy of that id, its default one when none is named. Raises BadMaskPolicy.

    Reads one file of the rulebook: `mask` starts often, and a log must not need a database.
    """
    text = files(gnomon).joinpath("rulebook", RULEBOOK).read_text("utf-8")
    book = yaml.load(text, yaml.CSafeLoader)
    wanted = id if id is not None else book["default"]
    for shape in book["policies"]:
        if shape["id"] == wanted:
            return policy_of(shape, wanted)
    raise BadMaskPolicy(
        f"There is no mask policy {wanted!r}.",
        next_step=f"Name a YAML file, or one of: {', '.join(shape['id'] for shape in book['policies'])}.",
    )


def policy_of(shape: Any, name: str) -> MaskPolicy:
    """The policy that a file's content describes; `name` is for the error. Raises BadMaskPolicy."""
    try:
        return msgspec.convert(shape, type=MaskPolicy)
    except msgspec.ValidationError as error:
        raise BadMaskPolicy(
            f"{name} is not a masking policy: {error}",
            next_step="It needs id, version and rules of entity and operator.",
        ) from error
