"""微信、QQ / messenger accounts, after their key words."""

from gnomon.guard.detectors.base import Detector, keyed
from gnomon.guard.scan import literal

_WECHAT = ("微信", "微信号", "wechat", "weixin", "wxid", "vx", "薇信", "威信", "加我vx", "加v")
_QQ = ("qq", "扣扣", "企鹅号", "q号", "qq号", "qq群")
_SAID = r"(?:(?:[号是为:：=＝]|(?ai:id|is)(?![A-Za-z])|账号|帐号|[\s\"'“‘「(（]){0,8})"

WECHAT = Detector(
    "WECHAT",
    "微信",
    tuple(map(literal, ("微信", "wechat", "weixin", "wxid", "vx", "薇信", "威信", "加v"))),
    # A word of letters only is an account name when the text says so (号, 是, a colon); else it needs a digit or _.
    keyed(
        "WECHAT",
        _WECHAT,
        r"(?:(?<=[号是为:：=＝\"'“‘「])|(?<=[号是为:：=＝]\s)|(?=[A-Za-z\-]*[0-9_]))"
        r"[A-Za-z][A-Za-z0-9_\-]{5,19}(?![A-Za-z0-9_\-@])",
        gap=_SAID,
    ),
    visible=(1, 2),
)
QQ = Detector(
    "QQ",
    "QQ",
    tuple(map(literal, ("qq", "扣扣", "企鹅号", "q号"))),
    keyed("QQ", _QQ, r"[1-9][0-9]{4,10}(?![A-Za-z0-9@])"),
    visible=(2, 2),
)
