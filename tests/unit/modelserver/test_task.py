"""What streams is what a whole answer would be."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.app.modelserver.sampling import Sampling
from gnomon.app.modelserver.task import Piece, Task

END = 0


def answer(tokens: list[int], pieces_of: dict[int, bytes], stop: tuple[str, ...], max_tokens: int = 100) -> list[Piece]:
    """The pieces that a task sends when the model says exactly `tokens`, each standing for some bytes."""
    sent: list[Piece] = []
    task = Task(
        prompt=[1],
        adapter=None,
        max_tokens=max_tokens,
        sampling=Sampling(0.0),
        send=lambda piece: sent.append(piece) if isinstance(piece, Piece) else None,
        decode=lambda found: b"".join(pieces_of[token] for token in found).decode(errors="replace"),
        end_tokens=frozenset({END}),
        stop=stop,
    )
    for token in [*tokens, END]:
        if task.is_over:
            break
        scores = np.zeros(300, dtype=np.float32)
        scores[token] = 9.0
        task.take(scores)
    return sent


@settings(max_examples=100, deadline=None)
@given(st.text("ab好评。", max_size=12), st.lists(st.text("ab好", min_size=1, max_size=3), max_size=2))
def test_a_stop_string_never_leaks_and_characters_are_never_cut(text: str, stops: list[str]) -> None:
    raw = text.encode()
    single_bytes = {byte + 1: bytes([byte]) for byte in range(256)}
    pieces = answer([byte + 1 for byte in raw], single_bytes, tuple(stops))
    # The answer ends with the first stop string that is whole; a longer one that began earlier is not waited for.
    said = next((text[:n] for n in range(len(text) + 1) if any(stop in text[:n] for stop in stops)), text)
    cut = min((at for at in (said.find(stop) for stop in stops) if at >= 0), default=len(text))
    assert "".join(piece.text for piece in pieces) == text[:cut]
    assert [piece.finish for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].finish == "stop"


def test_the_limit_ends_an_answer_and_says_so() -> None:
    pieces = answer([5, 5, 5], {5: "好".encode()}, (), max_tokens=2)
    assert ("".join(piece.text for piece in pieces), pieces[-1].finish) == ("好好", "length")


def test_text_that_may_begin_a_stop_string_is_held_until_it_cannot() -> None:
    letters = {ord(letter): letter.encode() for letter in "xab"}
    pieces = answer([ord("x"), ord("a"), ord("x")], letters, ("ab",))
    assert [piece.text for piece in pieces] == ["x", "ax", ""]
