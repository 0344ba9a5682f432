"""How traffic is shared among a route's targets."""

from collections.abc import Collection, Sequence

import msgspec

from gnomon.contract.bundle import Target
from gnomon.kit.errors import NotFound


def target_name(label: str, taken: Collection[str]) -> str:
    """The version's label, with a number behind it when another target has that name already."""
    name, number = label, 1
    while name in taken:
        number += 1
        name = f"{label}-{number}"
    return name


def with_target(targets: Sequence[Target], target: Target) -> tuple[Target, ...]:
    """The targets with this one; one of the same id is replaced but keeps its weight."""
    weight = next((old.weight for old in targets if old.id == target.id), target.weight)
    kept = tuple(old for old in targets if old.id != target.id)
    return (*kept, msgspec.structs.replace(target, weight=weight))


def shift(targets: Sequence[Target], *, to: str) -> tuple[Target, ...]:
    """All traffic to the target `to`, none to the others. Raises NotFound when there is no such target."""
    if all(target.id != to for target in targets):
        raise NotFound(f"There is no target {to}.", next_step=f"Known: {', '.join(t.id for t in targets) or 'none'}.")
    return tuple(msgspec.structs.replace(target, weight=1.0 if target.id == to else 0.0) for target in targets)
