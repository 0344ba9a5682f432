"""Look for values in everything that is stored, wherever that lies."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import make_url

from gnomon.engine import byte_search
from gnomon.kit import services


@dataclass(frozen=True, slots=True)
class Look:
    """Where values stand, by their place in the list that was looked for."""

    hits: dict[int, list[str]]
    places: int
    bytes: int
    unread: tuple[str, ...]


def look(values: Sequence[str]) -> Look:
    """Files and databases in a process of its own; the record store, which its owner keeps open, by its owner."""
    found = byte_search.search_apart(services.settings().home, values, databases=_elsewhere())
    hits = {place: list(where) for place, where in found.hits.items()}
    written = {value: place for place, value in enumerate(values)}
    written |= {json.dumps(value, ensure_ascii=False)[1:-1]: place for place, value in enumerate(values)}
    for row in services.get("records").query("containing", values=list(written)):
        hits.setdefault(written[row["value"]], []).append("records")
    return Look(hits, found.places + 1, found.bytes, tuple(found.unread))


def _elsewhere() -> list[str]:
    """The databases of control plane and jobs that are no files in the home folder."""
    settings = services.settings()
    urls = dict.fromkeys((settings.database_url, settings.jobs_database_url))
    home = str(settings.home.resolve())
    return [
        url
        for url in urls
        if make_url(url).get_backend_name() != "sqlite" or not str(make_url(url).database or "").startswith(home)
    ]
