"""Structured events, past tense, ids rather than prose: one JSON object a line on stderr.

What is foreign in a line (a message of an error, a traceback) passes the mask that `configure` was given. A mask that
fails withholds the value; the line is written all the same.
"""

import contextlib
import functools
import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

Mask = Callable[[str], str]
WITHHELD = "[withheld: the mask failed]"
_OWN = frozenset(("event", "level", "module", "role", "timestamp"))  # written by this program alone


class Unfailing:
    """A stream for log lines: where they cannot be written (the disk is full, nobody reads) the program goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


class Masking:
    """Applies a mask to all that a line says but the program's own words. Never raises."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name, value in event.items():
            if name not in _OWN:
                event[name] = self.masked(value)
        return event

    def masked(self, value: Any) -> Any:
        """`value` with every text in it masked; a number in which something is to be masked becomes its text."""
        if isinstance(value, dict):
            return {self.masked(name): self.masked(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.masked(inner) for inner in value]
        if value is None or isinstance(value, bool):
            return value
        text = str(value)
        try:
            masked = self._mask(text)
        except Exception:  # noqa: BLE001 - whatever it was, the line is written and the value is not
            return WITHHELD
        return value if masked == text and isinstance(value, int | float) else masked


class _MaskedLines(logging.Formatter):
    """What libraries log, by the same mask."""

    def __init__(self, layout: str, masking: Masking) -> None:
        super().__init__(layout)
        self._masking = masking

    def format(self, record: logging.LogRecord) -> str:
        return str(self._masking.masked(super().format(record)))


def configure(level: str = "info", *, role: str = "", mask: Mask = str) -> None:
    """Send every log line of this process to stderr as JSON, with the process's role and without what `mask` takes."""
    masking = Masking(mask)
    numeric = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        functools.partial(_in_role, role),  # not by context, which other threads do not share
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            masking,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Unfailing(sys.stderr))),
    )
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_MaskedLines("%(levelname)s %(name)s %(message)s", masking))
    logging.basicConfig(level=max(numeric, logging.WARNING), handlers=[lines])


def _in_role(role: str, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["role"] = role
    return event


def get(name: str) -> FilteringBoundLogger:
    return cast(FilteringBoundLogger, structlog.get_logger(module=name))
