"""Expected errors in the reader's language: the domains say them in English with facts, a page says them whole.

What has no sentence here is shown as the domain said it; the code and the facts are always the domain's own.
"""

from typing import Final

from gnomon.console.reader import refusal
from gnomon.console.render import Context
from gnomon.control.people.rules import FAILURE_WINDOW, FAILURES, PASSWORD_MIN
from gnomon.control.rulebook.rules import load
from gnomon.kit.errors import GnomonError
from gnomon.kit.i18n import mark

_WORDS: Final[dict[str, tuple[str, str]]] = {  # code: what happened, what to do
    "sign_in_needed": (mark("需要登录后才能操作。"), mark("登录后再试。")),
    "bad_credentials": (mark("账号或密码不对。"), mark("再试一次，或请系统管理员重发邀请链接。")),
    "sign_in_locked": (
        mark("%(minutes)s 分钟内密码错了 %(failures)s 次，账号暂时锁定。"),
        mark("%(minutes)s 分钟后再试，或请系统管理员重发邀请链接。"),
    ),
    "weak_password": (
        mark("密码至少 %(least)s 个字符，且不能包含账号。"),
        mark("换一个更长、与账号无关的密码。"),
    ),
    "own_request": (mark("这是你提交或由你执行的事项，不能自己审批。"), mark("由另一位有权的人决定。")),
    "already_voted": (mark("你已经表决过了。"), mark("等其他人表决。")),
    "posts_exclude_each_other": (mark("这些岗位不能由同一人兼任。"), mark("分给两个人。")),
    "cross_site": (mark("这次提交来自另一个网站，已拒绝。"), mark("在本站打开页面后重新提交。")),
    "not_in_rulebook": (mark("制度里没有这一条。"), mark("从「制度条款」页面选择。")),
    "not_found": (mark("没有这个页面或记录，可能已改名或地址有误。"), mark("从侧栏进入，或检查地址。")),
}


class Told(GnomonError):
    """The same error in other words."""


def in_words(context: Context, error: GnomonError) -> GnomonError:
    """`error` with message and next step in the reader's language where there are words for it."""
    found = _denied(context, error) or _known(context, error)
    if found is None:
        return error
    message, next_step = found
    told = Told(message, next_step=next_step, **_shown(error))
    told.code, told.status = error.code, error.status  # type: ignore[misc]  # of this one error, not of its class
    return told


def _known(context: Context, error: GnomonError) -> tuple[str, str] | None:
    if error.code not in _WORDS:
        return None
    message, next_step = (context.gettext(text, **_places(text)) for text in _WORDS[error.code])
    return message, next_step


def _places(text: str) -> dict[str, int]:
    """The limits that a sentence names."""
    known = {"minutes": FAILURE_WINDOW.seconds // 60, "failures": FAILURES, "least": PASSWORD_MIN}
    return {name: value for name, value in known.items() if f"%({name})s" in text}


def _denied(context: Context, error: GnomonError) -> tuple[str, str] | None:
    permission = error.facts.get("permission")
    if error.code != "denied" or not isinstance(permission, str):
        return None
    holders = [str(post) for post in error.facts.get("holders", ())]
    return refusal(context, load(), permission, holders), context.gettext("请他们操作，或申请调整岗位。")


def _shown(error: GnomonError) -> dict[str, object]:
    """Facts that a person can use; the holders of a right are in the sentence already."""
    return {name: value for name, value in error.facts.items() if name not in ("holders", "permission")}
