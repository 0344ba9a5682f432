"""邮箱 / e-mail addresses."""

import re
from collections.abc import Iterator

from gnomon.guard.detectors.base import Detector
from gnomon.guard.view import Found, View

_DOMAIN = re.compile(r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])")
# Read backwards from the @: a search forwards would try every place of a long word.
_LOCAL = re.compile(r"[A-Za-z0-9_.%+\-]{1,128}")
_LONGEST = 128
_USERINFO = re.compile(r"://[^\s/]*\Z")  # user:password@host in an address is not mail


def _find(view: View) -> Iterator[Found]:
    for domain in _DOMAIN.finditer(view.text):
        at = domain.start()
        if _USERINFO.search(view.text[max(0, at - _LONGEST) : at]):
            continue
        local = _LOCAL.match(view.text[max(0, at - _LONGEST) : at][::-1])
        if local:
            yield Found(at - local.end(), domain.end(), "EMAIL")


DETECTOR = Detector("EMAIL", "邮箱", (rb"@[A-Z0-9]",), _find, visible=(1, 4))
