"""The data sets: what was found when they came in, and what was made from them."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.urls import Column
from gnomon.control.catalog import queries
from gnomon.control.catalog.tables import DatasetVersion
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.tuning import queries as tuning
from gnomon.engine import charts
from gnomon.engine.charts import Bar
from gnomon.kit import i18n
from gnomon.kit.web import allow

router = APIRouter(include_in_schema=False)
UNKNOWN = "not_measured"


@router.get("/datasets", dependencies=[allow("dataset.view")])
def datasets(reader: ReaderDep) -> Response:
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("name", _("数据集版本")),
        Column("purpose", _("使用目的")),
        Column("state", _("检查")),
        Column("n", _("样本量"), num=True),
        Column("duplicates", _("重复"), num=True),
        Column("leaks", _("泄漏"), num=True),
        Column("personal", _("个人信息"), num=True),
        Column("source", _("来源"), hidden=True),
        Column("licence", _("许可")),
        Column("by", _("添加人")),
        Column("created", _("添加时间")),
    ]
    lines = [
        Line(
            {
                "name": _loop.link(f"{one.name} {one.label}", f"/datasets/{one.id}", code=True),
                "purpose": Cell(_words.name(reader.context, "purpose", one.purpose), by=("purpose", one.purpose)),
                "state": _loop.status(reader, "version", one.state, param="state"),
                "n": _loop.number(reader, one.n),
                "duplicates": _loop.number(reader, one.checks.get("duplicates")),
                "leaks": _loop.number(reader, _sum(one.checks.get("leaks"))),
                "personal": _loop.number(reader, _sum(one.checks.get("personal"))),
                "source": Cell(one.source),
                "licence": Cell(one.licence),
                "by": Cell(who(one.created_by)),
                "created": _loop.moment(reader, one.created_at),
            },
            {"purpose": one.purpose, "state": one.state},
            one.id,
        )
        for one in queries.datasets(reader.session)
    ]
    purposes = [(value, word) for value, word in _words.options(reader.context, "purpose") if value in _PURPOSES]
    states = [(value, word) for value, word in _words.options(reader.context, "version") if value in _STATES]
    choices = {"purpose": (_("使用目的"), purposes), "state": (_("检查"), states)}
    made = _loop.listing(reader, columns, lines, sort="-created", name="datasets", label=_("数据集"), choices=choices)
    return made if isinstance(made, Response) else _loop.show(reader, "datasets.html", list=made)


_PURPOSES = ("train", "validation", "test", "feedback")
_STATES = ("checked", "refused")


@router.get("/datasets/{id}", dependencies=[allow("dataset.view")])
def dataset(id: str, reader: ReaderDep) -> Response:
    found = queries.dataset(reader.session, id)
    checks = found.checks
    personal = checks.get("personal")
    return _loop.show(
        reader,
        "dataset.html",
        one=found,
        sentence=_sentence(reader, found),
        tiles=_tiles(reader, found),
        labels=charts.bar(
            reader.context.gettext("标签分布"),
            [Bar(label, n) for label, n in checks.get("labels", {}).items()],
            locale=reader.context.locale,
            method=reader.context.gettext("全部样本"),
            n=found.n,
        ),
        leaks=_leaks(reader, checks.get("leaks")),
        personal=None
        if not isinstance(personal, dict)
        else [[Cell(entity, code=True), _loop.number(reader, n)] for entity, n in sorted(personal.items())],
        trainings=[
            run
            for run in tuning.trainings(reader.session)
            if found.id in run.dataset_ids or found.id == run.validation_id
        ],
    )


def _sum(counts: Any) -> int | None:
    """All of a check; None where nobody looked."""
    return sum(int(n) for n in counts.values()) if isinstance(counts, dict) else None


def _leaks(reader: Reader, counts: Any) -> list[list[Cell]]:
    if not isinstance(counts, dict):
        return []
    names = {suite.id: suite.name for suite in evaluation.suites(reader.session)}
    return [
        [
            Cell(str(names.get(suite) or suite)),
            _loop.number(reader, n),
            _loop.status(reader, "verdict", "not_met" if n else "met"),
        ]
        for suite, n in sorted(counts.items())
    ]


def _sentence(reader: Reader, found: DatasetVersion) -> tuple[str, str]:
    _ = reader.context.gettext
    leaked = _sum(found.checks.get("leaks"))
    if leaked:
        return "bad", _("有 %(n)s 条与封存评测集重复，拒绝用于训练。", n=leaked)
    if leaked is None:
        return "warn", _("没有与封存评测集对比过，泄漏未测量。")
    return "ok", _("与封存评测集没有重复。")


def _tiles(reader: Reader, found: DatasetVersion) -> list[tuple[str, str, str, str, str]]:
    _, checks = reader.context.gettext, found.checks
    tiles = []
    for key, label in (
        ("duplicates", _("重复")),
        ("contradictions", _("矛盾标注")),
        ("leaks", _("泄漏")),
        ("personal", _("个人信息")),
    ):
        value = checks.get(key)
        n = _sum(value) if isinstance(value, dict) or value == UNKNOWN else value
        tone, word = ("idle", _("未测量")) if n is None else ("warn", _("需留意")) if n else ("ok", _("没有"))
        tiles.append((label, i18n.number(n), tone, word, _("共 %(n)s 条", n=i18n.number(found.n))))
    return tiles
