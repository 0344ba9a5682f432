"""Tone and word of the states that several pages show. What is not measured is never green."""

from typing import Final

from gnomon.console.render import Context
from gnomon.kit.i18n import mark

Said = tuple[str, str]  # tone, word in the source language

CLAUSE: Final[dict[str, Said]] = {
    "met": ("ok", mark("达标")),
    "partial": ("warn", mark("部分达标")),
    "not_met": ("bad", mark("未达标")),
    "expired": ("warn", mark("证据过期")),
    "not_measured": ("idle", mark("未测量")),
}
CONTROL: Final[dict[str, Said]] = {**CLAUSE, "insufficient": ("warn", mark("数据不足"))}
APPROVAL: Final[dict[str, Said]] = {
    "pending": ("info", mark("待审批")),
    "approved": ("ok", mark("已批准")),
    "rejected": ("bad", mark("已退回")),
    "void": ("idle", mark("已作废")),
    "lapsed": ("idle", mark("已过期")),
}
OUTCOME: Final[dict[str, Said]] = {
    "done": ("ok", mark("成功")),
    "denied": ("warn", mark("被拒绝")),
    "failed": ("bad", mark("失败")),
}
CASE: Final[dict[str, Said]] = {
    "open": ("info", mark("已立项")),
    "assessed": ("info", mark("已评估")),
    "planned": ("info", mark("方案待审批")),
    "approved": ("info", mark("方案已批准")),
    "implementing": ("info", mark("实施中")),
    "verifying": ("info", mark("验证中")),
    "verified": ("ok", mark("已验证")),
    "next_round": ("warn", mark("转入下一轮")),
    "closed": ("ok", mark("已销号")),
}
KIND: Final[dict[str, str]] = {
    "query": mark("系统查询"),
    "event": mark("事件留痕"),
    "schedule": mark("定时任务"),
    "manual": mark("人工提交"),
}
REFUSAL: Final[dict[str, str]] = {
    "wrong_source": mark("证据来源不符"),
    "altered": mark("证据内容与哈希不符，不予采信"),
    "wrong_kind": mark("证据类型不符"),
    "incomplete": mark("证据缺少必备事实，不予采信"),
}


def said(words: dict[str, Said], state: str, context: Context) -> Said:
    """(tone, word) of a state; one without words shows as it is called."""
    tone, text = words.get(state, ("idle", state))
    return tone, context.gettext(text) if state in words else text


def options(words: dict[str, Said], context: Context) -> list[tuple[str, str]]:
    """The states as choices of a filter."""
    return [(state, context.gettext(text)) for state, (_, text) in words.items()]
