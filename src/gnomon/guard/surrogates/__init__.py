"""What looks like a value of an entity and is none: stable under a key, never equal to the value."""

from collections.abc import Mapping
from typing import Final

from gnomon.guard.surrogates.bodies import address, organisation, well_known
from gnomon.guard.surrogates.codes import CODES, Maker, read
from gnomon.guard.surrogates.dice import Dice
from gnomon.guard.surrogates.others import nationality, web_address
from gnomon.guard.surrogates.people import person


def _who(value: str, dice: Dice) -> str:
    """Another name; a finder of names takes some bodies that everybody knows for persons."""
    return well_known(value, dice) or person(value, dice)


MAKERS: Final[Mapping[str, Maker]] = {
    **CODES,
    "PERSON": _who,
    "ORGANIZATION": organisation,
    "ADDRESS": address,
    "LOCATION": address,
    "NATIONALITY": nationality,
    "WEB_ADDRESS": web_address,
}
"""Entity → how its surrogate is made. To add one: a function and a line."""


def surrogate(value: str, entity: str, *, key: bytes, attempt: int = 0) -> str:
    """What may stand for the value; empty where nothing was found this time. Raises KeyError for other entities."""
    plain = read(value) if entity in CODES else value
    made = MAKERS[entity](plain, Dice(key, entity=entity, value=plain, attempt=attempt))
    return "" if plain == made or value == made else made


__all__ = ["MAKERS", "surrogate"]
