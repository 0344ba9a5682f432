"""Answers as the OpenAI API words them."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gnomon.app.modelserver.sampling import Pick
from gnomon.app.modelserver.task import Piece
from gnomon.kit.ids import new_id

Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What all parts of one answer share."""

    model: str
    decode: Decode
    wants_logprobs: bool
    id: str = field(default_factory=lambda: new_id("chatcmpl"))
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, pieces: Sequence[Piece], usage: dict[str, int]) -> dict[str, Any]:
        """A finished answer."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": "".join(piece.text for piece in pieces), "refusal": None},
            "logprobs": self._logprobs(pick for piece in pieces for pick in piece.picks),
            "finish_reason": pieces[-1].finish,
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage}

    def opening(self) -> dict[str, Any]:
        return self._chunk({"role": "assistant", "content": ""}, None, None)

    def part(self, piece: Piece) -> dict[str, Any]:
        delta = {"content": piece.text} if piece.text else {}
        return self._chunk(delta, self._logprobs(piece.picks), piece.finish)

    def closing(self, usage: dict[str, int]) -> dict[str, Any]:
        """The extra last chunk that stream_options.include_usage asks for."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": usage}

    def _chunk(self, delta: dict[str, Any], logprobs: Any, finish: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _logprobs(self, picks: Iterable[Pick]) -> dict[str, Any] | None:
        if not self.wants_logprobs:
            return None
        return {
            "content": [{**self._token(pick.token, pick.logprob), "top_logprobs": self._top(pick)} for pick in picks]
        }

    def _top(self, pick: Pick) -> list[dict[str, Any]]:
        return [self._token(token, logprob) for token, logprob in pick.top]

    def _token(self, token: int, logprob: float) -> dict[str, Any]:
        text = self.decode([token])
        # JSON has no infinity: -9999 is what OpenAI's API and vLLM send for "never".
        return {"token": text, "logprob": max(logprob, -9999.0), "bytes": list(text.encode())}


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def event(data: dict[str, Any] | str) -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"data: {text}\n\n".encode()
