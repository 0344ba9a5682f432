"""网址 / web addresses: whole ones, and bare names of domains. Looked for only where a policy names them: most say
nothing of a person, and a model that is to read a page needs its address. A password in one is a secret in any case.
"""

import re
from collections.abc import Iterator
from functools import cache

from gnomon.guard.detectors.base import Detector
from gnomon.guard.view import Found, View

ENTITY = "WEB_ADDRESS"
_CHAR = r"[A-Za-z0-9\-._~:/?#@!$&*+=%]"
_REST = rf"(?:{_CHAR}|\({_CHAR}{{0,80}}\)|\[{_CHAR}{{0,80}}\]|[,;'|](?=[A-Za-z0-9/%]))"
"""A bracket belongs to it where it is closed within."""
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\."
_TOP = (
    "com|org|net|edu|gov|mil|int|info|biz|pro|aero|coop|museum|mobi|asia|cat|jobs|tel|travel|xxx|app|dev|online|shop|"
    "site|store|tech|xyz|top|vip|club|wang|ltd|group|live|blog|cloud|wiki|eu|"
    "ac|ad|ae|af|ag|ai|al|am|ao|ar|au|aw|az|ba|bb|bd|bf|bg|bh|bi|bj|bm|bn|bo|br|bs|bt|bw|by|bz|ca|cd|cf|cg|ch|ci|ck|cl|cm|"
    "cn|co|cr|cu|cv|cy|cz|de|dj|dk|dm|dz|ec|ee|eg|er|es|et|fi|fj|fk|fm|fo|fr|ga|gd|ge|gg|gh|gi|gl|gm|gn|gp|gq|gr|gt|gu|gy|"
    "hk|hn|hr|ht|hu|ie|il|im|io|iq|ir|je|jm|jo|jp|ke|kg|kh|ki|km|kp|kr|kw|ky|kz|la|lb|lc|li|lk|lr|lt|lu|lv|ly|ma|mc|mg|mk|"
    "mm|mn|mo|mr|mt|mu|mv|mw|mx|mz|na|nf|ng|ni|nl|np|nr|nu|nz|om|pa|pe|pg|ph|pk|pr|pt|pw|qa|re|ro|ru|rw|sa|sb|sc|sd|se|sg|"
    "si|sk|sl|sm|sn|sr|su|sv|sy|sz|td|tg|th|tj|tk|tm|tn|tr|tv|tw|tz|ua|ug|uk|us|uy|uz|va|ve|vg|vi|vn|vu|ye|za|zm|zw"
)
"""What domains end in. Those that end names of files and parts of programs more often (py, rs, sh, md, id, is) need a
scheme, `www.`, or a domain below another."""
_NESTED = "at|be|do|id|in|is|it|me|my|no|pl|ps|py|rs|sh|so|st|to|tt|ws"
_NO_HOST = re.compile(r"(?:asp|ado|vb|ml|system|socket|this|self|e\.g|i\.e)\.", re.IGNORECASE)
_END = ".,;:!?'|*"


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Made when first asked for: most policies never do."""
    whole = rf"(?<![A-Za-z0-9])(?:(?ai:https?|ftps?|sftp|wss?|rtsp|git|ssh)://|(?ai:www)\.(?=[A-Za-z0-9])){_REST}{{2,}}"
    bare = (
        rf"(?<![A-Za-z0-9@._/\-\\])(?:{_LABEL}){{1,8}}(?:(?:{_TOP}|COM|ORG|NET|EDU|GOV|CN)|(?<=\.[A-Za-z]{{2}}\.)(?:{_NESTED})"
        rf"|(?<=\.[A-Za-z]{{3}}\.)(?:{_NESTED}))(?![A-Za-z0-9_@(=\-]|\.[A-Za-z0-9])(?::[0-9]{{2,5}}(?![0-9]))?(?:[/?]{_REST}*)?"
    )
    return re.compile(whole), re.compile(bare)


def _find(view: View) -> Iterator[Found]:
    text, (whole, bare) = view.text, _patterns()
    for match in whole.finditer(text):
        yield _found(match)
    for match in bare.finditer(text):
        if not _NO_HOST.match(match.group()):
            yield _found(match, 0.8)


def _found(match: re.Match[str], score: float = 1.0) -> Found:
    """Without the signs of the sentence around it."""
    return Found(match.start(), match.start() + len(match.group().rstrip(_END)), ENTITY, score)


DETECTOR = Detector(
    ENTITY,
    "网址",
    (b"://", b"www.", rb"[A-Za-z0-9]\.[A-Za-z]{2}"),
    _find,
    reach=8,
)
