"""Samples with known spans: every value is made up, every template is the tests' own."""

import random
from collections.abc import Callable
from dataclasses import dataclass

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_HANZI = str.maketrans("0123456789", "零一二三四五六七八九")
_FULL = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Sample:
    text: str
    spans: tuple[tuple[int, int, str], ...]


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def resident_id(rng: random.Random) -> str:
    body = rng.choice(("110101", "441900", "522628", "810000")) + (
        f"{rng.randint(1930, 2024)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{_digits(rng, 3)}"
    )
    total = sum(int(char) * weight for char, weight in zip(body, _ID_WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def bank_card(rng: random.Random) -> str:
    prefix, length = rng.choice((("621700", 19), ("622848", 19), ("411111", 16), ("545454", 16), ("625500", 16)))
    body = prefix + _digits(rng, length - 7)
    total = 0
    for place, char in enumerate(reversed(body)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def mobile(rng: random.Random) -> str:
    return "1" + rng.choice("3456789") + _digits(rng, 9)


def landline(rng: random.Random) -> str:
    return rng.choice(("010", "021", "0755", "0931")) + "-" + rng.choice("2345678") + _digits(rng, 7)


def abroad(rng: random.Random) -> str:
    """A number of another country: its code behind a plus, in brackets or behind 00; or as Americans give theirs."""
    ways = {
        "1": (f"{rng.randint(200, 989)}", "555", _digits(rng, 4)),
        "44": ("20", "7946", _digits(rng, 4)),
        "49": ("30", f"90{_digits(rng, 4)}"),
        "65": (f"61{_digits(rng, 2)}", _digits(rng, 4)),
        "81": ("3", "1234", _digits(rng, 4)),
        "852": (f"2{_digits(rng, 3)}", _digits(rng, 4)),
        "": (f"({rng.randint(200, 989)})", f"555-{_digits(rng, 4)}"),
    }
    code = rng.choice(sorted(ways))
    joint = rng.choice((" ", "-", "")) if code else " "
    marked = rng.choice((f"+{code}{joint}", f"(+{code}){joint}", f"00{code} ")) if code else ""
    return marked + (" " if marked.startswith("00") else joint).join(ways[code])


def credit_code(rng: random.Random) -> str:
    body = "91" + rng.choice(("110101", "441900")) + "".join(rng.choice(_USCC) for _ in range(9))
    weights = [3**place % 31 for place in range(17)]
    total = sum(_USCC.index(char) * weight for char, weight in zip(body, weights, strict=True))
    return body + _USCC[-total % 31]


def plate(rng: random.Random) -> str:
    tail = rng.choice((f"{_digits(rng, 5)}", f"D{_digits(rng, 5)}", f"{_digits(rng, 4)}学", f"{_digits(rng, 5)}F"))
    return rng.choice("京沪粤川新云") + rng.choice("ABCDE") + tail


def email(rng: random.Random) -> str:
    return f"{_word(rng)}.{_word(rng)}{rng.randint(1, 99)}@{rng.choice(('example.com', 'mail.example.com.cn'))}"


def _word(rng: random.Random, low: int = 4, high: int = 8) -> str:
    return "".join(rng.choice(_LETTERS) for _ in range(rng.randint(low, high)))


def ip(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return f"2001:db8:{rng.randint(1, 9999):x}::{rng.randint(1, 9999):x}:{rng.randint(1, 99):x}"
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


def mac(rng: random.Random) -> str:
    return rng.choice(":-").join([f"{rng.randint(0, 255):02x}" for _ in range(6)])


def birth(rng: random.Random) -> str:
    year, month, day = rng.randint(1940, 2020), rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice((f"{year}年{month}月{day}日", f"{year}-{month:02}-{day:02}", f"{year}/{month}/{day}"))


def api_key(rng: random.Random) -> str:
    mixed = _LETTERS + _LETTERS.upper() + "0123456789"
    return rng.choice(("sk-", "ghp_")) + "".join(rng.choice(mixed) for _ in range(36))


def jwt(rng: random.Random) -> str:
    mixed = _LETTERS + "0123456789-_"
    return "eyJ" + ".".join("".join(rng.choice(mixed) for _ in range(rng.randint(12, 40))) for _ in range(3))


def private_key(rng: random.Random) -> str:
    lines = "\n".join(
        "".join(rng.choice(_LETTERS + "0123456789+/") for _ in range(64)) for _ in range(rng.randint(1, 3))
    )
    return f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----"


def iban(rng: random.Random) -> str:
    body = "DEUT" + _digits(rng, 14)
    check = 98 - int("".join(str(int(char, 36)) for char in body + "GB00")) % 97
    plain = f"GB{check:02}{body}"
    return plain if rng.random() < 0.5 else " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def imei(rng: random.Random) -> str:
    body = "35" + _digits(rng, 12)
    total = 0
    for place, char in enumerate(reversed(body)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def _passing(rng: random.Random, check: Callable[[str], bool], length: int) -> str:
    while True:
        value = _digits(rng, length)
        if check(value):
            return value


def nhs(rng: random.Random) -> str:
    value = _passing(
        rng, lambda one: sum(int(c) * (10 - n) for n, c in enumerate(one[:9])) % 11 == (-int(one[9])) % 11, 10
    )
    return value if rng.random() < 0.5 else f"{value[:3]} {value[3:6]} {value[6:]}"


def dni(rng: random.Random) -> str:
    number = rng.randint(10_000_000, 99_999_999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def geo(rng: random.Random) -> str:
    return f"{rng.uniform(18, 53):.5f}{rng.choice((',', ', '))}{rng.uniform(74, 134):.5f}"


# entity: (how to make a value, how to introduce it). The key words are part of the task, the sentences are not.
KINDS: dict[str, tuple[Callable[[random.Random], str], tuple[str, ...]]] = {
    "CN_ID": (resident_id, ("本人证件", "核对过了 ", "ID:", "（")),
    "BANK_CARD": (bank_card, ("打到", "card ", "卡 ")),
    "CN_MOBILE": (mobile, ("打", "call me at ", "tel", "回电")),
    "CN_LANDLINE": (landline, ("总机", "办公室 ", "(")),
    "USCC": (credit_code, ("执照上写着", "代码 ")),
    "PLATE": (plate, ("停着", "那辆", "plate ")),
    "EMAIL": (email, ("写信到", "mail ", "<")),
    "IP": (ip, ("来自", "host ", "[")),
    "MAC": (mac, ("网卡", "mac ")),
    "DOB": (birth, ("生日是", "出生日期：", "date of birth: ")),
    "API_KEY": (api_key, ("用", "key=", "export K=")),
    "JWT": (jwt, ("令牌", "Authorization: Bearer ")),
    "PRIVATE_KEY": (private_key, ("文件内容\n", "")),
    "URL_PASSWORD": (lambda rng: f"{_word(rng)}:{_word(rng)}9", ("postgres://",)),
    "PASSPORT": (lambda rng: f"E{rng.choice('ABC')}{_digits(rng, 7)}", ("护照", "passport no. ")),
    "HMT_PERMIT": (lambda rng: f"H{_digits(rng, 8)}", ("回乡证", "来往内地通行证号：")),
    "DRIVER_LICENCE": (lambda rng: f"{_digits(rng, 12)}", ("档案编号",)),
    "OFFICER_ID": (lambda rng: f"军字第{_digits(rng, 7)}号", ("持", "出示")),
    "WECHAT": (lambda rng: f"{_word(rng, 5, 8)}_{_digits(rng, 3)}", ("微信", "加微信号：", "wechat: ")),
    "QQ": (lambda rng: f"{rng.randint(10000, 9999999999)}", ("QQ", "QQ号是")),
    "MRN": (lambda rng: f"ZY{_digits(rng, 8)}", ("病历号", "住院号：")),
    "INSURANCE_NO": (lambda rng: _digits(rng, 10), ("医保号", "社保卡号: ")),
    "STUDENT_NO": (lambda rng: f"20{_digits(rng, 8)}", ("学号", "准考证号 ")),
    "GEO": (geo, ("定位", "at ")),
    "IMEI": (imei, ("串号", "IMEI ")),
    "VIN": (lambda _: "1HGCM82633A004352", ("车架号", "vin ")),
    "IBAN": (iban, ("iban ", "转至")),
    "US_SSN": (
        lambda rng: f"{rng.randint(100, 600)}-{rng.randint(10, 99)}-1{_digits(rng, 3)}",
        ("ssn ", "SSN: "),
    ),
    "UK_NINO": (lambda rng: f"AB{_digits(rng, 6)}C", ("nino ", "保险 ")),
    "US_TAX_ID": (
        lambda rng: (
            f"{rng.randint(10, 88)}-{_digits(rng, 7)}"
            if rng.random() < 0.5
            else f"9{_digits(rng, 2)}-7{_digits(rng, 1)}-{_digits(rng, 4)}"
        ),
        ("EIN ", "tax id: "),
    ),
    "EU_NATIONAL_ID": (dni, ("DNI ", "NIF: ")),
    "EU_VAT": (lambda rng: rng.choice(("DE", "PL", "ATU")) + _digits(rng, 9), ("VAT ", "USt-ID: ")),
    "UK_NHS": (nhs, ("NHS ", "NHS number: ")),
    "PHONE_NUMBER": (abroad, ("call ", "")),
    "PASSWORD": (lambda rng: f"{_word(rng)}{rng.choice('!#9')}{_digits(rng, 3)}", ("密码：", "password: ", "pwd=")),
}
_AFTER = {"URL_PASSWORD": ("@db.example.com/x ",), "CN_LANDLINE": ("。", "，", " ")}
_ENDS = ("。", "，然后", " ok ", "\n", "；", "）")
_FILLER = ("今天下午三点开会，", "The report is ready. ", "请尽快处理，谢谢。", "见第3章 ", "一共二十一人，", "")
OBFUSCATED = ("CN_ID", "BANK_CARD", "CN_MOBILE")


def obfuscate(rng: random.Random, entity: str, value: str) -> str:
    """The value as somebody writes it who does not want it found."""
    if entity not in OBFUSCATED:
        return value
    way = rng.randrange(6)
    if way == 0:
        return value.translate(_FULL)
    if way == 1:
        at = rng.randrange(1, len(value))
        return value[:at] + rng.choice("\u200b\u200d\u2060\ufeff\u00ad") + value[at:]
    if way == 2:
        gap = rng.choice((" ", "-", "—", "·"))
        return gap.join(value[at : at + 4] for at in range(0, len(value), 4))
    if way == 3 and entity != "CN_ID":
        return value.translate(_HANZI)
    return value


def sample(rng: random.Random, *, entities: tuple[str, ...] = tuple(KINDS), most: int = 4) -> Sample:
    """A text with one to `most` values and their true spans."""
    text, spans = rng.choice(_FILLER), []
    for entity in rng.choices(entities, k=rng.randint(1, most)):
        make, leads = KINDS[entity]
        value = obfuscate(rng, entity, make(rng))
        text += rng.choice(leads)
        spans.append((len(text), len(text) + len(value), entity))
        text += value + rng.choice(_AFTER.get(entity, _ENDS)) + rng.choice(_FILLER)
    return Sample(text, tuple(spans))
