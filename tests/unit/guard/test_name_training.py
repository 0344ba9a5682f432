"""A tagger is learned from labelled text, kept in a file and judged by document."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon import native
from gnomon.cli.mask import mask
from gnomon.guard.names import artefact
from gnomon.guard.names.artefact import load
from gnomon.guard.names.data import BadTrainingData, Document, apart, folds, read, refuted, swapped
from gnomon.guard.names.features import HINTS, WIDTH, Hints, hashed, hashed_slowly
from gnomon.guard.names.making import Maker
from gnomon.guard.names.tagger import ENTITIES, MAY_FOLLOW, TAGS, sums_slowly, viterbi, viterbi_slowly
from gnomon.guard.names.training import Chains, Group, Sentence, Settings, group, slopes, train

SMALL = 1 << 12
DICTIONARY = ["今天 100 t", "医院 50 n", "王建国 3 nr", "李小红 3 nr", "杭州 30 ns", "表示 40 v", "大家 40 r"]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """How small a file gets is none of these claims; the seconds for it were a third of these tests."""
    monkeypatch.setattr(artefact, "_LEVEL", 1)


def test_a_tagger_learns_the_names_it_is_shown() -> None:
    lexicon = load().tagger.lexicon
    sentences = Maker(DICTIONARY).sentences(120)
    tagger = train(sentences, lexicon, settings=Settings(epochs=8, dropout=0.2))
    found = {tuple(item[:3]) for row in tagger.find([one.text for one in sentences]) for item in row}
    true = {name for one in sentences for name in one.names}
    assert len(true & found) > 0.9 * len(true)


def test_the_slopes_are_those_of_the_likelihood() -> None:
    dice = np.random.default_rng(3)
    tags = np.array([0, 1, 3, 0, 4, 0], np.int8)
    scores = dice.normal(size=(6, len(TAGS))).astype(np.float32)
    follow = (dice.normal(size=MAY_FOLLOW.shape) * 0.1).astype(np.float32)
    _, by_place, by_follow = slopes(scores, tags, follow)
    for row, tag in ((0, 1), (3, 0), (5, 4)):
        moved = [scores.copy(), scores.copy()]
        moved[0][row, tag] += 0.05
        moved[1][row, tag] -= 0.05
        up, down = (slopes(one, tags, follow)[0] for one in moved)
        assert (up - down) / 0.1 == pytest.approx(by_place[row, tag], abs=5e-3)
    shifted = [follow.copy(), follow.copy()]
    shifted[0][0, 1] += 0.05
    shifted[1][0, 1] -= 0.05
    up, down = (slopes(scores, tags, one)[0] for one in shifted)
    assert (up - down) / 0.1 == pytest.approx(by_follow[0, 1], abs=5e-3)


# Compares C with its twin, or asks C alone: a machine without a compiler has only the twin, tested above.
@pytest.mark.skipif(native.load("learning") is None, reason="built without a C compiler")
@given(
    st.lists(st.text("王李说，在北京a1\u200b\ud800😀", min_size=1, max_size=12), min_size=1, max_size=4),
    st.integers(0, 9),
)
@settings(max_examples=25, deadline=None)
def test_a_step_in_c_moves_the_weights_as_its_twin_does(texts: list[str], seed: int) -> None:
    dice = np.random.default_rng(seed)
    lexicon = load().tagger.lexicon
    part = group([Sentence(text, ((0, 1, "PERSON"),)) for text in texts], lexicon)
    seen = (dice.random(part.features.shape) < 0.8).astype(np.float32) * np.float32(1.25)
    one, other = Chains(rows=SMALL), Chains(rows=SMALL)
    small = Group(part.features % SMALL, part.tags, part.lengths)
    for _ in range(2):
        assert one.learn(small, seen, 0.1) == pytest.approx(other.learn_slowly(small, seen, 0.1), rel=1e-3, abs=1e-4)
    assert np.abs(one.follow - other.follow).max() < 1e-3
    assert np.abs(one.weights - other.weights).max() < 1e-2


# Compares C with its twin, or asks C alone: a machine without a compiler has only the twin, tested above.
@pytest.mark.skipif(native.load("learning") is None, reason="built without a C compiler")
def test_numbers_that_do_not_fit_are_refused_before_anything_moves() -> None:
    part = group([Sentence("王伟来了", ((0, 2, "PERSON"),))], load().tagger.lexicon)
    seen = np.ones(part.features.shape, np.float32)
    chains = Chains(rows=SMALL)
    for wrong in (
        part,  # features beyond the table
        Group(part.features % SMALL - SMALL, part.tags, part.lengths),
        Group(part.features % SMALL, part.tags + np.int8(99), part.lengths),
        Group(part.features % SMALL, part.tags, part.lengths + 1),
        Group(part.features[:2] % SMALL, part.tags, part.lengths),
    ):
        with pytest.raises(ValueError, match="wrong"):
            chains.learn(wrong, seen, 0.1)
    assert not chains.weights.any()


# Compares C with its twin: a machine without a compiler has only the twin.
@pytest.mark.skipif(native.load("chain") is None, reason="built without a C compiler")
@given(st.integers(1, 40), st.integers(2, 57), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_tags_and_sums_in_c_are_the_very_same(length: int, kinds: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    scores, follow = (
        dice.integers(-9, 9, (rows, kinds)).astype(np.float32) / np.float32(7) for rows in (length, kinds)
    )
    begin, end = follow[0], follow[-1]
    assert list(viterbi(scores, follow, begin, end)) == viterbi_slowly(scores, follow, begin, end)
    weights = dice.integers(-8, 9, (SMALL, kinds)).astype(np.int8)
    features = dice.integers(0, SMALL, (length, 44)).astype(np.int32)
    one, other = np.empty((length, kinds), np.int32), np.empty((length, kinds), np.int32)
    native.load("chain").sums(weights, features, one, kinds)
    sums_slowly(weights, features, other)
    assert np.array_equal(one, other)
    for beyond in (features + SMALL, features - SMALL):
        with pytest.raises(ValueError, match="feature"):
            native.load("chain").sums(weights, beyond, one, kinds)
    with pytest.raises(ValueError, match="size"):
        native.load("chain").sums(weights, np.zeros(45, np.int32), np.empty((2, kinds), np.int32), kinds)
    with pytest.raises(ValueError, match="wrong"):
        native.load("chain").best(scores, follow, begin[1:].copy(), end)


# Compares C with its twin: a machine without a compiler has only the twin.
@pytest.mark.skipif(native.load("hashing") is None, reason="built without a C compiler")
@given(st.integers(0, 30), st.integers(1, WIDTH + 20), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_features_in_c_are_the_very_same(length: int, width: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    known = dice.integers(0, 1 << 32, (12, length + 8), dtype=np.uint32)
    places = dice.permutation(np.arange(4, length + 4))
    assert np.array_equal(hashed(known, places, width), hashed_slowly(known, places, width))
    for beyond in (places + 5 + length, places - 5 - length):
        if length:
            with pytest.raises(ValueError, match="place"):
                hashed(known, beyond, width)
    with pytest.raises(ValueError, match="part"):
        hashed(known[:1], places, width + 1)


def test_what_is_learned_on_from_is_still_known() -> None:
    """A company's few sentences say nothing of this name; the tagger that it learned on from does."""
    text = "记者王小明从上海报道。"
    own = [Sentence("今天天气很好，大家都出去了。", ())] * 4
    shipped = load().tagger
    taught = Settings(epochs=2, mean=2)
    alone, further = (train(own, shipped.lexicon, settings=taught, start=start) for start in (None, shipped))
    assert alone.find([text]) == [[]]
    assert "王小明" in {text[one.start : one.end] for one in further.find([text])[0]}


