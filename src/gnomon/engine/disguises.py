"""Labelled texts of our own, to measure masking on: made-up values, in sentences, in every way of writing them.

The sentences are nobody's but this file's: no detector was fitted to them, and samples that are planted or tested with
have others. The same seed gives the same texts.
"""

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from gnomon.engine.planting import KINDS
from gnomon.guard.measure import Labelled, Measurement
from gnomon.guard.policy import Masker

_BEFORE = (
    "您好，麻烦帮我登记一下：",
    "上次说的资料补充如下，",
    "【工单】客户来电反馈，",
    "会议纪要（节选）：",
    "Hi team, please update the file: ",
    "转自同事的聊天：",
    "第二条，",
    "备注-",
)
_AFTER = ("，请在本周内处理。", "。谢谢！", "；其余不变。", " - thanks, see you soon.", "，仅供内部核对。", "\n此致")
# Words that make a number somebody's, where a number alone is not; other ones than planting has, where there are any.
_LEADS: dict[str, tuple[str, ...]] = {
    "CN_ID": ("身份证", "持证人证件号码为", "ID card "),
    "CN_MOBILE": ("打这个号", "联系方式 ", "手机"),
    "CN_LANDLINE": ("座机", "单位电话"),
    "BANK_CARD": ("卡号", "收款卡 ", "card number "),
    "USCC": ("税号", "开票信息：", "社会信用代码为"),
    "EMAIL": ("邮件发到", "抄送 ", "e-mail: "),
    "PASSPORT": ("护照号码", "passport "),
    "HMT_PERMIT": ("回乡证号码", "持台胞证"),
    "DRIVER_LICENCE": ("驾照", "驾驶证号"),
    "OFFICER_ID": ("证件", "军官证上写的是"),
    "PLATE": ("车牌", "开的是"),
    "MRN": ("住院号", "病案号 "),
    "INSURANCE_NO": ("社保号", "参保号："),
    "STUDENT_NO": ("学号", "考生号 "),
    "DOB": ("生于", "出生年月日："),
    "WECHAT": ("加微信号 ", "wechat: "),
    "QQ": ("扣扣", "QQ: "),
    "IP": ("源地址 ", "从 "),
    "MAC": ("网卡 ", "mac "),
    "GEO": ("坐标 ", "位置 "),
    "IMEI": ("串号 ", "设备号"),
    "VIN": ("车辆识别代号 ", "VIN "),
    "IBAN": ("汇到 ", "IBAN: "),
    "US_SSN": ("SSN ", "social security number "),
    "UK_NINO": ("NI number ", "nino "),
    "US_TAX_ID": ("tax ID ", "employer identification number: "),
    "EU_NATIONAL_ID": ("burgerservicenummer ", "BSN: "),
    "EU_VAT": ("VAT ID ", "USt-IdNr "),
    "UK_NHS": ("NHS no ", "NHS: "),
    "PHONE_NUMBER": ("phone ", "reach me at "),
    "API_KEY": ("key=", "令牌 "),
    "PASSWORD": ("口令：", "pwd: "),
    "JWT": ("Bearer ", "凭证 "),
    "PRIVATE_KEY": ("私钥文件：\n", ""),
    "URL_PASSWORD": ("mysql://",),
}
_TAILS = {"URL_PASSWORD": "@db.internal.example/app "}
_NUMBERS = frozenset(("CN_ID", "CN_MOBILE", "BANK_CARD"))
_BREAKABLE = _NUMBERS | {"EMAIL"}
_ALIKE = {"latin": str.maketrans("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ"), "digits": str.maketrans("01", "Ol")}
_FULL = {at: at + 0xFEE0 for at in range(0x21, 0x7F) if chr(at).isalnum()}
_HANZI = str.maketrans("0123456789", "零一二三四五六七八九")


class Written(NamedTuple):
    """A stretch of text, and where in it the value stands in the disguise."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Disguise:
    """One way of writing. `fits` says for which entities and values; `write` puts lead, value and tail into text."""

    name: str
    fits: Callable[[str, str], bool]
    write: Callable[[random.Random, str, str, str], Written]


def samples(seed: str, *, each: int) -> list[dict[str, Any]]:
    """`each` texts of every entity in every way that it can be written, and as many without any value."""
    rng = random.Random(seed)  # noqa: S311 - sample data
    made: list[dict[str, Any]] = []
    for entity, (make, _) in KINDS.items():
        for disguise in DISGUISES:
            for _ in range(each):
                value = make(rng)
                if disguise.fits(entity, value):
                    made.append(_sample(rng, entity, value, disguise))
    return made + [_negative(rng) for _ in range(each * 10)]


def _sample(rng: random.Random, entity: str, value: str, disguise: Disguise) -> dict[str, Any]:
    before = rng.choice(_BEFORE)
    written = disguise.write(rng, rng.choice(_LEADS[entity]), value, _TAILS.get(entity, ""))
    start = len(before) + written.start
    span = {"start": start, "end": start + written.end - written.start, "label": entity, "variant": disguise.name}
    return {"text": before + written.text + rng.choice(_AFTER), "spans": [span]}


def _negative(rng: random.Random) -> dict[str, Any]:
    """Figures, dates, versions, order numbers and codes that are nobody's."""
    said = (
        f"销售额{rng.randint(1, 99)}.{rng.randint(10, 99)}亿元，同比增长{rng.randint(1, 40)}%",
        f"版本 v{rng.randint(1, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 9)} 于2024-{rng.randint(1, 12):02}-11发布",
        f"commit {rng.getrandbits(160):040x}",
        f"共{rng.randint(100, 9999)}例，白细胞{rng.randint(3, 11)}.{rng.randint(0, 9)}×10^9/L",
        f"GET /api/v2/items?page={rng.randint(1, 99)}&q=%E7%BB%BC%E8%BF%B0 HTTP/1.1",
        f"参见GB/T {rng.randint(10000, 49999)}-2019第{rng.randint(1, 9)}章",
        f"logo: {base64.b64encode(rng.randbytes(24)).decode()}",
        f"the population grew to {rng.randint(1, 9)} {rng.randint(100, 999)} {rng.randint(100, 999)} in 2023",
    )
    return {"text": rng.choice(_BEFORE) + rng.choice(said) + rng.choice(_AFTER), "spans": []}


