"""Every component in each of its states, in both languages, with values that nobody could take for measurements."""

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from gnomon.console import navigation
from gnomon.console.render import Actor, Context, Notice, context_of, page
from gnomon.console.urls import Column
from gnomon.contract.verdicts import State
from gnomon.engine import charts
from gnomon.engine.charts import XY, Bar, Chart, Estimate, Interval, Note, Parts, Series, Task

router = APIRouter(include_in_schema=False)

_NOW: Final = datetime(2030, 1, 8, 2, 0, tzinfo=UTC)
_TODAY: Final = date(2030, 1, 8)
_ROWS: Final = 42


@router.get("/_gallery")
def gallery(request: Request) -> HTMLResponse:
    """The gallery as a page; sorting, filters, columns and pages of its sample table work by the URL."""
    context = _context(request)
    return page(request, context, "gallery.html", **_values(context))


@router.get("/_gallery/live")
def live(request: Request) -> HTMLResponse:
    """The inside of the gallery's live part, drawn anew: the sample wave moves with the clock."""
    context = _context(request)
    return page(request, context, "gallery_live.html", **_live(context, datetime.now(UTC)))


@router.get("/_gallery/sign-in")
def sign_in(request: Request) -> HTMLResponse:
    """The sign-in page with its errors, as it looks after a wrong password."""
    context = _context(request)
    errors = (
        {"password": context.gettext("账号或密码不对，还可以再试 4 次")} if request.query_params.get("wrong") else {}
    )
    return page(request, context, "sign_in.html", account="sample", errors=errors, next="/_gallery")


def _context(request: Request) -> Context:
    bare = context_of(request)
    actor = Actor(name=bare.gettext("样例甲"), posts=(bare.gettext("样例岗位"),))
    notices = (Notice("ok", bare.gettext("样例提示：方案已批准")),) if request.query_params.get("notice") else ()
    return context_of(request, actor=actor, environment="demo", notices=notices)


def _values(context: Context) -> dict[str, Any]:
    columns = _columns(context)
    rows, total = _list(context, columns)
    return {
        "columns": columns,
        "rows": rows,
        "total": total,
        "states": list(State),
        "charts": _charts(context),
        "empty_chart": charts.line(context.gettext("空的折线图"), [], [], locale=context.locale, method=""),
        "spark": charts.sparkline(context.gettext("样例走势"), [3, 5, 4, 6, None, 7, 6, 9], locale=context.locale),
        "history": _history(context),
        "day_span": timedelta(days=1),
        "batch_button": Markup('<button class="button small">{}</button>').format(context.gettext("导出选中的行")),
        "now": _NOW,
        "digest": "0123456789abcdef" * 4,
        "sample_groups": navigation.GROUPS,
        **_live(context, _NOW),
    }


def _live(context: Context, now: datetime) -> dict[str, Any]:
    return {"at": now, "live_chart": _waves(context, now, 120)}


# ---------------------------------------------------------------- the sample list


def _columns(context: Context) -> list[Column]:
    _ = context.gettext
    return [
        Column("id", _("编号")),
        Column("name", _("样例服务")),
        Column("state", _("状态")),
        Column("p95", _("p95 延迟（ms）"), num=True),
        Column("left", _("错误预算（%）"), num=True),
        Column("trend", _("走势"), sort=False),
        Column("note", _("说明"), sort=False, wrap=True, hidden=True),
    ]


