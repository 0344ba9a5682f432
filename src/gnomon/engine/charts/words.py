"""The few words that a chart says by itself, in both languages; titles and series names are the caller's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    no_data: str
    not_measured: str
    time: str
    target: str
    item: str
    value: str
    low: str
    high: str
    before: str
    after: str
    change: str
    count: str
    total: str
    range_from: str
    range_to: str
    curve: str
    task: str
    owner: str
    start: str
    end: str
    done: str
    waits_for: str
    state: str
    today: str
    overdue_days: str
    finished: str
    running: str
    planned: str
    used: str
    limit: str
    left: str
    over: str
    expected: str
    interval: str


_ZH = Words(
    no_data="没有数据",
    not_measured="未测量",
    time="时间",
    target="目标",
    item="项目",
    value="数值",
    low="下限",
    high="上限",
    before="整改前",
    after="整改后",
    change="变化",
    count="数量",
    total="合计",
    range_from="从",
    range_to="到",
    curve="曲线",
    task="措施",
    owner="负责人",
    start="开始",
    end="截止",
    done="进度",
    waits_for="前置",
    state="状态",
    today="今天",
    overdue_days="逾期 {days} 天",
    finished="已完成",
    running="进行中",
    planned="未开始",
    used="已用",
    limit="上限",
    left="剩余",
    over="超出",
    expected="应至",
    interval="区间",
)
_EN = Words(
    no_data="No data",
    not_measured="not measured",
    time="Time",
    target="Target",
    item="Item",
    value="Value",
    low="Low",
    high="High",
    before="Before",
    after="After",
    change="Change",
    count="Count",
    total="Total",
    range_from="From",
    range_to="To",
    curve="Curve",
    task="Measure",
    owner="Owner",
    start="Start",
    end="Due",
    done="Progress",
    waits_for="Waits for",
    state="State",
    today="Today",
    overdue_days="{days} d overdue",
    finished="done",
    running="in progress",
    planned="not started",
    used="Used",
    limit="Limit",
    left="left",
    over="over",
    expected="expected",
    interval="interval",
)


def words(locale: str) -> Words:
    """The words of `locale`; Chinese where the locale is not English."""
    return _EN if locale == "en" else _ZH
