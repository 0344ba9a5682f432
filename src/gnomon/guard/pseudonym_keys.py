"""The keys under which placeholders and sealed tokens are made: `keys/pseudonyms/<n>.key`, the highest number in use.

Until there is one, the key that a gateway derives from its `guard.key` is in use. Nothing needs an older key to restore
pseudonyms: a request has its map, and what may be restored later rides in its record, sealed to another key. What
`encrypt` sealed opens under the key that sealed it alone, so older files stay until somebody removes them.
"""

import hashlib
from pathlib import Path
from typing import Final

from gnomon.kit.keys import next_numbered, numbered, secret_key

FIRST: Final = "guard.key"
"""What stands for the name of the derived key, which not every host can derive."""


def pseudonym_key(home: Path, *, first: bytes) -> bytes:
    """The key in use; `first` is the derived one. Raises BadInput when the file has another length."""
    files = numbered(_folder(home))
    return secret_key(files[-1]) if files else first


def key_names(home: Path) -> tuple[str, ...]:
    """Oldest first; the last one is in use."""
    return (FIRST, *(_name(path) for path in numbered(_folder(home))))


def add_key(home: Path) -> str:
    """A new key is in use from the next start of whoever masks by it. Its name."""
    return _name(next_numbered(_folder(home)))


def _name(path: Path) -> str:
    """Eight hex digits that tell keys apart and say nothing of them."""
    return hashlib.blake2b(b"gnomon pseudonym key", key=secret_key(path), digest_size=4).hexdigest()


def _folder(home: Path) -> Path:
    return home / "keys" / "pseudonyms"