def _list(context: Context, columns: list[Column]) -> tuple[list[dict[str, Any]], int]:
    _, view = context.gettext, context.view
    tones = [("ok", _("达标")), ("warn", _("接近目标")), ("bad", _("未达标")), ("idle", _("未测量"))]
    rows: list[dict[str, Any]] = [
        {
            "id": f"sample-{i:03d}",
            "name": _("样例 %(n)s", n=i),
            "state": tones[i % 7 if i % 7 < 4 else 0],
            "p95": 100 * i if i % 7 != 3 else None,
            "left": round(100 - i * 1.5, 1),
            "trend": charts.sparkline(_("样例走势"), [i % (k + 2) for k in range(8)], locale=context.locale),
            "note": _("这一行的数值由行号算出，不是测量结果"),
        }
        for i in range(1, _ROWS + 1)
    ]
    wanted, state = view.get("q").lower(), view.get("state")
    rows = [row for row in rows if wanted in f"{row['id']} {row['name']}".lower()]
    rows = [row for row in rows if not state or row["state"][0] == state]
    key, down = view.sort([column.key for column in columns if column.sort], "id")
    rows.sort(key=lambda row: (row[key] is None, row[key] or 0) if key == "p95" else row[key], reverse=down)
    start = (view.page - 1) * 10
    return rows[start : start + 10], len(rows)


def _history(context: Context) -> list[dict[str, Any]]:
    _ = context.gettext
    steps = [
        ("ok", _("样例甲"), _("登记样例问题 3 条"), "", "#"),
        ("info", _("样例乙"), _("提交样例方案，等待审批"), "", ""),
        ("bad", _("样例丙"), _("退回方案"), _("理由：缺少验收标准"), ""),
        ("warn", _("系统"), _("距时限不足 4 小时"), "", ""),
    ]
    return [
        {"at": _NOW + timedelta(hours=5 * i), "tone": tone, "who": who, "what": what, "more": more, "url": url}
        for i, (tone, who, what, more, url) in enumerate(steps)
    ]


# ---------------------------------------------------------------- the sample charts


def _waves(context: Context, now: datetime, count: int) -> Chart:
    _ = context.gettext
    times = [now - timedelta(seconds=5 * (count - 1 - i)) for i in range(count)]

    def wave(base: float, swing: float, slow: float) -> list[float | None]:
        return [base + swing * math.sin(moment.timestamp() / slow) for moment in times]

    p95 = [None if 60 <= i < 72 else value for i, value in enumerate(wave(640, 70, 41))]
    return charts.line(
        _("样例延迟（ms）"),
        times,
        [Series("p50", wave(210, 18, 33)), Series("p95", p95), Series("p99", wave(1040, 120, 57))],
        locale=context.locale,
        zone=context.zone,
        method=_("由正弦函数生成的样例"),
        n=12_345,
        target=1200,
        notes=[(times[84], _("发布 v1.8.2"))],
    )


