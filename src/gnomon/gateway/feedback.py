"""What a caller says of an answer: a rating of one to five, and a comment, by the id of the request.

Whose request that was is known where records are kept, not here: the word is taken as the caller's own, and counts
only beside a request of the same caller. So nobody learns here which requests of others exist.
"""

import re
import time
from typing import Any

import msgspec

from gnomon.contract.traffic import Feedback
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.guarding import Masker, TreeGuard
from gnomon.gateway.off_loop import inline_or_thread
from gnomon.gateway.requests import bad, decode
from gnomon.gateway.services import Services

_MAX_COMMENT = 4_000
_REQUEST_ID = re.compile(r"req_[0-9a-f]{27}")  # as `Server.new_id` makes them: nothing else can be written there
_THUMBS = {"up": 5, "down": 1}


async def take(ex: Exchange, s: Services) -> bytes:
    """The word is in the spool; the answer to the caller. Raises Refusal (400, or blocked)."""
    body = decode(ex.body)
    key, snapshot = ex.key, ex.snapshot
    assert key is not None
    assert snapshot is not None
    comment = _comment(body.get("comment")).encode()
    comment = await inline_or_thread(len(comment), snapshot.comments, _masked, ex, snapshot.comments, comment, s)
    said = Feedback(
        id=f"fb_{ex.id}",
        at=time.time(),
        request=_request(body),
        caller=key.caller,
        team=key.team,
        key_id=key.id,
        rating=_rating(body.get("rating")),
        comment=comment.decode(),
        persons=s.persons_of(ex),
    )
    s.recorder.feedback(said)
    return msgspec.json.encode({"object": "feedback", "id": said.id, "request_id": said.request, "rating": said.rating})


def _masked(ex: Exchange, masker: Masker, comment: bytes, s: Services) -> bytes:
    tree = TreeGuard(masker, "input", ex.new_vault(s.guard.vault))
    masked = tree.text(comment.decode())
    ex.entities_in = tree.counts
    return masked.encode()


def _request(body: dict[str, Any]) -> str:
    found = body.get("request_id")
    if not isinstance(found, str) or not _REQUEST_ID.fullmatch(found):
        raise bad(
            "字段 request_id 必须是响应头 x-request-id 的值。 The field request_id must be what x-request-id said.",
            "invalid_request_id",
            "request_id",
        )
    return found


def _rating(given: Any) -> int:
    rating = _THUMBS.get(given, given) if isinstance(given, str) else given
    if isinstance(rating, float) and rating.is_integer():
        rating = int(rating)  # JSON knows one kind of number: 5.0 is 5
    if not isinstance(rating, int) or isinstance(rating, bool) or not 1 <= rating <= 5:
        raise bad(
            "字段 rating 必须是 1 到 5，或 up、down。 The field rating must be 1 to 5, or up or down.",
            "invalid_rating",
            "rating",
        )
    return rating


def _comment(given: Any) -> str:
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > _MAX_COMMENT:
        raise bad(
            f"字段 comment 必须是至多 {_MAX_COMMENT} 字的字符串。 The field comment is a text of at most"
            f" {_MAX_COMMENT} characters.",
            "invalid_comment",
            "comment",
        )
    return given.encode("utf-8", "replace").decode()  # half a surrogate pair is no character
