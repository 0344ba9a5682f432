"""The same masking for text that arrives in pieces: identical to masking the whole, held back as little as possible."""

from gnomon.contract.verdicts import Span
from gnomon.guard.finding import Lent
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import Masker, Run, Way


class StreamMasker:
    """Masks one stream (one choice of one reply). Not thread-safe; make one per stream.

    What `feed` and then `flush` return, put together, is `masker.mask(whole, direction, vault).text` wherever the
    stream was split. After a block both return nothing.
    """

    def __init__(self, masker: Masker, direction: Way, vault: Vault | None = None, *, field: str = "") -> None:
        self._window = masker.finder.window(None if vault is None else vault.seen)
        self._run = Run(masker, direction, vault, field=field)
        self.blocked = ""
        """The entity that forbids the stream to go on, or nothing."""

    def feed(self, text: str) -> str:
        """What may go out now."""
        run, window = self._run, self._window
        if self.blocked:
            return ""
        out, spans = window.feed(text)
        if spans:
            out = run.apply(out, spans)
            self.blocked = run.blocked
        else:
            run.at += len(out)
        # A secret may be long: its placeholder need not wait for its end.
        return out + run.begin(window.opening) if window.opening else out

    def lend(self) -> Lent | None:
        """For pieces in which nothing is to be found, until `take_back`; None where only `feed` knows what to do."""
        return self._window.lend()

    def take_back(self, passed: int, context: str, pending: str) -> None:
        """So many characters went on as they were; this is the window behind them."""
        self._run.at += passed
        self._window.take_back(context, pending)

    def flush(self) -> str:
        """The rest, at the end of the stream; nothing the second time."""
        if self.blocked:
            return ""
        out = self._run.apply(*self._window.rest())
        self.blocked = self._run.blocked
        return out

    @property
    def held(self) -> int:
        """How many characters are held back now."""
        return self._window.held

    @property
    def pending(self) -> str:
        """The text that is held back now."""
        return self._window._pending

    @property
    def counts(self) -> dict[str, int]:
        """How many of each entity were acted upon so far."""
        return self._run.counts

    @property
    def spans(self) -> tuple[Span, ...]:
        """What was acted upon so far, at its places in the whole input."""
        return tuple(self._run.spans)

    @property
    def replacements(self) -> tuple[str, ...]:
        """What stands for each of the spans now."""
        return tuple(self._run.replacements)