def _charts(context: Context) -> list[Chart]:
    _, locale = context.gettext, context.locale
    method = _("样例，非测量结果")
    share = [i / 20 for i in range(21)]
    roc_after = [x ** (1 / 4) for x in share]
    roc_before = [x ** (1 / 1.6) for x in share]
    epochs = [float(i) for i in range(1, 13)]
    loss = [1.4 / i + 0.2 for i in epochs]
    checked = [1.3 / i + 0.28 + 0.012 * i for i in epochs]
    return [
        charts.interval(
            _("整改前后的指标"),
            [
                Interval(_("准确率"), Estimate(0.8, 0.75, 0.84), Estimate(0.6, 0.55, 0.65), _("达标"), "ok"),
                Interval(_("宏平均 F1"), Estimate(0.74, 0.69, 0.79), Estimate(0.5, 0.44, 0.56), _("未达标"), "bad"),
                Interval(
                    _("反讽句召回率"), Estimate(0.6, 0.31, 0.83), Estimate(0.4, 0.17, 0.69), _("数据不足"), "warn"
                ),
                Interval(_("多语言"), None, Estimate(0.7, 0.62, 0.77)),
            ],
            locale=locale,
            method=method,
            n=400,
            percent=True,
            target=0.75,
        ),
        charts.matrix(
            _("混淆矩阵"),
            [_("正面"), _("负面")],
            [_("正面"), _("负面")],
            [[160, 40], [40, 160]],
            locale=locale,
            method=method,
            row_title=_("实际"),
            column_title=_("预测"),
            diagonal=True,
        ),
        charts.curve(
            _("ROC 曲线"),
            [XY(_("整改后"), share, roc_after), XY(_("整改前"), share, roc_before)],
            locale=locale,
            x_label=_("假阳性率"),
            y_label=_("真阳性率"),
            method=method,
            n=400,
            x_range=(0, 1),
            y_range=(0, 1),
            diagonal=_("随机"),
        ),
        charts.curve(
            _("KS 曲线"),
            [XY(_("正类累计"), share, roc_after), XY(_("负类累计"), share, [x**2 for x in share])],
            locale=locale,
            x_label=_("分数分位"),
            y_label=_("累计占比"),
            method=method,
            n=400,
            x_range=(0, 1),
            y_range=(0, 1),
            gap=Note(0.3, "KS 0.65"),
        ),
        charts.curve(
            _("校准曲线"),
            [XY(_("整改后"), share[1::2], [x**1.2 for x in share[1::2]], dots=True)],
            locale=locale,
            x_label=_("预测概率"),
            y_label=_("实际比例"),
            method=method,
            n=400,
            x_range=(0, 1),
            y_range=(0, 1),
            diagonal=_("完全校准"),
        ),
        charts.curve(
            _("训练损失"),
            [XY(_("训练"), epochs, loss), XY(_("验证"), epochs, checked)],
            locale=locale,
            x_label=_("轮次"),
            y_label=_("损失"),
            method=method,
            n=12,
            x_digits=0,
            notes=[Note(9.0, _("选用"))],
        ),
        charts.histogram(
            _("延迟分布"),
            [0, 100, 200, 300, 400, 500, 750, 1000],
            [12, 210, 480, 220, 60, 14, 4],
            locale=locale,
            x_label=_("延迟（ms）"),
            method=method,
            notes=[Note(255, "p50"), Note(430, "p95")],
        ),
        charts.bar(
            _("各场景达标率"),
            [Bar(_("贷款"), 0.97), Bar(_("保险"), 0.88, tone="bad"), Bar(_("理财"), None)],
            locale=locale,
            method=method,
            n=300,
            percent=True,
            high=1,
            target=0.9,
        ),
        charts.stacked(
            _("条款状态"),
            [_("达标"), _("部分达标"), _("未达标"), _("无证据")],
            [Parts(_("运营制度"), [20, 4, 2, 3]), Parts(_("整改制度"), [18, 6, 1, 4])],
            locale=locale,
            method=method,
        ),
        charts.matrix(
            _("每小时请求（千次）"),
            [_("周一"), _("周二"), _("周三")],
            [str(hour) for hour in range(24)],
            [[round(40 * math.exp(-(((h - 14) / (5 + d)) ** 2))) for h in range(24)] for d in range(3)],
            locale=locale,
            method=method,
            row_title="",
            column_title=_("时"),
        ),
        charts.budget(_("整改预算"), 52_000, 60_000, locale=locale, unit=_("元"), expected=48_000),
        charts.budget(_("错误预算"), 112, 100, locale=locale, unit=_("分钟")),
        _gantt(context),
    ]


def _gantt(context: Context) -> Chart:
    _ = context.gettext
    start = _TODAY - timedelta(days=20)

    def task(number: int, name: str, owner: str, first: int, last: int, done: float, *after: int) -> Task:
        ends = start + timedelta(days=last)
        return Task(
            f"M-{number}", name, owner, start + timedelta(days=first), ends, done, tuple(f"M-{i}" for i in after)
        )

    return charts.gantt(
        _("措施与进度"),
        [
            task(1, _("补充样例数据"), _("样例甲"), 0, 9, 1),
            task(2, _("样例增量训练"), _("样例乙"), 10, 18, 0.65, 1),
            task(3, _("样例回归评测"), _("样例丙"), 16, 27, 0.3, 1),
            task(4, _("样例灰度"), _("样例甲"), 28, 36, 0, 2, 3),
        ],
        _TODAY,
        locale=context.locale,
    )
