"""What the pages of de-identification share: names of entities, operators and ways of writing, and their tabs."""

from typing import Final

from gnomon.console.reader import Reader
from gnomon.contract.masking import FIELD, MaskPolicy
from gnomon.control.privacy.trying import Part
from gnomon.guard.detectors import DETECTORS, ON_REQUEST
from gnomon.kit.i18n import mark

LEAK: Final = "privacy.leak_measured"
STORED: Final = "privacy.stored_bytes_scanned"
CONTROL: Final = "CTL-leak-ratio"
NAMES: Final = ("PERSON", "ORGANIZATION", "ADDRESS", "LOCATION")

ENTITIES: Final = {
    "PERSON": mark("姓名"),
    "ORGANIZATION": mark("机构"),
    "ADDRESS": mark("住址"),
    "LOCATION": mark("地名"),
    "CN_ID": mark("居民身份证号"),
    "CN_MOBILE": mark("手机号"),
    "CN_LANDLINE": mark("固定电话"),
    "PHONE_NUMBER": mark("境外电话"),
    "EMAIL": mark("电子邮箱"),
    "BANK_CARD": mark("银行卡号"),
    "USCC": mark("统一社会信用代码"),
    "PASSPORT": mark("护照号"),
    "HMT_PERMIT": mark("港澳台通行证"),
    "DRIVER_LICENCE": mark("驾驶证号"),
    "OFFICER_ID": mark("军官证号"),
    "PLATE": mark("车牌号"),
    "MRN": mark("病历号"),
    "INSURANCE_NO": mark("社保号"),
    "STUDENT_NO": mark("学籍号"),
    "DOB": mark("出生日期"),
    "AGE": mark("年龄"),
    "DATE_TIME": mark("日期与时间"),
    "NATIONALITY": mark("国籍、民族、信仰、政治面貌"),
    "POSTCODE": mark("邮政编码"),
    "WEB_ADDRESS": mark("网址"),
    "BANK_ACCOUNT": mark("银行账户"),
    "MEDICAL_LICENCE": mark("医护执业证号"),
    "SOCIAL_HANDLE": mark("社交账号"),
    "WALLET": mark("加密货币钱包"),
    "UUID": mark("UUID"),
    "WECHAT": mark("微信号"),
    "QQ": mark("QQ 号"),
    "IP": mark("IP 地址"),
    "MAC": mark("MAC 地址"),
    "GEO": mark("经纬度"),
    "IMEI": mark("设备识别码"),
    "VIN": mark("车架号"),
    "IBAN": mark("国际银行账号"),
    "US_SSN": mark("美国社会安全号"),
    "US_TAX_ID": mark("美国税号"),
    "UK_NINO": mark("英国国民保险号"),
    "UK_NHS": mark("英国医保号"),
    "EU_NATIONAL_ID": mark("欧盟成员国证件号"),
    "EU_VAT": mark("欧盟增值税号"),
    "PRIVATE_KEY": mark("私钥"),
    "API_KEY": mark("接口密钥"),
    "JWT": mark("登录令牌"),
    "PASSWORD": mark("口令"),
    "URL_PASSWORD": mark("网址中的口令"),
    FIELD: mark("整个字段"),
    "*": mark("其他所有实体"),
}
OPERATORS: Final = {  # tone by what is left: nothing, a part, something that comes back, all
    "keep": ("warn", mark("保留")),
    "mask": ("info", mark("部分遮盖")),
    "generalise": ("info", mark("泛化")),
    "redact": ("ok", mark("删除")),
    "hash": ("ok", mark("哈希")),
    "pseudonym": ("ok", mark("假名")),
    "surrogate": ("info", mark("仿真替换")),
    "encrypt": ("ok", mark("加密")),
    "block": ("bad", mark("拦截整段")),
}
PURPOSES: Final = {
    "gateway": mark("网关实时"),
    "record": mark("留存记录"),
    "log": mark("日志"),
    "trace": mark("链路追踪"),
    "error": mark("错误信息"),
    "export": mark("导出"),
    "evaluation": mark("评测"),
    "training": mark("训练"),
    "feedback": mark("反馈"),
    "ticket": mark("工单"),
}
DIRECTIONS: Final = {"input": mark("输入方向"), "output": mark("输出方向"), "both": mark("双向")}
SPEEDS: Final = {
    "structured": mark("只查结构化标识"),
    "names": mark("加查姓名、机构、地址"),
    "deep": mark("深度（更准，更慢）"),
}
DISGUISES: Final = {
    "plain": mark("原样"),
    "fullwidth": mark("全角"),
    "zerowidth": mark("夹零宽字符"),
    "separated": mark("分段书写"),
    "hanzi": mark("汉字数字"),
    "homoglyph": mark("形近字母"),
    "lookalike": mark("形近数字"),
    "percent": mark("百分号编码"),
    "unicode_escape": mark("Unicode 转义"),
    "base64": mark("Base64"),
    "hexadecimal": mark("十六进制"),
    "line_broken": mark("跨行断开"),
    "nested_json": mark("嵌套 JSON"),
}
_PAGES: Final = (
    ("/privacy", mark("概况"), "mask_policy.view"),
    ("/privacy/try", mark("试用"), "mask_policy.view"),
    ("/privacy/measure", mark("泄漏实测"), "mask_policy.view"),
    ("/privacy/subjects", mark("个人权利请求"), "rights_request.view"),
)


