"""A paper with every kind of block, in both languages."""

from datetime import UTC, date, datetime

from gnomon.engine import charts
from gnomon.engine.charts import Estimate, Interval, Task
from gnomon.engine.documents import (
    Bullets,
    Document,
    Facts,
    Figure,
    Paragraph,
    Section,
    Signature,
    Table,
)

MADE_AT = datetime(2026, 3, 9, 2, 30, tzinfo=UTC)


def paper(
    locale: str = "zh-CN", *, text: str = "封存集准确率由 58.8% 提升至 82.3%。", made_at: datetime = MADE_AT
) -> Document:
    accuracy = charts.interval(
        "准确率",
        [Interval("准确率", Estimate(0.823, 0.791, 0.852), Estimate(0.588, 0.549, 0.627))],
        locale=locale,
        method="Wilson 95%",
        n=600,
        percent=True,
        target=0.75,
    )
    tasks = [Task("T1", "LoRA", "魏工", date(2026, 3, 2), date(2026, 3, 5), 0.5)]
    plan = charts.gantt("任务", tasks, date(2026, 3, 4), locale=locale)
    detail = Section("细目", (Paragraph("注", quiet=True),))
    return Document(
        title="整改报告",
        number="ZG-2026-03-007",
        locale=locale,
        made_at=made_at,
        date="2026-03-09",
        issuer="技术团队",
        facts=(("整改单", "ZG-2026-001"),),
        sections=(
            Section(
                "工作概况",
                (Paragraph(text), Paragraph("目标达成", strong=True), Bullets(("甲", "乙"))),
                (Section("四项目标", (Facts((("准确率", "达成"),)),), (detail,)),),
            ),
            Section("成效", (Figure(accuracy), Figure(plan, with_table=False))),
            Section(
                "证据",
                (
                    Table("证据", ("编号", "SHA-256"), tuple((f"e{i}", "ab" * 32) for i in range(60)), widths=(1, 3)),
                    Table("未完成事项", ("事项", "原因"), (), empty="没有未完成事项"),
                ),
            ),
        ),
        signatures=(Signature("技术负责人", "林工", "同意", "2026-03-02 09:00"), Signature("业务负责人")),
    )
