"""Rows as tokens: what the model reads and at which positions it must answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gnomon.engine.suites.recipes import Recipe
from gnomon.engine.tuning.spec import BadSpec, LabelledText

Encode = Callable[[str, bool], list[int]]  # (text, with the begin token in front)


@dataclass(frozen=True, slots=True)
class Example:
    """Prompt tokens and the tokens that must follow, the end token last."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    label: int  # place in the recipe's choices

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.prompt + self.answer[:-1]


@dataclass(frozen=True, slots=True)
class Labels:
    """The tokens of every choice, each followed by the end token."""

    tokens: tuple[tuple[int, ...], ...]

    @property
    def first_tokens(self) -> list[int] | None:
        """One token a choice when the first one decides, else None."""
        first = [tokens[0] for tokens in self.tokens]
        return first if len(set(first)) == len(first) else None


def labels_of(recipe: Recipe, encode: Encode, end_token: int) -> Labels:
    """Choices are tokenised by themselves, as the model server does for its trie."""
    return Labels(tuple((*encode(choice, False), end_token) for choice in recipe.choices))


def examples_of(
    rows: Sequence[LabelledText], recipe: Recipe, labels: Labels, *, encode: Encode, max_tokens: int
) -> list[Example]:
    """Every row as tokens. Raises BadSpec for a row longer than `max_tokens`: a cut text would be another text."""
    found = []
    for number, row in enumerate(rows, start=1):
        label = recipe.choices.index(row.label)
        example = Example(tuple(encode(recipe.prompt(row.text), True)), labels.tokens[label], label)
        if len(example.inputs) > max_tokens:
            raise BadSpec(
                f"Row {number} has {len(example.inputs)} tokens, the limit is {max_tokens}.",
                next_step="Leave the row out or raise max_tokens.",
                row=number,
            )
        found.append(example)
    return found