def test_a_rule_that_the_labels_speak_against_is_left_out() -> None:
    text = "王先生来了。"
    against = [Document("d", (Sentence(text, ()),))] * 30
    agreed = [Document("d", (Sentence(text, ((0, 1, "PERSON"),)),))] * 30
    assert refuted(against) == ["titles"]
    assert refuted(agreed) == refuted(against[:5]) == []


def test_a_second_readers_hints_are_learned_from() -> None:
    """Two names that look alike; only the hint tells which is a person."""

    def hints(texts: list[str]) -> list[Hints]:
        return [np.full((len(text), HINTS), 1 if text.endswith("1") else 2, np.uint8) for text in texts]

    sentences = [Sentence("说云山好1", ((1, 3, "PERSON"),)), Sentence("说云山好2", ())] * 30
    tagger = train(sentences, load().tagger.lexicon, settings=Settings(epochs=6, dropout=0.2), hints=hints)
    assert [bool(row) for row in tagger.find(["说云山好1", "说云山好2"])] == [True, False]


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    few = np.zeros_like(load().tagger.weights)
    few[::97] = load().tagger.weights[::97]
    tagger = replace(load().tagger, weights=few)
    path = tmp_path / "same.names"
    deep = replace(tagger, leaning=(0.25, 0.0, 1.5))
    artefact.save(path, tagger, {"name": "same"}, deep=deep, without=["titles"])
    again = load(path)
    assert again.deep is not None
    assert (again.deep.leaning, again.without) == ((0.25, 0.0, 1.5), ("titles",))
    assert np.array_equal(again.deep.weights, deep.weights)
    text = ["记者王小明从上海报道。"]
    assert again.tagger.find(text) == tagger.find(text)
    fast, slow = load(path, "names"), load(path, "deep")
    assert (fast.deep, fast.tagger.leaning) == (None, tagger.leaning)
    assert slow.tagger is slow.deep
    assert np.array_equal(slow.tagger.weights, deep.weights)
    assert np.array_equal(fast.tagger.weights, tagger.weights)
    assert again.about == {"name": "same"}


