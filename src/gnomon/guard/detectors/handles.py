"""社交账号 / names in social networks, after the network's name. Looked for only where a policy names them; those of
WeChat and QQ are found in any case.
"""

from gnomon.guard.detectors.base import Detector, keyed
from gnomon.guard.scan import literal

ENTITY = "SOCIAL_HANDLE"
_WORDS = (
    "微博", "微博号", "抖音", "抖音号", "小红书", "小红书号", "快手", "快手号", "知乎", "b站", "钉钉", "钉钉号",
    "飞书", "推特", "领英", "twitter", "instagram", "insta", "facebook", "telegram", "skype", "skype id",
    "snapchat", "tiktok", "linkedin", "whatsapp", "discord", "github", "line id", "weibo", "douyin",
)  # fmt: skip
_SAID = r"(?:(?:[号是为:：=＝]|(?ai:id|is|handle|name|user|username)(?![A-Za-z])|账号|帐号|用户名|[\s\"'“‘「(（]){0,8})"
# A word of letters only is a name when the text says so (号, 是, a colon); else it needs an @, a digit or _.
_VALUE = (
    r"(?:@[A-Za-z0-9_.\-]{3,30}|(?:(?<=[号是为:：=＝])|(?<=[号是为:：=＝]\s)|(?=[A-Za-z.\-]*[0-9_]))"
    r"[A-Za-z0-9_][A-Za-z0-9_.\-]{2,30})(?<![.\-])(?![A-Za-z0-9_@])"
)

DETECTOR = Detector(
    ENTITY, "社交账号", tuple(map(literal, _WORDS)), keyed(ENTITY, _WORDS, _VALUE, gap=_SAID), visible=(2, 1), reach=34
)
