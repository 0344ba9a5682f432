"""What the states of things are called on pages, each with the tone of its badge."""

from typing import Final

from gnomon.console.render import Context
from gnomon.kit.error_texts import told
from gnomon.kit.errors import GnomonError
from gnomon.kit.i18n import mark

_VERDICT: Final = {
    "met": ("ok", mark("达标")),
    "not_met": ("bad", mark("未达标")),
    "insufficient": ("warn", mark("数据不足")),
    "not_measured": ("idle", mark("未测量")),
    "invalid": ("bad", mark("无效")),
}
STATES: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "verdict": _VERDICT,
    "approval": {
        "pending": ("info", mark("待审批")),
        "approved": ("ok", mark("已批准")),
        "rejected": ("bad", mark("已退回")),
        "void": ("idle", mark("已作废")),
    },
    "requirements": {
        "draft": ("idle", mark("草稿")),
        "submitted": ("info", mark("待审批")),
        "approved": ("ok", mark("已批准")),
        "rejected": ("bad", mark("已退回")),
    },
    "deployment": {
        "draft": ("idle", mark("草稿")),
        "submitted": ("info", mark("待审批")),
        "approved": ("ok", mark("已批准")),
        "rejected": ("bad", mark("已退回")),
        "installing": ("info", mark("安装中")),
        "install_failed": ("bad", mark("安装失败")),
        "initialised": ("info", mark("已初始化")),
        "testing": ("info", mark("测试中")),
        "tested": ("ok", mark("测试通过")),
        "test_failed": ("bad", mark("测试未通过")),
        "live": ("ok", mark("已上线")),
        "retired": ("idle", mark("已下线")),
    },
    "candidate": {
        "loading": ("info", mark("加载中")),
        "load_failed": ("bad", mark("加载失败")),
        "testing": ("info", mark("测试中")),
        "tested": ("ok", mark("测试通过")),
        "test_failed": ("bad", mark("测试未通过")),
    },
    "release": {
        "requested": ("info", mark("待审批")),
        "approved": ("ok", mark("已批准")),
        "rejected": ("bad", mark("已退回")),
        "canary": ("info", mark("灰度中")),
        "full": ("ok", mark("已全量")),
        "retreated": ("bad", mark("已自动回退")),
        "rolled_back": ("warn", mark("已回滚")),
        "aborted": ("idle", mark("已中止")),
    },
    "version": {
        "draft": ("idle", mark("草稿")),
        "checking": ("info", mark("校验中")),
        "checked": ("ok", mark("已校验")),
        "refused": ("bad", mark("已拒收")),
    },
    "stage": {
        "development": ("idle", mark("开发")),
        "deployment": ("info", mark("部署")),
        "use": ("ok", mark("使用")),
        "maintenance": ("warn", mark("维护")),
        "retired": ("idle", mark("已下线")),
    },
    "job": {
        "queued": ("idle", mark("排队中")),
        "running": ("info", mark("运行中")),
        "completed": ("ok", mark("已完成")),
        "failed": ("bad", mark("失败")),
        "cancelled": ("idle", mark("已取消")),
    },
    "step": {
        "done": ("ok", mark("完成")),
        "passed": ("ok", mark("通过")),
        "failed": ("bad", mark("失败")),
        **_VERDICT,
    },
    "finding": {
        "open": ("warn", mark("待处理")),
        "in_case": ("info", mark("整改中")),
        "closed": ("ok", mark("已关闭")),
        "rejected": ("idle", mark("已驳回")),
    },
    "severity": {
        "low": ("idle", mark("低")),
        "medium": ("info", mark("中")),
        "high": ("warn", mark("高")),
        "critical": ("bad", mark("严重")),
    },
    "level": {
        "general": ("idle", mark("一般")),
        "important": ("warn", mark("重要")),
        "critical": ("bad", mark("严重")),
    },
    "case": {
        "open": ("idle", mark("已立项")),
        "assessed": ("info", mark("已评估")),
        "planned": ("info", mark("方案待审批")),
        "approved": ("ok", mark("方案已批准")),
        "implementing": ("info", mark("实施中")),
        "verifying": ("info", mark("验证中")),
        "verified": ("info", mark("已验证")),
        "next_round": ("warn", mark("转入下一轮")),
        "closed": ("ok", mark("已销号")),
    },
    "measure": {
        "planned": ("idle", mark("未开始")),
        "running": ("info", mark("进行中")),
        "done": ("ok", mark("完成")),
        "failed": ("bad", mark("失败")),
    },
    "slice": {
        "weaker": ("bad", mark("明显偏弱")),
        "not_shown": ("ok", mark("未见偏弱")),
        "better": ("ok", mark("变好")),
        "worse": ("bad", mark("变差")),
        "no_change_shown": ("idle", mark("未见变化")),
        "insufficient": ("warn", mark("数据不足")),
    },
    "report": {
        "queued": ("info", mark("生成中")),
        "ready": ("ok", mark("已生成")),
        "failed": ("bad", mark("失败")),
    },
    "outcome": {
        "ok": ("ok", mark("应答成功")),
        "bad_request": ("warn", mark("请求不合规")),
        "unauthorised": ("warn", mark("密钥无效")),
        "forbidden": ("warn", mark("无权访问")),
        "banned": ("warn", mark("已封禁")),
        "limited": ("warn", mark("超出额度")),
        "blocked": ("warn", mark("被拦截")),
        "upstream_refused": ("warn", mark("模型拒答")),
        "upstream_error": ("bad", mark("模型出错")),
        "upstream_unreachable": ("bad", mark("模型不可达")),
        "timeout": ("bad", mark("超时")),
        "client_gone": ("idle", mark("调用方中断")),
        "internal": ("bad", mark("网关出错")),
    },
}

