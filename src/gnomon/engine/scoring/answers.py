"""One item's answer, as the runner stores it and everything after reads it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gnomon.engine.stats.sheet import BadAnswers


@dataclass(frozen=True, slots=True)
class Answer:
    """`predicted` is None when no label could be read from the reply, or there was no reply: that counts as wrong.

    `scores`: a probability for each label, or None. `outcome`: "ok", "unparsed", or how the request failed (the words
    of `contract.traffic.Outcome`). `latency_ms`: from sending to the last byte; None where nothing came back.
    """

    item_id: str
    expected: str
    predicted: str | None
    scores: Mapping[str, float] | None = None
    outcome: str = "ok"
    latency_ms: float | None = None
    request_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Answer":
        """The answer that `as_dict` wrote. Raises BadAnswers on a field that is missing or unknown."""
        try:
            return cls(**data)
        except TypeError as error:
            raise BadAnswers(f"Not an answer: {error}.", next_step="Run the item again.") from error
