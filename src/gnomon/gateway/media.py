"""What a model answers that is no text: speech, pictures, files. No guard can hear or see what they say.

As in a request (`parts`) it passes unread and untouched where the route lets its kind pass, and nowhere else; the
record counts it and keeps a remark in its place.
"""

import re
from typing import Any, Final

import msgspec

from gnomon.contract.bundle import Unscanned
from gnomon.gateway import vectors
from gnomon.gateway.answers import decoded
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.guarding import DEEPEST, Guard, Masker, TreeGuard
from gnomon.gateway.quoting import holds
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.replies import guard_output
from gnomon.gateway.snapshot import PreparedRoute
from gnomon.gateway.streaming import Garbage

Path = tuple[str | int, ...]
_SIGNS: Final = (
    b'"audio"',
    b'"image',
    b'"video',
    b'"input_audio"',
    b'"b64_json"',
    b'"file_data"',
    b";base64,",
    b"\\u00",
)
_HOLDERS: Final[dict[str, Unscanned]] = {
    "audio": "audio", "input_audio": "audio", "audio_url": "audio",
    "image": "image", "images": "image", "image_url": "image",
    "video": "video", "videos": "video", "video_url": "video",
    "file": "file",
}  # fmt: skip
_DATA: Final = frozenset(("data", "b64_json", "file_data"))
_TEXTS: Final = frozenset(("content", "text", "refusal", "arguments", "transcript"))
_URL: Final = re.compile(r"data:(?:(image|audio|video)/)?[^,]{0,200};base64,", re.IGNORECASE)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_encode: Final = msgspec.json.Encoder().encode


class Blob:
    """One such thing in an answer: where it stands, what it is, and whether a new one begins with it."""

    __slots__ = ("begins", "content", "kind", "path")

    def __init__(self, path: Path, kind: Unscanned, content: str, *, begins: bool) -> None:
        self.path = path
        self.kind = kind
        self.content = content
        self.begins = begins


def guard_answer(ex: Exchange, data: bytes, route: PreparedRoute, guard: Guard) -> bytes:
    """The answer with every string guarded but what no guard reads. Raises Garbage, or Refusal("blocked")."""
    value, blobs = _seen(data)
    ex.has_media = bool(blobs)
    if not blobs:
        return guard_output(ex, data, route, guard)
    _require(blobs, route.route.unscanned)
    for blob in blobs:
        _put(value, blob.path, "")
    value = decoded(guard_output(ex, _encode(value), route, guard))
    return _encode(_put_back(value, blobs))


def kept(ex: Exchange, data: bytes) -> bytes:
    """What the record keeps of a guarded answer: of vectors how long they are, of what is no text a remark.

    Vectors tell more of the text than its masked words do, and are ten times as long.
    """
    if ex.endpoint == "embeddings":
        return vectors.left_out(data)
    if ex.has_media is False:
        return data
    value, blobs = _seen(data)
    for blob in blobs:
        _put(value, blob.path, f"[unscanned {blob.kind}: {len(blob.content)}]")
    _count(ex, blobs)
    return _encode(value) if blobs else data


class MediaGuard(TreeGuard):
    """`inner`, but for what is no text: the guard of the structures in a stream, whose texts run for themselves.

    `structures` gets the names of those that passed.
    """

    __slots__ = ("_allowed", "_ex", "_inner", "_structures")

    def __init__(
        self, inner: TreeGuard, masker: Masker, ex: Exchange, allowed: tuple[Unscanned, ...], structures: set[str]
    ) -> None:
        super().__init__(masker, "output", None)
        self.counts = inner.counts
        self._inner = inner
        self._ex = ex
        self._allowed = allowed
        self._structures = structures

    def value(self, value: Any, depth: int = 0) -> Any:
        self._structures.update(name for name, one in value.items() if isinstance(one, (dict, list)))
        blobs = found(value)
        if not blobs:
            return self._inner.value(value, depth)
        _require(blobs, self._allowed)
        _count(self._ex, [blob for blob in blobs if blob.begins or blob.kind not in self._ex.unscanned])
        for blob in blobs:
            _put(value, blob.path, "")
        return _put_back(self._inner.value(value, depth), blobs)


def found(value: Any) -> list[Blob]:
    """Every blob of a JSON value. Raises RecursionError."""
    blobs: list[Blob] = []
    _look(value, (), "", blobs)
    return blobs


def _look(value: Any, path: Path, kind: str, blobs: list[Blob]) -> None:
    if len(path) > DEEPEST:
        raise RecursionError
    if isinstance(value, list):
        for place, one in enumerate(value):
            if isinstance(one, (dict, list)):
                _look(one, (*path, place), kind, blobs)
    elif isinstance(value, dict):
        for name, one in value.items():
            if isinstance(one, (dict, list)):
                _look(one, (*path, name), _HOLDERS.get(name, kind), blobs)
            elif isinstance(one, str) and one and name not in _TEXTS:
                said = _kind(name, one, kind)
                if said:
                    blobs.append(Blob((*path, name), said, one, begins=said != "audio" or bool(value.get("id"))))


def _kind(name: str, text: str, kind: str) -> Any:
    """What this is, where it is no text: a data URL, or base64 where something holds data."""
    url = _URL.match(text)
    if url is not None:
        return (url[1] or kind or "file").lower() if _BASE64.fullmatch(text, url.end()) else ""
    return kind if kind and name in _DATA and _BASE64.fullmatch(text) else ""


def _seen(data: bytes) -> tuple[Any, list[Blob]]:
    """(the decoded answer, what in it is no text); an answer without a sign of such is not decoded."""
    if not holds(data, *_SIGNS):
        return None, []
    value = decoded(data)
    try:
        return value, found(value)
    except RecursionError as error:
        raise Garbage("the answer is nested too deeply") from error


def _require(blobs: list[Blob], allowed: tuple[Unscanned, ...]) -> None:
    for blob in blobs:
        if blob.kind not in allowed:
            raise Refusal(
                "blocked",
                502,
                message=f"回复中含有无法检查的内容（{blob.kind}），此路由不允许。 The reply holds what no guard can"
                f" check ({blob.kind}), and the route does not let it pass.",
                code="unsupported_content_part",
            )


def _count(ex: Exchange, blobs: list[Blob]) -> None:
    for blob in blobs:
        ex.unscanned = {**ex.unscanned, blob.kind: ex.unscanned.get(blob.kind, 0) + 1}


def _put_back(value: Any, blobs: list[Blob]) -> Any:
    try:
        for blob in blobs:
            _put(value, blob.path, blob.content)
    except (LookupError, TypeError) as error:  # a name on the way was masked
        raise Garbage("a field has a name that nobody may read") from error
    return value


def _put(value: Any, path: Path, content: str) -> None:
    """`content` stands at the end of this way. Raises LookupError or TypeError where there is no such way."""
    for step in path[:-1]:
        value = value[step]
    if path[-1] not in value:
        raise LookupError
    value[path[-1]] = content