NAMES: Final[dict[str, dict[str, str]]] = {
    "task": {
        "classification": mark("分类"),
        "extraction": mark("抽取"),
        "question_answering": mark("问答"),
        "chat": mark("对话"),
        "generation": mark("生成"),
    },
    "kind": {"base": mark("基座"), "adapter": mark("适配器")},
    "purpose": {
        "train": mark("训练"),
        "validation": mark("验证用"),
        "test": mark("测试"),
        "feedback": mark("反馈"),
        "development": mark("开发"),
        "baseline": mark("基线"),
        "verification": mark("复测"),
        "comparison": mark("对比"),
        "exploration": mark("探查"),
        "masking": mark("脱敏影响"),
    },
    "mask_purpose": {"evaluation": mark("用于评测"), "training": mark("用于训练")},
    "measure": {
        "data": mark("数据"),
        "algorithm": mark("算法"),
        "application": mark("应用"),
        "security": mark("安全"),
        "experience": mark("体验"),
    },
    "method": {"lora": mark("LoRA 训练（平台执行）"), "by_hand": mark("人工执行")},
    "budget": {"person_days": mark("人力"), "compute": mark("算力"), "purchase": mark("采购")},
    "aim": {
        "accuracy": mark("准确性"),
        "data_security": mark("数据安全"),
        "user_experience": mark("用户体验"),
        "trade_standards": mark("行业规范"),
    },
    "part": {
        "accountable": mark("负责"),
        "responsible": mark("执行"),
        "consulted": mark("咨询"),
        "informed": mark("知会"),
    },
}


def badge(context: Context, kind: str, state: str) -> tuple[str, str]:
    """Tone and word of a state; one that is not known here is shown as it is, never green."""
    tone, word = STATES[kind].get(state, ("idle", ""))
    return tone, context.gettext(word) if word else state or "–"


def name(context: Context, kind: str, value: str) -> str:
    word = NAMES[kind].get(value)
    return context.gettext(word) if word else value


def options(context: Context, kind: str) -> list[tuple[str, str]]:
    """(value, word) of every state or name of a kind, for a choice."""
    if kind in STATES:
        return [(state, context.gettext(word)) for state, (_, word) in STATES[kind].items()]
    return [(value, context.gettext(word)) for value, word in NAMES[kind].items()]


def reason(context: Context, error: GnomonError) -> str:
    """Why a button is off, in one line."""
    words = told(error, context.locale)
    return context.gettext("%(what)s；%(next)s", what=words.title, next=words.next_step)