def test_folds_keep_documents_whole_and_cover_each_once(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    lines = [{"text": f"第{n}句", "spans": [], "doc": str(n // 3)} for n in range(21)]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    documents = read(path)
    assert len(documents) == 7
    judged = [document for _, part in folds(documents, 3) for document in part]
    assert judged == documents
    assert all(not set(map(id, learned)) & set(map(id, part)) for learned, part in folds(documents, 3))


def test_what_is_judged_is_not_learned_from_in_another_spelling_either() -> None:
    def document(text: str) -> Document:
        return Document("d", (Sentence(text, ()),))

    judged = [document("据新华社报道，王小明昨天在上海出席了会议。")]
    same = document("据新华社报道:王小明 昨天在上海出席了会议")
    longer = document("据新华社报道，王小明昨天在上海出席了会议，并讲话。")
    other = document("昨天在上海，李红没有出席，大家都很遗憾，会议改期举行。")
    assert apart([same, other, longer, document("短")], judged) == [other, document("短")]
    assert apart([document("短"), document("！")], [document("短")]) == [document("！")]


def test_bio_is_read_like_spans(tmp_path: Path) -> None:
    path = tmp_path / "d.bio"
    path.write_text("王 B-PER\n伟 I-PER\n在 O\n北 B-LOC\n京 I-LOC\n\n好 O\n", encoding="utf-8")
    sentences = [sentence for document in read(path) for sentence in document.sentences]
    assert sentences == [Sentence("王伟在北京", ((0, 2, "PERSON"), (3, 5, "LOCATION"))), Sentence("好", ())]


@pytest.mark.parametrize(
    "content", ["", '{"text": 1}', '{"text": "a", "spans": [{"start": 0, "end": 9, "label": "PER"}]}', "王\n", "{"]
)
def test_wrong_data_are_refused_with_their_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "d"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadTrainingData):
        read(path)


@pytest.mark.parametrize("entity", ENTITIES)
def test_leaning_for_one_entity_finds_more_of_it_and_no_more_of_others(entity: str) -> None:
    text = ["记者王小明从上海报道。", "华兴公司的李先生说，北京很冷。", "张天天和云山都来了。"]
    tagger = replace(load().tagger, leaning=tuple(-2.0 for _ in ENTITIES))
    eager = replace(tagger, leaning=tuple(9.0 if one == entity else -2.0 for one in ENTITIES))
    count = [Counter(found.entity for row in one.find(text) for found in row) for one in (tagger, eager)]
    assert count[1][entity] > count[0][entity]
    assert all(count[1][other] <= count[0][other] for other in ENTITIES if other != entity)


@pytest.mark.parametrize("leaning", ["PERSON", "NAME=1", "PERSON=x", "nan", "PERSON=1000", ""])
def test_a_leaning_that_is_none_is_refused(tmp_path: Path, leaning: str) -> None:
    (tmp_path / "d.jsonl").write_text('{"text": "a", "spans": []}')
    command = ["train", str(tmp_path / "d.jsonl"), "--out", str(tmp_path / "o"), "--leaning", leaning]
    told = CliRunner().invoke(mask, command)
    assert told.exit_code == 2
    assert "Invalid value for '--leaning'" in told.output
    assert not (tmp_path / "o").exists()


def test_swapping_puts_another_person_in_the_same_place() -> None:
    (made,) = swapped([Sentence("记者王小明报道", ((2, 5, "PERSON"),)), Sentence("没有人", ())])
    ((start, end, entity),) = made.names
    assert (start, entity) == (2, "PERSON")
    assert made.text == f"记者{made.text[start:end]}报道"


def test_the_command_trains_judges_and_names_what_it_learned_from(tmp_path: Path) -> None:
    data, out = tmp_path / "d.jsonl", tmp_path / "own.names"
    rows = [
        {"text": one.text, "spans": [{"start": a, "end": b, "label": e} for a, b, e in one.names]}
        for one in Maker(DICTIONARY).sentences(60)
    ]
    data.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    command = ["train", str(data), "--out", str(out), "--folds", "2", "--epochs", "1", "--json"]
    command += ["--leaning", "PERSON=1.5"]
    result = CliRunner().invoke(mask, command)
    assert result.exit_code == 0, result.output
    about = load(out).about
    assert about["data"][0]["file"] == "d.jsonl"
    true = sum(name[2] == "PERSON" for one in Maker(DICTIONARY).sentences(60) for name in one.names)
    chosen = {"PERSON": 1.5, "ORGANIZATION": 0.5, "LOCATION": 0.5}
    assert about["leaning"] == chosen
    assert [row["leaning"] for row in about["by_document"]] == [0.0, 0.5, 1.0, chosen]
    assert load(out).tagger.leaning == (1.5, 0.5, 0.5)
    assert all(row["source"] == "d.jsonl" and row["PERSON"]["n"] == true for row in about["by_document"])
