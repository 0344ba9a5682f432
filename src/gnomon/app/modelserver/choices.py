"""Choices as a trie of tokens: which tokens may follow, and when nothing is left to decide."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Choices:
    """One node: the tokens that may come next and whether a choice may end here."""

    children: dict[int, "Choices"] = field(default_factory=dict)
    may_end: bool = False

    def allowed(self, end_token: int) -> list[int]:
        """Tokens that may come next, ascending; `end_token` among them where a choice may end and another goes on."""
        tokens = sorted(self.children)
        return [*tokens, end_token] if self.may_end else tokens

    def forced(self) -> tuple[int, ...] | None:
        """The only way to the end from here, which costs no forward pass; None while there is something to choose."""
        path: list[int] = []
        node = self
        while node.children:
            if node.may_end or len(node.children) > 1:
                return None
            token, node = next(iter(node.children.items()))
            path.append(token)
        return tuple(path)

    def depth(self) -> int:
        """Most forward passes that choosing can take: nodes on the longest path up to its last branch."""
        if self.forced() is not None:
            return 0
        return 1 + max(child.depth() for child in self.children.values())


def trie(choices: Iterable[Sequence[int]]) -> Choices:
    """The trie of the given token sequences; none may be empty."""
    root = Choices()
    for tokens in choices:
        node = root
        for token in tokens:
            node = node.children.setdefault(token, Choices())
        node.may_end = True
    return root
