"""What is guarded where it stands in JSON, and what a walk through the whole makes of it."""

import msgspec

from gnomon.gateway.guarding import TreeGuard
from gnomon.guard.finding import Finder
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, Masker


def compare_places(data: bytes, fast: Finder, slow: Finder) -> None:
    """Raises SystemExit where the two differ."""
    masker = Masker(DEFAULT_POLICY, key=bytes(32), finder=fast)
    places = masker.places(data)
    if places is None:
        return
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return  # every string of it was looked at; what it is as a whole, the decoder says
    tree = TreeGuard(masker, "input", Vault())
    guarded = tree.places(data, places)
    masker.finder = slow
    walked = TreeGuard(masker, "input", Vault()).value(value)
    if guarded is not None and msgspec.json.decode(guarded) != walked:
        raise SystemExit(f"places: {data!r}: {guarded!r} in C, {walked!r} in Python")
