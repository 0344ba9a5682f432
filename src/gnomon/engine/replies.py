"""From a chat completion to a label and a probability for each label."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def chosen_label(reply: str, choices: Sequence[str]) -> str | None:
    """The choice that a constrained reply is, or None."""
    text = reply.strip()
    return text if text in choices else None


def first_label(reply: str, choices: Sequence[str]) -> str | None:
    """The choice that comes first in a free reply, the longest where several begin there; None if there is none.

    Letters must match exactly, and a choice in Latin letters or digits must stand as a word: "no" is not in "know".
    """
    found = [(_position(reply, choice), -len(choice), choice) for choice in choices]
    present = [entry for entry in found if entry[0] >= 0]
    return min(present)[2] if present else None


def label_scores(logprobs: Mapping[str, Any] | None, choices: Sequence[str]) -> dict[str, float] | None:
    """A probability for each choice, adding up to 1, from the `logprobs` of a chat completion; None without them.

    Read where the choices diverge: at each position the listed alternatives split the choices that still fit, by the
    probabilities of the tokens that lead to them; the walk follows the token that was generated. Choices that remain
    together off that path share their part evenly, and one that no listed token leads to gets 0.
    """
    shares = dict.fromkeys(choices, 0.0)
    together, mass, prefix = list(choices), 1.0, ""
    is_split = False
    for position in _positions(logprobs):
        token = str(position["token"])
        groups = _groups(_alternatives(position), together, prefix=prefix, generated=token)
        total = sum(weight for weight, _ in groups)
        if total <= 0:
            break
        followed = _reached(prefix, token, together)
        prefix += token
        if len(groups) > 1 or len(groups[0][1]) < len(together):
            is_split = True
        next_mass = 0.0
        for weight, members in groups:
            if members == followed:
                next_mass += mass * weight / total
            else:
                _spread(shares, members, mass * weight / total)
        together, mass = followed, next_mass
        if len(together) <= 1:
            break
    _spread(shares, together, mass)
    whole = sum(shares.values())
    return {choice: share / whole for choice, share in shares.items()} if is_split and whole > 0 else None


def _position(reply: str, choice: str) -> int:
    start = reply.find(choice)
    while start >= 0 and not _stands_alone(reply, start, start + len(choice)):
        start = reply.find(choice, start + 1)
    return start


def _stands_alone(reply: str, start: int, end: int) -> bool:
    return not (_joins(reply, start - 1, start) or _joins(reply, end - 1, end))


def _joins(reply: str, left: int, right: int) -> bool:
    """Whether a Latin word or a number runs across the edge between these two characters."""
    if left < 0 or right >= len(reply):
        return False
    return all(reply[place].isascii() and reply[place].isalnum() for place in (left, right))


def _positions(logprobs: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    content = (logprobs or {}).get("content")
    return [entry for entry in content if isinstance(entry, Mapping) and "token" in entry] if content else []


def _alternatives(position: Mapping[str, Any]) -> dict[str, float]:
    """Probability by token; the generated one too, which servers leave out of a short list."""
    listed = [*(position.get("top_logprobs") or ()), position]
    return {str(entry["token"]): _probability(entry) for entry in listed if entry.get("logprob") is not None}


def _probability(entry: Mapping[str, Any]) -> float:
    value = float(entry["logprob"])
    return math.exp(min(value, 0.0)) if not math.isnan(value) else 0.0


def _groups(
    alternatives: Mapping[str, float], together: Sequence[str], *, prefix: str, generated: str
) -> list[tuple[float, list[str]]]:
    """Probability of each set of choices that some listed token leads to."""
    weights: dict[tuple[str, ...], float] = {}
    for token, probability in alternatives.items():
        # Blank tokens that were not taken say nothing about the label that would have followed them.
        members = tuple(_reached(prefix, token, together)) if token.strip() or token == generated else ()
        if members:
            weights[members] = weights.get(members, 0.0) + probability
    return [(weight, list(members)) for members, weight in weights.items()]


def _reached(prefix: str, token: str, together: Sequence[str]) -> list[str]:
    """The choices that can still be meant once `token` follows `prefix`. Space around a label is not part of it."""
    written = (prefix + token).strip()
    open_to = [choice for choice in together if choice.startswith(written)]
    # A token that leads nowhere (end of text, a full stop) ends the label that is already complete.
    return open_to or [choice for choice in together if choice == prefix.strip()]


def _spread(shares: dict[str, float], members: Sequence[str], mass: float) -> None:
    for choice in members:
        shares[choice] += mass / len(members)
