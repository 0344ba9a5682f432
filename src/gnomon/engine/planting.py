"""Made-up personal data of every structured entity, each in a sentence: what is sent to show that it is stored nowhere.

All of it comes from a seed, so that nothing needs to be kept, and passes the check digits that detectors test.
"""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass

from gnomon.guard import checksums

_HEX = "0123456789abcdef"
_MIXED = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Plant:
    """A sentence with a value inside."""

    entity: str
    value: str
    sentence: str


Maker = Callable[[random.Random], str]


def plants(seed: bytes, *, each: int) -> list[Plant]:
    """`each` values of every structured entity, kinds in turn; the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - sample data: who knows the seed learns nothing of anybody
    return [_plant(rng, entity) for _ in range(each) for entity in KINDS]


def _plant(rng: random.Random, entity: str) -> Plant:
    make, around = KINDS[entity]
    value = make(rng)
    return Plant(entity, value, around.format(value))


def _digits(rng: random.Random, count: int) -> str:
    return rng.choice("123456789") + "".join(rng.choices(string.digits, k=count - 1))


def _letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=count))


def _until(fits: Callable[[str], bool], start: str, endings: str) -> str:
    """`start` with the one ending that makes it pass its check."""
    return next(start + end for end in endings if fits(start + end))


def _resident_id(rng: random.Random) -> str:
    born = f"{rng.randint(1940, 2005)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    area = rng.choice(("110105", "310104", "330106", "420106", "510107", "610113"))
    return _until(checksums.resident_id, f"{area}{born}{_digits(rng, 3)}", "0123456789X")


def _credit_code(rng: random.Random) -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = "91330106" + "".join(rng.choices(alphabet, k=9))
    return _until(checksums.social_credit_code, body, alphabet)


def _card(rng: random.Random) -> str:
    return _until(checksums.luhn, rng.choice(("621700", "622848", "622202")) + _digits(rng, 12), string.digits)


def _imei(rng: random.Random) -> str:
    return _until(checksums.luhn, "35" + _digits(rng, 12), string.digits)


def _vin(rng: random.Random) -> str:
    alphabet = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    head, tail = "LSV" + "".join(rng.choices(alphabet, k=5)), "".join(rng.choices(alphabet, k=2)) + _digits(rng, 6)
    return next(head + one + tail for one in "0123456789X" if checksums.vehicle_id(head + one + tail))


def _iban(rng: random.Random) -> str:
    body = "NWBK" + _digits(rng, 14)
    return next(f"GB{n:02}{body}" for n in range(2, 99) if checksums.iban(f"GB{n:02}{body}"))


def _nhs(rng: random.Random) -> str:
    while True:  # one number in eleven has no check digit
        head = _digits(rng, 9)
        for last in string.digits:
            if checksums.nhs(head + last):
                return head + last


def _bsn(rng: random.Random) -> str:
    while True:
        head = _digits(rng, 8)
        for last in string.digits:
            if checksums.dutch_bsn(head + last):
                return head + last


def _private_key(rng: random.Random) -> str:
    lines = "\n".join("".join(rng.choices(_MIXED + "+/", k=64)) for _ in range(2))
    return f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"


def _jwt(rng: random.Random) -> str:
    return "eyJ" + ".".join("".join(rng.choices(_MIXED + "-_", k=n)) for n in (33, 60, 43))


def _ip(rng: random.Random) -> str:
    return ".".join(str(rng.randint(11, 249)) for _ in range(4))


def _mac(rng: random.Random) -> str:
    return ":".join("".join(rng.choices(_HEX, k=2)) for _ in range(6))


def _born(rng: random.Random) -> str:
    return f"{rng.randint(1931, 1969)}年{rng.randint(1, 12)}月{rng.randint(1, 28)}日"


def _place(rng: random.Random) -> str:
    return f"{rng.uniform(20, 50):.6f},{rng.uniform(80, 130):.6f}"


def _plate(rng: random.Random) -> str:
    return rng.choice("京沪浙川鄂陕") + rng.choice("ABCDE") + _digits(rng, 5)


KINDS: dict[str, tuple[Maker, str]] = {
    "CN_ID": (_resident_id, "身份证号是{}，"),
    "CN_MOBILE": (lambda rng: rng.choice(("138", "151", "186")) + _digits(rng, 8), "手机号是{}，"),
    "CN_LANDLINE": (lambda rng: f"0571-8{_digits(rng, 7)}", "座机是{}，"),
    "BANK_CARD": (_card, "退款到银行卡{}，"),
    "USCC": (_credit_code, "统一社会信用代码{}，"),
    "EMAIL": (lambda rng: f"{_letters(rng, 7)}.{_letters(rng, 6)}{_digits(rng, 2)}@example.com", "邮箱是{}，"),
    "PASSPORT": (lambda rng: "E" + rng.choice("ABC") + _digits(rng, 7), "护照号{}，"),
    "HMT_PERMIT": (lambda rng: "H" + _digits(rng, 10), "回乡证号{}，"),
    "DRIVER_LICENCE": (lambda rng: _digits(rng, 12), "驾驶证档案编号{}，"),
    "OFFICER_ID": (lambda rng: f"军字第{_digits(rng, 8)}号", "军官证{}，"),
    "PLATE": (_plate, "车牌是{}，"),
    "MRN": (lambda rng: "ZY" + _digits(rng, 10), "病历号：{}，"),
    "INSURANCE_NO": (lambda rng: _digits(rng, 12), "医保号：{}，"),
    "STUDENT_NO": (lambda rng: "20" + _digits(rng, 10), "学号：{}，"),
    "DOB": (_born, "出生日期：{}，"),
    "WECHAT": (lambda rng: f"{_letters(rng, 8)}_{_digits(rng, 4)}", "微信号：{}，"),
    "QQ": (lambda rng: _digits(rng, 10), "QQ号：{}，"),
    "IP": (_ip, "登录地址是 {} ，"),
    "MAC": (_mac, "网卡地址 {} ，"),
    "GEO": (_place, "定位 {} ，"),
    "IMEI": (_imei, "手机IMEI：{}，"),
    "VIN": (_vin, "车架号：{}，"),
    "IBAN": (_iban, "IBAN {} ，"),
    "US_SSN": (lambda rng: f"{rng.randint(110, 660)}-{rng.randint(11, 99)}-{_digits(rng, 4)}", "SSN: {} ，"),
    "UK_NINO": (lambda rng: f"AB{_digits(rng, 6)}C", "NINO: {} ，"),
    "US_TAX_ID": (lambda rng: f"{rng.randint(10, 99)}-{_digits(rng, 7)}", "EIN: {} ，"),
    "EU_NATIONAL_ID": (_bsn, "BSN {} ，"),
    "EU_VAT": (lambda rng: "DE" + _digits(rng, 9), "VAT number {} ，"),
    "UK_NHS": (_nhs, "NHS number {} ，"),
    "PHONE_NUMBER": (lambda rng: f"({rng.randint(210, 980)}) 555-{_digits(rng, 4)}", "call {} ，"),
    "API_KEY": (lambda rng: "sk-" + "".join(rng.choices(_MIXED, k=40)), "密钥 {} ，"),
    "PASSWORD": (lambda rng: _letters(rng, 6) + "#" + _digits(rng, 6), "密码：{} ，"),
    "JWT": (_jwt, "令牌 {} ，"),
    "PRIVATE_KEY": (_private_key, "文件：\n{}\n"),
    "URL_PASSWORD": (
        lambda rng: f"{_letters(rng, 6)}:{_letters(rng, 8)}{_digits(rng, 4)}",
        "postgres://{}@db.example.com/x ，",
    ),
}
"""Entity -> how a value is made, and the words around it that detectors with key words ask for."""