def _whole(change: Callable[[random.Random, str], str]) -> Callable[[random.Random, str, str, str], Written]:
    """The value itself is written otherwise."""

    def write(rng: random.Random, lead: str, value: str, tail: str) -> Written:
        changed = change(rng, value)
        return Written(lead + changed + tail, len(lead), len(lead) + len(changed))

    return write


def _coded(encode: Callable[[str], str]) -> Callable[[random.Random, str, str, str], Written]:
    """Lead and value are an island of code."""

    def write(_rng: random.Random, lead: str, value: str, tail: str) -> Written:
        island = encode(lead + value + tail)
        return Written(f"附件内容 {island} ", 5, 5 + len(island))

    return write


def _nested(_rng: random.Random, lead: str, value: str, tail: str) -> Written:
    """In JSON, in a string of JSON."""
    inner = json.dumps({"note": lead + value + tail})
    text = json.dumps({"payload": inner})
    shown = json.dumps(json.dumps(value)[1:-1])[1:-1]
    at = text.index(shown)
    return Written(text, at, at + len(shown))


def _zero_width(rng: random.Random, value: str) -> str:
    at = rng.randrange(1, len(value))
    return value[:at] + rng.choice("\u200b\u200c\u200d\u2060\ufeff") + value[at:]


def _separated(rng: random.Random, value: str) -> str:
    gap, first = rng.choice((" ", "-", "·")), 3 if len(value) == 11 else 4
    return gap.join((value[:first], *(value[at : at + 4] for at in range(first, len(value), 4))))


def _alike_digits(rng: random.Random, value: str) -> str:
    places = [at for at, char in enumerate(value) if char in "01"]
    chosen = set(rng.sample(places, min(len(places), rng.randint(1, 3))))
    return "".join(char.translate(_ALIKE["digits"]) if at in chosen else char for at, char in enumerate(value))


def _percent(rng: random.Random, value: str) -> str:
    some = rng.choice((1, 3))
    return "".join(
        char if char.isascii() and char.isalnum() and at % some else "".join(f"%{byte:02X}" for byte in char.encode())
        for at, char in enumerate(value)
    )


def _escaped(_rng: random.Random, value: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in value)


def _broken(rng: random.Random, value: str) -> str:
    """An address breaks beside its @ or a full stop of its domain; a number anywhere."""
    if "@" in value:
        at = rng.choice([value.index("@"), value.index("@") + 1, value.rindex(".") + 1])
    else:
        at = rng.randrange(1, len(value))
    end = rng.choice(("\n", "\r\n", "\n")) if "@" in value else rng.choice(("\n", "\r\n", "-\n"))
    return value[:at] + end + value[at:]


def _no_line(_entity: str, value: str) -> bool:
    return "\n" not in value


DISGUISES = (
    Disguise("plain", lambda _e, _v: True, _whole(lambda _rng, value: value)),
    Disguise("fullwidth", _no_line, _whole(lambda _rng, value: value.translate(_FULL))),
    Disguise("zerowidth", _no_line, _whole(_zero_width)),
    Disguise("separated", lambda e, _v: e in _NUMBERS, _whole(_separated)),
    Disguise("hanzi", lambda e, _v: e in ("CN_MOBILE", "BANK_CARD"), _whole(lambda _r, v: v.translate(_HANZI))),
    Disguise(
        "homoglyph",
        lambda _e, value: value.isascii() and "\n" not in value and value.translate(_ALIKE["latin"]) != value,
        _whole(lambda _rng, value: value.translate(_ALIKE["latin"])),
    ),
    Disguise("lookalike", lambda e, v: e in _NUMBERS and any(c in v for c in "01"), _whole(_alike_digits)),
    Disguise("percent", _no_line, _whole(_percent)),
    Disguise("unicode_escape", _no_line, _whole(_escaped)),
    Disguise("base64", lambda _e, _v: True, _coded(lambda text: base64.b64encode(text.encode()).decode())),
    Disguise("hexadecimal", lambda _e, v: v.isascii(), _coded(lambda text: text.encode().hex())),
    Disguise("line_broken", lambda e, _v: e in _BREAKABLE, _whole(_broken)),
    Disguise("nested_json", lambda _e, _v: True, _nested),
)


def documents(texts: list[dict[str, Any]]) -> list[tuple[str, list[Labelled]]]:
    """The samples as they are measured: each text with its true spans."""
    return [
        (
            str(sample["text"]),
            [Labelled(span["start"], span["end"], span["label"], span.get("variant", "")) for span in sample["spans"]],
        )
        for sample in texts
    ]


def measured(masker: Masker, texts: list[dict[str, Any]]) -> Measurement:
    """How the masker does on labelled samples."""
    result = Measurement(frozenset(KINDS))
    for text, true in documents(texts):
        result.add(text, true, masker.mask(text, "input").spans)
    return result
