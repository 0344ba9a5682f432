"""IP、MAC / network addresses."""

import re
import socket
from collections.abc import Iterator

from gnomon.guard.detectors.base import Detector, matching
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, View

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# A version number looks the same: v1.2.3.4, 版本1.2.3.4 are not addresses.
_V4 = matching(
    "IP",
    rf"(?<![0-9A-Za-z.])(?<!版本)(?<!版本[:： ])(?P<v>(?:{_OCTET}\.){{3}}{_OCTET})(?![0-9A-Za-z]|\.[0-9])",
    first="[0-9]",
)
_V6_SHAPE = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:.]{8,45}(?![0-9A-Za-z:])")


def _find_ip(view: View) -> Iterator[Found]:
    if "." in view.text:
        yield from _V4(view)
    if ":" not in view.text:
        return
    for match in _V6_SHAPE.finditer(view.text):
        value = match.group().rstrip(".")
        if value.count(":") >= 3 and _is_v6(value):
            yield Found(match.start(), match.start() + len(value), "IP")


def _is_v6(value: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6, value)
    except OSError:
        return False
    return True


_MAC = (
    r"(?<![0-9A-Za-z:\-])(?P<v>[0-9A-Fa-f]{2}([:\-])[0-9A-Fa-f]{2}(?:\2[0-9A-Fa-f]{2}){4}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})"
    r"(?![0-9A-Za-z:\-])"
)

IP = Detector(
    "IP",
    "IP",
    (
        trigger(rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"),
        trigger(rb":[0-9A-F.]*:[0-9A-F.]*:", ":[0-9A-F.]{0,45}:[0-9A-F.]{0,45}:"),
    ),
    _find_ip,
    visible=(3, 0),
)
MAC = Detector(
    "MAC",
    "MAC地址",
    (
        trigger(
            rb"[0-9A-F]{2}[:-][0-9A-F]{2}[:-][0-9A-F]{2}[:-]",
            r"[0-9A-F]{2}[:\-][0-9A-F]{2}[:\-][0-9A-F]{2}[:\-]",
        ),
        trigger(rb"[0-9A-F]{4}\.[0-9A-F]{4}\.[0-9A-F]{4}", r"[0-9A-F]{4}\.[0-9A-F]{4}\.[0-9A-F]{4}"),
    ),
    matching("MAC", _MAC, first="[0-9A-Fa-f]"),
    visible=(2, 2),
)
