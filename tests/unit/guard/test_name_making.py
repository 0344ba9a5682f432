"""What the shipped tagger learns from is made: names in sentences, prose with names put in, and two readers as one."""

from pathlib import Path

from gnomon.guard.names.making import Maker
from gnomon.guard.names.prose import examples, sentences

DICTIONARY = [
    "今天 100 t",
    "医院 50 n",
    "王建国 3 nr",
    "李小红 3 nr",
    "杭州 30 ns",
    "表示 40 v",
    "大家 40 r",
    "服务 9 vn",
]
READ = [
    [("他", "r"), ("说", "v"), ("房间", "n"), ("干净", "a")],
    [("张伟", "PER"), ("住", "v"), ("在", "p"), ("上海", "LOC")],
    [("价格", "n"), ("太", "d"), ("高", "a")],
]


def test_the_same_seed_makes_the_same_sentences_and_names_lie_where_they_are_said_to() -> None:
    made = Maker(DICTIONARY).sentences(200)
    assert made == Maker(DICTIONARY).sentences(200)
    names = [(sentence.text[start:end], entity) for sentence in made for start, end, entity in sentence.names]
    assert {entity for _, entity in names} == {"PERSON", "ORGANIZATION", "LOCATION"}
    assert all(name and "{" not in name for name, _ in names)


def test_prose_is_told_as_it_was_read_or_with_other_names_and_never_without_a_change() -> None:
    maker = Maker(DICTIONARY)
    first, *others = examples(READ[1:2] + READ * 40, maker, plain=1)
    assert (first.text, first.names) == ("张伟住在上海", ((0, 2, "PERSON"), (4, 6, "LOCATION")))
    assert others
    assert all(one.names for one in others)
    assert not [one for one in others if one.text in ("价格太高", "他说房间干净")]
    moved = [one for one in others if one.text.endswith("说房间干净")]
    assert {one.text[start:end] + "说房间干净" == one.text for one in moved for start, end, _ in one.names} == {True}


def test_sentences_of_prose_are_taken_once_in_an_order_of_the_seed(tmp_path: Path) -> None:
    file = tmp_path / "t.txt"
    file.write_text("今天的天气真是太好了。太短。\n今天的天气真是太好了。我们明天还要再来一次！", encoding="utf-8")
    assert sorted(sentences([file], 9)) == ["今天的天气真是太好了。", "我们明天还要再来一次！"]
    assert sentences([file], 1) == sentences([file], 9)[:1]
