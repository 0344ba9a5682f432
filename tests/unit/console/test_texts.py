"""Both languages are complete, and numbers, dates and durations read as each reader expects."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gnomon.console
from gnomon.console.assets import FOLDER
from gnomon.console.render import TEMPLATES, catalogue
from gnomon.kit import i18n

CONSOLE = Path(gnomon.console.__file__).parent
HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def written(folder: Path, **files: str) -> Path:
    target = folder / "en" / "LC_MESSAGES"
    target.mkdir(parents=True)
    for name, text in files.items():
        (target / f"{name}.po").write_text(HEAD + text)
    return folder


def test_every_text_of_the_console_has_its_english() -> None:
    assert i18n.missing(catalogue(), i18n.extract([CONSOLE])) == []


def test_no_chinese_stands_outside_the_catalogue_in_templates_and_modules() -> None:
    for path in [*TEMPLATES.glob("*.html"), *FOLDER.glob("*.js")]:
        text = re.sub(r"\{#.*?#\}|//[^\n]*", "", path.read_text(), flags=re.S)
        text = re.sub(r"_\((\"[^\"]*\")", "", text).replace("中文", "")
        assert not re.findall(r"[\u4e00-\u9fff]+", text), path.name


def test_the_checker_names_missing_fuzzy_unused_and_differing_places(tmp_path: Path) -> None:
    po = 'msgid "甲"\nmsgstr ""\n\n#, fuzzy\nmsgid "乙"\nmsgstr "B"\n\nmsgid "丙"\nmsgstr "C"\n\n'
    po += 'msgid "共 %(n)s 项"\nmsgstr "%(m)s items"\n'
    catalogue = i18n.load(written(tmp_path, a=po))
    used = {"甲": "x:1", "乙": "x:2", "共 %(n)s 项": "x:3"}
    problems = "\n".join(i18n.missing(catalogue, used))
    assert "missing '甲' (x:1)" in problems
    assert "fuzzy '乙'" in problems
    assert "unused '丙'" in problems
    assert "other places to fill in '共 %(n)s 项'" in problems


def test_texts_are_found_in_templates_and_in_python(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('{{ _("甲") }} {{ _("共 %(n)s 项", n=3) }} {{ other("丁") }}')
    (tmp_path / "b.py").write_text('x = mark("乙")\ny = context.gettext("丙")\nz = print("丁")\n')
    assert set(i18n.extract([tmp_path])) == {"甲", "共 %(n)s 项", "乙", "丙"}


def test_two_files_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, a='msgid "甲"\nmsgstr "A"\n', b='msgid "甲"\nmsgstr "B"\n')
    with pytest.raises(i18n.BadCatalogue, match="another file"):
        i18n.load(folder)


def test_a_missing_text_is_loud_when_strict_and_the_source_otherwise(tmp_path: Path) -> None:
    folder = written(tmp_path, a='msgid "甲"\nmsgstr "A"\n')
    assert i18n.load(folder).gettext("甲", "en") == "A"
    assert i18n.load(folder).gettext("乙", "en") == "乙"
    assert i18n.load(folder).gettext("乙", "zh-CN") == "乙"
    with pytest.raises(i18n.MissingText):
        i18n.load(folder, strict=True).gettext("乙", "en")


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "0 秒", "0 s"),
        (0.32, "320 毫秒", "320 ms"),
        (45, "45 秒", "45 s"),
        (8040, "2 小时 14 分", "2 h 14 min"),
        (3599.7, "1 小时", "1 h"),
        (86_400 + 4 * 3600, "1 天 4 小时", "1 d 4 h"),
        (-8040, "-2 小时 14 分", "-2 h 14 min"),
    ],
)
def test_durations_in_both_languages(seconds: float, chinese: str, english: str) -> None:
    assert i18n.duration(timedelta(seconds=seconds), "zh-CN") == chinese
    assert i18n.duration(timedelta(seconds=seconds), "en") == english


@settings(max_examples=60)
@given(st.integers(1, 10**7))
def test_a_duration_is_never_off_by_more_than_its_smaller_unit(seconds: int) -> None:
    units = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
    parts = i18n.duration(timedelta(seconds=seconds), "en").split()
    shown = sum(int(count) * units[unit] for count, unit in zip(parts[::2], parts[1::2], strict=True))
    grain = 3600 if seconds >= 86_400 else 60 if seconds >= 3600 else 1
    assert abs(shown - seconds) <= grain / 2


def test_numbers_dates_and_sizes() -> None:
    assert i18n.number(1234567.891, digits=2) == "1,234,567.89"
    assert i18n.number(None) == i18n.number(float("nan")) == i18n.percent(None) == "–"
    assert i18n.number(-0.04, digits=1) == "0.0"
    assert i18n.percent(0.1234, digits=1, signed=True) == "+12.3%"
    assert i18n.day(date(2030, 1, 8), "zh-CN") == "2030-01-08"
    assert i18n.day(date(2030, 1, 8), "en") == "8 Jan 2030"
    moment = datetime(2030, 1, 7, 18, 5, 9, tzinfo=UTC)
    east = __import__("zoneinfo").ZoneInfo("Asia/Shanghai")
    assert i18n.moment(moment, "zh-CN", zone=east) == "2030-01-08 02:05"
    assert i18n.moment(moment, "en", zone=east, seconds=True) == "8 Jan 2030 02:05:09"
    assert [i18n.size(n) for n in (0, 999, 1536, 999_600, 20_300_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "1.0 MB",
        "20.3 MB",
    ]
