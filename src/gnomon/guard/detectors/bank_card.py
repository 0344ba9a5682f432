"""银行卡 / payment cards: Luhn check and issuer ranges; account numbers with a key word."""

import re

from gnomon.guard.checksums import luhn
from gnomon.guard.detectors.base import Detector, Words, numbers, unbroken
from gnomon.guard.scan import LONG_NUMBER
from gnomon.guard.view import Number, View

# ISO/IEC 7812 first digits of UnionPay, Visa, Mastercard, Amex, Diners, JCB, Discover, and older Chinese ranges.
_ISSUERS = re.compile(
    r"62\d{14,17}|4\d{12}|4\d{15}|4\d{18}|5[0-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|35\d{14}|6(?:011|5\d\d|4[4-9]\d)\d{12}|"
    r"(?:436742|45\d{4}|9558\d\d|955\d{3}|60\d{4}|68\d{4}|8[01]\d{4}|9[046]\d{4})\d{10,13}"
)
NAMED = Words(
    (
        "银行卡",
        "卡号",
        "借记卡",
        "信用卡",
        "储蓄卡",
        "银行账号",
        "银行帐号",
        "银行账户",
        "账号",
        "帐号",
        "尾号",
        "收款账户",
        "card",
        "cc",
        "visa",
        "mastercard",
        "maestro",
        "amex",
        "card number",
        "account",
        "account number",
        "acct",
    )
)
_is_named = NAMED.before


def _judge(view: View, number: Number) -> float:
    value = number.digits
    gaps = unbroken(view, number)
    if len(set(gaps)) > 1 or value[-1] == "X" or (gaps and gaps[0] not in (" ", "-", "·", "—")):
        return 0.0
    if len(value) >= 13 and _ISSUERS.fullmatch(value) and luhn(value):
        return 1.0
    return 0.8 if _is_named(view, number.start) else 0.0


DETECTOR = Detector("BANK_CARD", "银行卡", LONG_NUMBER, numbers("BANK_CARD", range(12, 20), _judge), visible=(4, 4))
