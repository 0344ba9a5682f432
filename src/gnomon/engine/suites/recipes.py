"""How an item becomes a prompt and an answer: shared by trainer, evaluation and demo, so that all ask the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gnomon.kit.errors import BadInput

_HOLE = "{text}"


class BadRecipe(BadInput):
    code = "bad_recipe"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A classification asked as text completion: the prompt ends where one of the `choices` must follow.

    Every field survives JSON. Raises BadRecipe for a template without exactly one `{text}` or for fewer than two or
    repeated choices.
    """

    id: str
    prompt_template: str
    choices: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.prompt_template.count(_HOLE) != 1:
            raise BadRecipe(
                f"The prompt template of recipe {self.id!r} must contain {_HOLE} exactly once.",
                next_step=f"Write the place of the item's text as {_HOLE}.",
                template=self.prompt_template,
            )
        if len(self.choices) < 2 or len(set(self.choices)) != len(self.choices) or not all(self.choices):
            raise BadRecipe(
                f"Recipe {self.id!r} needs at least two different, non-empty choices, it has {list(self.choices)}.",
                next_step="List every label once.",
                choices=list(self.choices),
            )

    def prompt(self, text: str) -> str:
        """The prompt for one item. Braces in `text` are ordinary characters."""
        head, tail = self.prompt_template.split(_HOLE)
        return head + text + tail

    def as_dict(self) -> dict[str, Any]:
        """The recipe as JSON-able data; `recipe_from` is its inverse."""
        return {**asdict(self), "choices": list(self.choices)}


def recipe_from(data: Mapping[str, Any]) -> Recipe:
    """The recipe that `as_dict` described. Raises BadRecipe when a field is missing."""
    try:
        return Recipe(str(data["id"]), str(data["prompt_template"]), tuple(str(choice) for choice in data["choices"]))
    except KeyError as missing:
        raise BadRecipe(
            f"The recipe has no field {missing}.", next_step="Give id, prompt_template and choices."
        ) from missing


# Of 25 short prompts (docs/benchmarks/model.md) the one on which the untrained base is most often right: an
# improvement measured from here is not owed to a prompt that was bad before.
REVIEWS = Recipe("reviews-zh/1", "评论：{text}\n情感：", ("正面", "负面"))

RECIPES: Mapping[str, Recipe] = {REVIEWS.id: REVIEWS}
