from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.app.modelserver.choices import trie
from gnomon.app.modelserver.sampling import Sampling
from gnomon.app.modelserver.task import Task
from gnomon.app.modelserver.waiting import next_batch


def task(length: int, *, adapter: str | None = None, choice: bool = True) -> Task:
    return Task(
        prompt=[1] * length,
        adapter=adapter,
        max_tokens=5,
        sampling=Sampling(0.0),
        send=lambda _: None,
        decode=lambda _: "",
        end_tokens=frozenset({0}),
        choices=trie([(5,), (6,)]) if choice else None,
    )


lines = st.lists(
    st.builds(task, st.integers(1, 60), adapter=st.sampled_from([None, "a"]), choice=st.booleans()),
    min_size=1,
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(lines, st.integers(1, 16))
def test_the_first_in_line_goes_with_its_like_within_the_limit(waiting: list[Task], max_batch: int) -> None:
    batch = next_batch(waiting, max_batch)
    assert batch[0] is waiting[0]
    assert len({id(member) for member in batch}) == len(batch) <= max_batch
    assert {(member.adapter, member.choices is None) for member in batch} == {
        (waiting[0].adapter, waiting[0].choices is None)
    }
    longest, total = max(len(member.prompt) for member in batch), sum(len(member.prompt) for member in batch)
    assert waiting[0].choices is None or longest * len(batch) <= 1.2 * total


def test_those_of_like_length_are_taken_before_others() -> None:
    waiting = [task(20), task(60), task(21), task(5), task(19)]
    assert sorted(len(member.prompt) for member in next_batch(waiting, 8)) == [19, 20, 21]


def test_answers_of_many_tokens_are_batched_whatever_their_length() -> None:
    waiting = [task(length, choice=False) for length in (20, 60, 5)]
    assert len(next_batch(waiting, 8)) == 3
