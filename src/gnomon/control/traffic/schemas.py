"""The facts that traffic tells."""

from dataclasses import dataclass

from gnomon.contract.traffic import DefenceNotice
from gnomon.kit.events import Event


@dataclass(frozen=True, slots=True)
class CanaryRetreated(Event):
    """A gateway moved a canary's share to 0 by itself; `notice.subject` is the canary's id."""

    notice: DefenceNotice
