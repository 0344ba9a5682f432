import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.app.modelserver.choices import trie
from gnomon.app.modelserver.sampling import Sampling, log_softmax, pick

END = 99
sequences = st.lists(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), min_size=1, max_size=6, unique=True
)


@settings(max_examples=60, deadline=None)
@given(sequences, st.randoms(use_true_random=False))
def test_every_allowed_walk_ends_at_a_choice_within_the_depth(choices, random) -> None:  # type: ignore[no-untyped-def]
    node, walked, passes = trie(choices), [], 0
    depth = node.depth()
    while (rest := node.forced()) is None:
        token = random.choice(node.allowed(END))
        passes += 1
        if token == END:
            rest = ()
            break
        walked.append(token)
        node = node.children[token]
    assert (*walked, *rest) in choices
    assert passes <= depth


def test_two_labels_that_differ_in_the_first_token_are_decided_in_one_pass() -> None:
    assert trie([(5,), (6, 7)]).depth() == 1
    assert trie([(5, 6, 7)]).depth() == 0


def test_a_choice_that_begins_another_may_end_or_go_on() -> None:
    root = trie([(5,), (5, 6)])
    assert root.forced() is None
    assert root.children[5].allowed(END) == [6, END]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=8), st.sampled_from([0.0, 0.5, 1.0]), st.integers(1, 9)
)
def test_log_probabilities_add_up_over_the_allowed_tokens(logits, temperature, top) -> None:  # type: ignore[no-untyped-def]
    allowed = [10 * place for place in range(len(logits))]
    scores = np.array(logits, dtype=np.float32)
    found = pick(scores, allowed, Sampling(temperature, 1.0, top), np.random.default_rng(1))
    assert found.token in allowed
    assert len(found.top) == min(top, len(logits))
    assert [score for _, score in found.top] == sorted((score for _, score in found.top), reverse=True)
    if top >= len(logits):
        assert abs(sum(np.exp(score) for _, score in found.top) - 1) < 1e-4
    if temperature == 0.0:
        assert found.logprob == found.top[0][1]


def test_top_p_leaves_out_the_unlikely() -> None:
    scores = np.log(np.array([0.6, 0.3, 0.1], dtype=np.float32))
    draws = {pick(scores, None, Sampling(1.0, 0.8), np.random.default_rng(seed)).token for seed in range(60)}
    assert draws == {0, 1}
    assert abs(float(log_softmax(scores)[0]) - float(np.log(0.6))) < 1e-5
