"""The facts that privacy tells."""

from dataclasses import dataclass

from gnomon.kit.events import Event


@dataclass(frozen=True, slots=True)
class MaskPolicyChanged(Event):
    policy_id: str
