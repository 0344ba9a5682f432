"""Answers that need no large model: one remembered, or a small model's that is sure of it."""

import msgspec

from gnomon.gateway import cascade
from gnomon.gateway.answers import decoded
from gnomon.gateway.calling import Question, with_model
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.media import guard_answer
from gnomon.gateway.meters import cost
from gnomon.gateway.off_loop import inline_or_thread
from gnomon.gateway.running import KEPT_REPLY_CHARS
from gnomon.gateway.services import Services
from gnomon.gateway.uncounted import used

_encode = msgspec.json.Encoder().encode


class Shortcut:
    """For one question: `data` is a guarded answer, or None; then `remember` what the route's targets say."""

    def __init__(self, ex: Exchange, s: Services, q: Question) -> None:
        self._ex, self._s, self._q = ex, s, q
        self._key: bytes | None = None

    async def find(self) -> bytes | None:
        ex, rules = self._ex, self._q.route.route
        if rules.cache is not None and ex.headers.get(b"x-gnomon-cache", b"").lower() != b"no-store":
            self._key = self._s.answers.key(ex, self._q.choice.targets[0].target.id, self._q.raw)
            found = self._remembered(self._key)
            if found is not None:
                return found
        if rules.cascade is not None and not ex.arm and ex.endpoint != "embeddings":
            return await self._drafted()
        return None

    def remember(self, data: bytes) -> None:
        """Masked, as the model gave it."""
        rule = self._q.route.route.cache
        if self._key is not None and rule is not None and self._ex.outcome == "ok" and data:
            self._s.answers.keep(self._ex, self._key, data, rule, self._s.persons_of(self._ex))

    def remember_stream(self) -> None:
        if not self._q.asked.body.get("logprobs"):  # of a stream nobody kept them
            self.remember(_as_whole(self._ex))

    def _remembered(self, key: bytes) -> bytes | None:
        ex = self._ex
        ex.cache = "miss"
        found = self._s.answers.find(ex, key)
        if found is None:
            return None
        ex.cache, ex.target = "hit", self._q.route.targets[found.target]
        ex.tokens_in, ex.tokens_out, ex.persons = found.tokens_in, found.tokens_out, found.persons
        ex.saved = cost(ex.target.target, ex.tokens_in, ex.tokens_out) / 1e6
        ex.more_headers = (*ex.more_headers, ("x-gnomon-cache", "hit"))
        self._key = None
        return found.data

    async def _drafted(self) -> bytes | None:
        ex, q = self._ex, self._q
        data = await cascade.draft(ex, self._s, q)
        if data is None:
            return None
        assert ex.target is not None
        ex.request = with_model(ex.target, q.kept)
        return await inline_or_thread(len(data), q.route.masker, guard_answer, ex, data, q.route, self._s.guard)


def _as_whole(ex: Exchange) -> bytes:
    """A stream of plain texts as the answer it would have been whole; empty where it cannot be told so, or where it is
    longer than what is kept of one."""
    said = ex.reply
    if ex.endpoint != "chat" or not said or len(said.decode()) >= KEPT_REPLY_CHARS or b'"tool_calls"' in said:
        return b""
    tokens_in, tokens_out = used(ex)
    answer = {
        "id": f"chatcmpl-{ex.id}",
        "object": "chat.completion",
        "created": int(ex.at),
        "model": ex.model,
        "choices": decoded(said)["choices"],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        },
    }
    return _encode(answer)
