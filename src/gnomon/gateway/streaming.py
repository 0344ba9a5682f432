"""Server-sent events on their way back: masked per choice and field, identical to masking the whole text at once.

Text is held back only while it could be the beginning of something to mask (the guard decides), and is flushed before
a finish reason, a change of field, `[DONE]`, or the end. Bytes may arrive cut anywhere.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from gnomon.gateway import asides, deltas, events, spelling
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.guarding import TreeGuard
from gnomon.gateway.meters import token_count
from gnomon.gateway.moulds import CALM, KNOWN, RUNNING, Mould, mould
from gnomon.gateway.running import Field, merge

_MAX_EVENT_BYTES: Final = 1_048_576
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_MOST_MOULDS: Final = 8  # made in vain: a server whose events never repeat is not worth more trying
_MOST_FIELDS: Final = 4096
_FEW: Final = 3  # events in which one that is like the rest is met: before it there is one with the role alone


class Garbage(Exception):
    """The model server's stream is no stream of OpenAI events."""


class EventStream:
    """Feed it the upstream's bytes, send on what it returns. Raises Garbage, or Refusal("blocked")."""

    def __init__(
        self,
        ex: Exchange,
        *,
        field: Callable[[str], Field],
        tree: Callable[[], TreeGuard],
        hits: Callable[[bytes], bool],
        wants_usage: bool,
    ) -> None:
        self.done = False
        self._ex = ex
        self._new_field = field
        self._tree = tree
        self._hits = hits
        self._wants_usage = wants_usage
        self._pending = b""
        self._fields: dict[tuple[int, str], Field] = {}
        self._insides: dict[tuple[int, str], deltas.Place] = {}
        self._spelled: dict[tuple[int, str], Field] = {}
        self._asides = asides.Asides(field)
        self._finish: dict[int, Any] = {}
        self._calm: dict[str, Any] = {}  # the envelope that was last found to hold nothing
        self._hit = False  # whether there may be something in what was guarded last
        self._last: dict[str, Any] = {}
        self._moulds: dict[tuple[int, str], Mould] = {}
        self._made = 0
        self._again: tuple[Mould, Field] | None = None  # what the last event fitted, and the next may

    def feed(self, data: bytes, is_odd: bool = False) -> bytes:  # odd: C has looked, and it does not begin ordinarily
        if self._pending:
            data = self._pending + data
        out = b""
        if self._again is None and data.count(b"\n\n") > _FEW:  # a whole answer in one read: the first events tell
            *first, data = data.split(b"\n\n", _FEW)
            out = self._blocks(b"\n\n".join(first) + b"\n\n")
        if self._again is None or self.done or is_odd:
            return out + self._blocks(data)
        known, field = self._again
        used, more = field.splice(data, known) or (0, b"")
        if used:
            self.passed(known)
        return b"".join((out, more, self._blocks(data[used:])))

    def lend(self) -> tuple[Field, Mould] | None:
        """The text that runs now and the events it comes in, for who lets them pass; None where nothing is ordinary."""
        return None if self._again is None or self._pending or self.done else (self._again[1], self._again[0])

    def passed(self, known: Mould) -> None:
        """Events like this one went on by themselves."""
        self._made, self._last = 0, known.envelope

    def _blocks(self, data: bytes) -> bytes:
        blocks, self._pending = events.split(data)
        if len(self._pending) > _MAX_EVENT_BYTES:
            raise Garbage("an event is too large")
        return b"".join([self._block(b) for b in blocks if b])

    def end(self) -> bytes:
        """What is still due when the upstream ended; a stream that ended without [DONE] ends so for the caller too."""
        out = self._block(self._pending.rstrip(b"\r\n")) if self._pending.strip() else b""
        self._pending = b""
        if self.done:
            return out
        return out + self._rests()

    def counts(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for counts in (*(field.masker.counts for field in self._fields.values()), *self._asides.counts()):
            merge(total, counts)
        return total

    def reply(self) -> bytes:
        """The masked reply as the non-streamed answer would have told it."""
        choices = []
        for index in self._indices():
            texts = {name: "".join(f.kept) for (i, name), f in self._fields.items() if i == index}
            message = deltas.message(texts, {name: it for (i, name), it in self._insides.items() if i == index})
            choices.append({"index": index, "message": message, "finish_reason": self._finish.get(index)})
        return _encode({"choices": choices}) if choices else b""

    # -- one event ----------------------------------------------------------------------------------------------

    def _block(self, block: bytes) -> bytes:
        payload = events.payload(block)
        if not payload:
            return b":\n\n"  # the text of a comment is nobody's business
        if self.done:
            return b""
        if payload == b"[DONE]":
            self.done = True
            return self._rests() + b"data: [DONE]\n\n"
        return self._event(payload)

    def _event(self, payload: bytes) -> bytes:
        for place, known in self._moulds.items():
            text = known.text(payload)
            if text:
                self._made, self._last = 0, known.envelope
                field = self._fields[place]
                self._again = known, field
                released = field.feed(text)
                return known.event(released) if released or known.tells else b""
        try:
            return self._whole_event(payload)
        except RecursionError as error:
            raise Garbage("an event is nested too deeply") from error

    def _whole_event(self, payload: bytes) -> bytes:
        try:
            event = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Garbage(f"an event is not JSON: {error}") from error
        if not isinstance(event, dict):
            raise Garbage("an event is not an object")
        usage = event.get("usage")
        if isinstance(usage, dict):
            self._usage(usage)
        if usage is None or not self._wants_usage:
            event.pop("usage", None)
        choices = event.pop("choices", None)
        envelope = self._envelope(event)
        said = self._asides.said
        if not isinstance(choices, list):
            return b"data: %b\n\n" % _encode(envelope)
        if not choices:
            if usage is not None and not self._wants_usage and not said:
                return b""
            return b"data: %b\n\n" % _encode({**envelope, "choices": []})
        if usage is None and envelope is self._calm and len(choices) == 1:
            self._learn(payload, envelope, choices[0])
        before = b""
        out = []
        for choice in choices:
            flushed, kept = self._choice(choice)
            if flushed is not None:
                before += b"data: %b\n\n" % _encode({**self._last, "choices": [flushed]})
            if kept is not None:
                out.append(kept)
        if not out and not said and not (usage is not None and self._wants_usage):
            return before
        return before + b"data: %b\n\n" % _encode({**envelope, "choices": out})

    def _learn(self, payload: bytes, envelope: dict[str, Any], choice: Any) -> None:
        """Events like this one, but for their text, need not be taken apart again."""
        if self._made >= _MOST_MOULDS or not (isinstance(choice, dict) and asides.is_bare(choice, asides.OF_CHOICE)):
            return
        made = mould(payload, envelope, choice)
        if made is None or (not made.is_plain and self._hits(made.around)):
            return
        self._made += 1
        self._moulds[made.place] = made
        self._again = made, self._field(*made.place)

    def _usage(self, usage: dict[str, Any]) -> None:
        self._ex.tokens_in = token_count(usage.get("prompt_tokens"))
        self._ex.tokens_out = token_count(usage.get("completion_tokens"))

    def _envelope(self, event: dict[str, Any]) -> dict[str, Any]:
        """All but the choices, guarded; the same again costs a comparison."""
        if event == self._calm:
            self._asides.said = False
            self._last = self._calm
            return self._calm
        if not asides.is_bare(event, asides.OF_EVENT):
            self._forget()
        guarded = self._beside(asides.EVENT, event, asides.OF_EVENT)
        self._last = {name: value for name, value in guarded.items() if name in asides.OF_EVENT}
        if self._asides.is_steady and not self._hit:
            self._calm = guarded
        return guarded

    def _forget(self) -> None:
        """Events that held the last string of a place are no longer known: what comes there now is another."""
        self._calm = {}
        known = {place: one for place, one in self._moulds.items() if asides.is_bare(one.envelope, asides.OF_EVENT)}
        if len(known) < len(self._moulds):
            self._moulds, self._again = known, None

    def _beside(self, index: int, members: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
        """What stands beside texts, guarded."""
        try:
            return self._asides.guarded(index, members, known, self._guarded)
        except (LookupError, TypeError) as error:
            raise Garbage(f"a string beside the text has no place: {error}") from error

    def _guarded(self, value: dict[str, Any]) -> dict[str, Any]:
        self._hit = self._hits(_encode(value))
        return self._walk(value) if self._hit else value

    def _walk(self, value: dict[str, Any]) -> dict[str, Any]:
        tree = self._tree()
        guarded: dict[str, Any] = tree.value(value)
        merge(self._ex.entities_out, tree.counts)
        return guarded

    def _choice(self, choice: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """(an event to send first, this choice as it goes on; None when all of it is held back)."""
        if not isinstance(choice, dict):
            raise Garbage("a choice is not an object")
        index = choice.get("index", 0)
        if type(index) is not int or not 0 <= index < 1024:
            raise Garbage("a choice has no index")
        finish = choice.get("finish_reason")
        delta = choice.get("delta")
        text = choice.get("text")
        if not (delta is None or isinstance(delta, dict)) or not (text is None or isinstance(text, str)):
            raise Garbage("a choice says what is no delta and no text")
        first: dict[str, Any] | None = None
        changed = False
        told = finish is not None and finish != ""
        if delta is not None:
            if delta.get("tool_calls") or delta.get("function_call"):
                first = self._flushed(index, keep=deltas.CALLS)
            choice["delta"], changed, says = self._delta(index, delta)
            told = told or says
        if text is not None:
            choice["text"] = released = self._feed(index, "text", text)
            changed = changed or released != text
            told = told or bool(released) or not text
        choice, said = self._rest(index, choice, changed)
        if told and finish is not None:
            self._finish[index] = finish
            held = self._held(index) if isinstance(finish, str) and finish in deltas.ENDS else {}
            if held:
                ended = {name: deltas.joined(choice.get(name), text) for name, text in held.items()}
                choice = spelling.without({**choice, **ended})
        return first, choice if told or said or not changed else None

    def _delta(self, index: int, delta: dict[str, Any]) -> tuple[dict[str, Any], bool, bool]:
        """(the guarded delta, whether any text changed, whether it tells the caller anything)."""
        out: dict[str, Any] = {}
        changed = told = False
        for name, value in delta.items():
            if name == "role" and value in ("assistant", "tool", "user", "system"):
                out[name] = value
                told = True
            elif isinstance(value, str):
                if name not in RUNNING and (
                    name.startswith(deltas.OURS) or (self._hits(_encode(name)) and name not in self._walk({name: ""}))
                ):
                    raise Garbage("a field has a name that nobody may read")
                out[name] = released = self._feed(index, name, value)
                changed = changed or released != value
                told = told or bool(released) or not value
            elif name == "tool_calls" and isinstance(value, list):
                out[name] = [self._tool_call(index, call) for call in value]
                told = True
            elif value is None and (name in KNOWN or not self._hits(_encode(name))):
                out[name] = None
            else:
                guarded, fits = self._structure(index, {name: value})
                out.update(guarded)
                changed, told = changed or not fits, True
        return out, changed, told

    def _structure(self, index: int, member: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """(a member of a delta that is no text, guarded; whether the texts that run in it are as they were)."""
        texts = list(deltas.inside(member, "in ", ()))
        guarded, same = self._walk(member), True
        try:
            labels = [one for one in texts if one.is_label]
            for one in sorted(labels, key=deltas.is_added_up):
                deltas.put(guarded, one.path, self._asides.label(index, one, guarded))
            shape = deltas.shape(guarded)
            for one in texts:
                if not one.is_label:
                    released = self._feed(index, one.name, one.text)
                    same = same and released == one.text
                    deltas.put(guarded, one.path, released)
                    self._insides[index, one.name] = deltas.Place(shape, one.path)
        except (LookupError, TypeError) as error:
            raise Garbage("a field has a name that nobody may read") from error
        return guarded, same

    def _tool_call(self, index: int, call: Any) -> Any:
        if not isinstance(call, dict):
            raise Garbage("a tool call is not an object")
        function = call.get("function")
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(function, dict) and isinstance(arguments, str):
            call = {**call, "function": {k: v for k, v in function.items() if k != "arguments"}}
        rest = self._structure(index, {"tool_calls": [call]})[0]["tool_calls"][0]
        if isinstance(arguments, str):
            number = deltas.number(call.get("index"))
            rest["function"]["arguments"] = self._feed(index, f"tool {number}", arguments)
        return rest

    def _feed(self, index: int, name: str, text: str) -> str:
        if text and self._ex.first_token_ms is None:
            self._ex.first_token_ms = self._ex.elapsed_ms()
        return self._field(index, name).feed(text)

    def _field(self, index: int, name: str) -> Field:
        field = self._fields.get((index, name))
        if field is None:
            if len(self._fields) >= _MOST_FIELDS:
                raise Garbage("too many choices and fields")
            field = self._fields[(index, name)] = self._new_field(name)
        return field

    def _rest(self, index: int, choice: dict[str, Any], changed: bool) -> tuple[dict[str, Any], bool]:
        """(the choice with all but its running text guarded, whether that tells something); log-probabilities only of
        unchanged text."""
        if tuple(choice) in CALM and choice.get("logprobs") is None:
            finish = choice["finish_reason"]
            if finish is None or finish in ("stop", "length", "tool_calls", "content_filter", "function_call"):
                return choice, False
        logprobs = choice.get("logprobs")
        spelled = logprobs is not None and spelling.spells(
            logprobs, lambda name, text: self._changes(index, name, text)
        )
        if changed or spelled:
            choice = spelling.without(choice)
        running: dict[str, Any] = {k: choice[k] for k in ("delta", "text") if k in choice}
        rest = {k: v for k, v in choice.items() if k not in running}
        rest = self._beside(index, rest, asides.OF_CHOICE)
        return {**rest, **running}, self._asides.said

    def _changes(self, index: int, name: str, text: str) -> bool:
        """Whether the text that log-probabilities spell goes on as it is; it is told nobody."""
        field = self._spelled.get((index, name))
        if field is None:
            if len(self._spelled) >= _MOST_FIELDS:
                raise Garbage("too many columns of log-probabilities")
            field = self._spelled[(index, name)] = self._new_field("")
        return field.feed(text) != text

    def _indices(self) -> list[int]:
        return sorted({index for index, _ in self._fields} | self._asides.indices())

    def _rests(self) -> bytes:
        """All that is still due at the end."""
        out = []
        for index in self._indices():
            said = deltas.joined(self._held(index), self._asides.rest(index))
            if said:
                out.append({**self._last, "choices": [self._ending(index, said)]})
        if said := self._asides.rest(asides.EVENT):
            out.append({**self._last, **said, "choices": []})
        return b"".join([b"data: %b\n\n" % _encode(event) for event in out])

    def _ending(self, index: int, said: dict[str, Any]) -> dict[str, Any]:
        """A choice that says this; clients look for a delta or a text in any."""
        nothing: dict[str, Any] = {"text": ""} if self._ex.endpoint == "completions" else {"delta": {}}
        return {"index": index, **nothing, **said, "finish_reason": None}

    def _flushed(self, index: int, *, keep: tuple[str, ...] = ()) -> dict[str, Any] | None:
        """What the fields of this choice still held, as a choice of its own. Those stay open that begin like `keep`, or
        then hold what may be the beginning of a number."""
        held = self._held(index, keep)
        return self._ending(index, held) if held else None

    def _held(self, index: int, keep: tuple[str, ...] = ()) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for (i, name), field in self._fields.items():
            if i == index and not (keep and (name.startswith(keep) or field.may_go_on)):
                held = field.flush()
                said = deltas.joined(said, deltas.told(name, held, self._insides.get((i, name)))) if held else said
        return said
