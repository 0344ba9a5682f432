"""Puts placeholders back for a caller with the right to it, in a text that arrives in pieces."""

from collections.abc import Callable


class Restorer:
    """Holds text back from the last opening bracket on while it may still become a placeholder.

    `opening` and `closing` are sets of single characters, `longest` is a placeholder's greatest length in characters.
    """

    __slots__ = ("_closing", "_held", "_longest", "_opening", "_restore")

    def __init__(self, restore: Callable[[str], str], *, opening: str, closing: str, longest: int) -> None:
        self._restore = restore
        self._opening = opening
        self._closing = closing
        self._longest = longest
        self._held = ""

    def feed(self, text: str) -> str:
        text = self._held + text
        start = max(text.rfind(bracket) for bracket in self._opening)
        while start > 0 and text[start - 1] in self._opening:
            start -= 1  # a doubled bracket belongs to one placeholder
        tail = text[start:]
        is_open = start >= 0 and len(tail) < self._longest and not any(bracket in tail for bracket in self._closing)
        cut = start if is_open else len(text)
        self._held = text[cut:]
        return self._restore(text[:cut])

    def flush(self) -> str:
        text, self._held = self._held, ""
        return self._restore(text)
