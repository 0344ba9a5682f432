"""Personal data that is planted in a known share of the traffic. Made from a seed, so that it need not be kept."""

import random
from dataclasses import dataclass

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_CHECK = "10X98765432"


@dataclass(frozen=True, slots=True)
class Plant:
    """A sentence with a value inside, e.g. `请联系 13812345678`."""

    entity: str
    value: str
    sentence: str


def plants(seed: int, n: int) -> list[Plant]:
    """`n` plants, kinds in turn; the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - sample data, not a secret
    makers = (_mobile, _identity, _card, _email)
    return [makers[place % len(makers)](rng) for place in range(n)]


def _mobile(rng: random.Random) -> Plant:
    value = rng.choice(("138", "139", "150", "186", "177")) + "".join(rng.choices("0123456789", k=8))
    return Plant("CN_MOBILE", value, f"客服回电请拨{value}。")


def _identity(rng: random.Random) -> Plant:
    birth = f"{rng.randint(1960, 2004)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    body = rng.choice(("110101", "310115", "440305", "510104")) + birth + f"{rng.randint(1, 999):03d}"
    value = body + _CHECK[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]
    return Plant("CN_ID", value, f"登记的身份证号是{value}，")


def _card(rng: random.Random) -> Plant:
    body = "622202" + "".join(rng.choices("0123456789", k=12))
    total = 0
    for place, digit in enumerate(reversed(body)):
        double = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += double - 9 if double > 9 else double
    value = body + str(-total % 10)
    return Plant("BANK_CARD", value, f"请退款到银行卡{value}。")


def _email(rng: random.Random) -> Plant:
    letters = "abcdefghjkmnpqrstuvwxyz"
    value = "".join(rng.choices(letters, k=8)) + str(rng.randint(10, 99)) + "@example.com"
    return Plant("EMAIL", value, f"发票寄到{value}，")
