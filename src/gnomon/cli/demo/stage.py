"""Tells what happens: each step announced, each part of it with its time, long work with its progress."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import click

from gnomon.kit.errors import Unavailable

T = TypeVar("T")
PATIENCE_S = 90.0  # any one process may be killed: the supervisor brings it back well within this


@dataclass(slots=True)
class Timing:
    step: str
    seconds: float = 0.0
    evidence: int = 0


@dataclass(slots=True)
class Stage:
    """Prints to stdout; on a terminal the progress line is overwritten, in a log it is written every few seconds."""

    total: int
    timings: list[Timing] = field(default_factory=list)
    _told: float = 0.0

    def step(self, number: int, zh: str, en: str) -> None:
        self.timings.append(Timing(f"{number} {zh} {en}"))
        click.secho(f"\n▶ {number}/{self.total}  {zh}  {en}", bold=True)

    def do(self, what: str, act: Callable[[], T]) -> T:
        """Run one part. When the platform is away for a moment it is run again, so `act` finds what it did before."""
        started = time.monotonic()
        while True:
            try:
                result = act()
                break
            except Unavailable as error:
                if time.monotonic() - started > PATIENCE_S:
                    raise
                self._line(f"  … {what}: {error.message}")
                time.sleep(0.5)
        seconds = time.monotonic() - started
        self.timings[-1].seconds += seconds
        self._clear()
        click.echo(f"  ✓ {what}  {seconds:.1f} s")
        return result

    def progress(self, what: str, done: int, total: int, *, note: str = "") -> None:
        share = done / total if total else 0.0
        self._line(f"  … {what}  {done}/{total}  {'█' * int(share * 24):<24} {note}")

    def tell(self, text: str) -> None:
        self._clear()
        click.echo(f"    {text}")

    def _line(self, text: str) -> None:
        if sys.stdout.isatty():
            click.echo(f"\r\x1b[K{text}", nl=False)
        elif time.monotonic() - self._told > 10:
            click.echo(text)
            self._told = time.monotonic()

    def _clear(self) -> None:
        if sys.stdout.isatty():
            click.echo("\r\x1b[K", nl=False)
