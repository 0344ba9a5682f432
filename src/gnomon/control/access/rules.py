"""Keys as pure functions: how one is made and what of it is stored."""

import hashlib
import re
import secrets
from dataclasses import dataclass

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
FORM = re.compile(r"gn-([a-z]+)_([0-9a-hjkmnp-tv-z]{8})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class FreshKey:
    """`text` is for the caller alone; `sha256` of it is what is stored."""

    id: str
    text: str
    sha256: str


def make_key(environment: str) -> FreshKey:
    """A key `gn-<environment>_<8-character id>_<32 random bytes>`; the id finds it, the digest proves it."""
    id = "".join(secrets.choice(ALPHABET) for _ in range(8))
    text = f"gn-{environment}_{id}_{secrets.token_urlsafe(32)}"
    return FreshKey(id, text, hashlib.sha256(text.encode()).hexdigest())