def tabs(reader: Reader) -> list[tuple[str, str, bool, None]]:
    """The pages of de-identification that this person may see."""
    here = reader.view.path
    return [
        (reader.context.gettext(word), path, path == here, None) for path, word, right in _PAGES if reader.may(right)
    ]


def entity(reader: Reader, name: str, policy: MaskPolicy | None = None) -> str:
    """The entity in words; one of the company's own is called as its policy says."""
    own = _own(policy) if policy else {}
    if name in own:
        return own[name]
    return reader.context.gettext(ENTITIES[name]) if name in ENTITIES else name


def _own(policy: MaskPolicy) -> dict[str, str]:
    """entity → label of what the policy itself describes."""
    found = {one.entity: one.label for one in policy.terms}
    found |= {one.entity: one.label for one in policy.patterns}
    return found | {one.entity: one.label for one in policy.fingerprints}


def entities(reader: Reader, policy: MaskPolicy) -> list[tuple[str, str]]:
    """(entity, word) of all that a rule of the policy may name."""
    known = dict.fromkeys(("*", *_own(policy), *NAMES, *(one.entity for one in (*DETECTORS, *ON_REQUEST)), FIELD))
    return [(name, entity(reader, name, policy)) for name in known]


def operator(reader: Reader, name: str, format: str = "") -> tuple[str, str]:
    """Tone and word of an operator with its format; empty for what is not looked for."""
    _ = reader.context.gettext
    if not name:
        return "idle", _("不识别")
    tone, word = OPERATORS.get(name, ("idle", name))
    said = _(word) if name in OPERATORS else word
    return tone, _("%(operator)s（%(format)s）", operator=said, format=format) if format else said


def purposes(reader: Reader, names: tuple[str, ...]) -> str:
    """The purposes in words; all of them are «all»."""
    _ = reader.context.gettext
    if not names or set(names) == set(PURPOSES):
        return _("所有用途")
    return _("、").join(_(PURPOSES[name]) for name in names if name in PURPOSES)


def direction(reader: Reader, name: str) -> str:
    return reader.context.gettext(DIRECTIONS[name])


def shown(reader: Reader, part: Part, policy: MaskPolicy) -> dict[str, str]:
    """A part of a text for the template: what was found is named with what happens to it."""
    tone, word = operator(reader, part.operator) if part.entity else ("", "")
    named = entity(reader, part.entity, policy) if part.entity else ""
    return {
        "text": printable(part.text),
        "stands": printable(part.stands),
        "tone": tone,
        "operator": word,
        "entity": named,
    }


def printable(text: str) -> str:
    """`text` as a page can hold it: JSON may bring half a surrogate pair, UTF-8 has none."""
    return text.encode("utf-8", "replace").decode()


def options(reader: Reader, words: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, reader.context.gettext(word)) for name, word in words.items()]
