"""What evidence is about, and whether that is still in life: of each living subject the newest evidence counts.

A domain registers in its `checks.py` which of its things are in life. Without a registration a kind counts as one
subject, of which the newest evidence counts alone.
"""

from collections.abc import Callable, Collection, Iterable

from sqlalchemy.orm import Session

from gnomon.control.evidence.tables import Artefact

Living = Callable[[Session, Collection[str]], Collection[str]]
"""Of these ids those whose things are in life: neither retired, closed nor refused."""

LIVING: dict[str, Living] = {}  # by kind of subject; filled at import


def living(kind: str) -> Callable[[Living], Living]:
    """Register which subjects of this kind are in life. Raises ValueError on a second one."""

    def register(ask: Living) -> Living:
        known = LIVING.get(kind)
        if known and (known.__module__, known.__qualname__) != (ask.__module__, ask.__qualname__):
            raise ValueError(f"{kind} is told by {known.__module__} already")
        LIVING[kind] = ask
        return ask

    return register


def counting(session: Session, found: Iterable[Artefact]) -> dict[str, list[Artefact]]:
    """By source the artefacts that count, given the newest of each subject: those of living subjects.

    Where none of a source's subjects is in life any more, the newest of them stands for what was.
    """
    every = list(found)
    alive = {
        kind: set(ask(session, {one.subject_id for one in every if one.subject_kind == kind}))
        for kind, ask in LIVING.items()
        if any(one.subject_kind == kind for one in every)
    }
    by_source: dict[str, list[Artefact]] = {}
    for one in every:
        by_source.setdefault(one.source, []).append(one)
    return {source: _counting(held, alive) for source, held in by_source.items()}


def _counting(held: list[Artefact], alive: dict[str, set[str]]) -> list[Artefact]:
    one_by_one = [one for one in held if one.subject_kind in alive and one.subject_id in alive[one.subject_kind]]
    others: dict[str, Artefact] = {}
    for one in held:
        known = others.get(one.subject_kind)
        if one.subject_kind not in alive and (known is None or known.id < one.id):
            others[one.subject_kind] = one
    newest = max(others.values(), key=lambda one: one.id, default=None)
    counted = one_by_one + ([newest] if newest else [])
    return counted or [max(held, key=lambda one: one.id)]
