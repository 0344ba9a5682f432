"""Log lines without personal data: what the rulebook's default mask policy says for the purpose `log`."""

import re
import secrets
from collections.abc import Callable
from pathlib import Path

_OURS = re.compile(r"[A-Za-z_./ -]*\Z")  # names, paths, kinds of errors: nothing that a detector could find


class LineMask:
    """Masks one value of a log line. Loads what it needs with the first value that could hold something.

    `home`: the installation's folder, where compiled patterns are kept from one start to the next.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._home = home
        self._mask: Callable[[str], str] = self._first

    def __call__(self, text: str) -> str:
        return text if _OURS.match(text) else self._mask(text)

    def _first(self, text: str) -> str:
        from gnomon.gateway.home import guard_keys
        from gnomon.guard import compiled
        from gnomon.guard.packaged import packaged_policy
        from gnomon.guard.policy import Masker

        if self._home is not None and (self._home / "keys" / "guard.key").exists():
            compiled.keep_in(self._home / "run", guard_keys(self._home).mask)
        # A key of this process alone: no line can be linked with what another process, or the gateway, wrote.
        masker = Masker(packaged_policy(), key=secrets.token_bytes(32), purpose="log")
        self._mask = lambda line: masker.mask(line, "output").text
        return self._mask(text)
