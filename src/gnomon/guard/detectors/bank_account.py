"""银行账户 / accounts at a bank that are no card: American routing numbers by their check digit, and accounts of less
than 12 digits after a key word (longer ones are found with the cards). Looked for only where a policy names them: 账号
is said of many things.
"""

from collections.abc import Iterator

from gnomon.guard.detectors.base import Detector, keyed
from gnomon.guard.scan import literal
from gnomon.guard.view import Found, View

ENTITY = "BANK_ACCOUNT"
_ACCOUNTS = (
    "银行账号", "银行帐号", "银行账户", "对公账号", "对公账户", "开户账号", "收款账号", "收款账户", "付款账号",
    "结算账户", "账号", "帐号", "bank account", "bank account number", "account", "account number", "account no",
    "acct", "acct no",
)  # fmt: skip
_ROUTING = ("routing", "routing number", "aba", "aba number", "routing transit number", "rtn")
_END = r"(?![0-9A-Za-z_]|[.\-][0-9])"
_account = keyed(ENTITY, _ACCOUNTS, rf"[0-9]{{8,11}}{_END}")
_routing = keyed(ENTITY, _ROUTING, rf"[0-9]{{9}}{_END}")


def aba(number: str) -> bool:
    """Nine digits with the weights 3, 7, 1 (American Bankers Association)."""
    return sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True)) % 10 == 0


def _find(view: View) -> Iterator[Found]:
    yield from _account(view)
    for item in _routing(view):
        if aba(view.text[item.start : item.end]):
            yield item


DETECTOR = Detector(
    ENTITY,
    "银行账户",
    (*map(literal, ("账号", "帐号", "账户")), b"account", b"acct", b"routing", b"aba", b"rtn"),
    _find,
    visible=(0, 4),
    reach=4,
)
