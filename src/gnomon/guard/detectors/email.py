"""邮箱 / e-mail addresses, one that a line's end broke too."""

import re
from collections.abc import Iterator

from gnomon.guard.detectors.base import Detector
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, View

_NAME = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}"
_DOMAIN = re.compile(rf"@{_NAME}(?![A-Za-z0-9-])")
# Read backwards from the @: a search forwards would try every place of a long word.
_LOCAL = re.compile(r"[A-Za-z0-9_.%+\-]{1,128}")
_LONGEST = 128
# user:password@host in an address is not mail. What breaks a token (`cutting.TOKEN`) ends it: streams look no further.
_USERINFO = re.compile(r"://[A-Za-z0-9!#$%&()*+\-.:=?@\[\]\\^_~]*\Z")

_HALF = 64  # characters of a broken address on either side of the break
_BREAK = r"\r?\n[ \t]{0,4}"
_complete = re.compile(_NAME)
_PART = rf"[A-Za-z0-9_.%+\-]{{1,{_HALF}}}"
_before_break = re.compile(rf"(?<![A-Za-z0-9_.%+\-]){_PART}{_BREAK}\Z")
_hyphenated = re.compile(rf"(?<![A-Za-z0-9_.%+\-]){_PART}-{_BREAK}{_PART}\Z")
_after = re.compile(rf"@(?P<a>[A-Za-z0-9.\-]{{0,{_HALF}}}){_BREAK}(?P<b>[A-Za-z0-9.\-]{{1,{_HALF}}})")
_REACH = 2 * _HALF + 8

_SIGNS = r"A-Za-z0-9_.%+@\-"
BROKEN_EMAIL = rf"(?<![{_SIGNS}])[{_SIGNS}]{{1,{_REACH}}}(?:{_BREAK}[{_SIGNS}]{{0,{_HALF}}}|\r)\Z"
"""How an address that is broken may begin at the end of a text: a stream waits for what follows."""
_word = re.compile(f"[{_SIGNS}]+")
_TRIGGERS = (
    trigger(rb"@[A-Z0-9]", "@[A-Z0-9]"),
    trigger(rb"@(?:\r|\\r)?(?:\n|\\n)", "@\r?\n"),
)


def _find(view: View) -> Iterator[Found]:
    yield from whole(view)
    if "\n" in view.text:
        yield from broken(view)


def whole(view: View) -> Iterator[Found]:
    """Addresses in one piece."""
    for domain in _DOMAIN.finditer(view.text):
        at = domain.start()
        before = view.text[max(0, at - _LONGEST) : at]
        if "://" in before and _USERINFO.search(before):
            continue
        local = _LOCAL.match(before[::-1])
        if local:
            yield Found(at - local.end(), domain.end(), "EMAIL")


def broken(view: View) -> Iterator[Found]:
    """One break in an address: beside the @, after a hyphen, or where what stands before is no domain yet."""
    text = view.text
    at = text.find("@")
    while at >= 0:
        left = text[max(0, at - _REACH) : at]
        if domain := _DOMAIN.match(text, at):
            if before := _before_break.search(left) or _hyphenated.search(left):
                yield Found(at - len(left) + before.start(), domain.end(), "EMAIL", 0.8)
        elif (local := _LOCAL.match(left[::-1])) and (after := _after.match(text, at)):
            head, tail = after["a"], after["b"]
            whole = _complete.match(head.removesuffix("-") + tail) or _complete.match(head + tail)
            if whole and not _complete.fullmatch(head) and _is_held(view, after.end("a")):
                yield Found(at - local.end(), after.end(), "EMAIL", 0.8)
        at = text.find("@", at + 1)


def _is_held(view: View, end: int) -> bool:
    """Whether the word that the line's end breaks there is short enough for a stream to have waited with it."""
    word = _word.match(view.text[max(0, end - _REACH - 1) : end][::-1])
    # One that reaches back to where a stream's context was cut had begun before that.
    return word is not None and word.end() <= _REACH and (word.end() < end or not view.start)


DETECTOR = Detector("EMAIL", "邮箱", _TRIGGERS, _find, visible=(1, 4))
