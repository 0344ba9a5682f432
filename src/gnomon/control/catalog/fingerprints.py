"""Fingerprints of texts under this installation's own key, and those of every sealed suite."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from gnomon.control.catalog import rules
from gnomon.kit import keys, services

Provider = Callable[[Session], dict[str, list[str]]]


def key() -> bytes:
    """Made once, in the home folder. With another one, old fingerprints say nothing: `rules.count_leaks` tells."""
    return keys.secret_key(services.settings().home / "keys" / "fingerprints.key")


def fingerprint(text: str) -> str:
    return rules.fingerprint(text, key())


def held_out(session: Session) -> dict[str, list[str]]:
    """Id of each sealed suite -> fingerprints of its items.

    Suites are kept above the catalogue, so wiring says where: the service `held_out`. Raises Unavailable without it,
    since a comparison with nothing must never look like one that found nothing.
    """
    provider: Provider = services.get("held_out")
    return provider(session)
