"""What no guard can read: images, audio, video, files, tokens. Refused, unless the route lets them pass unread.

What passes is taken out before the text is guarded and put back after, so that no detector mangles it; the record
keeps a remark in its place, and counts it.
"""

from typing import Any, Final

import msgspec

from gnomon.contract.bundle import Unscanned
from gnomon.gateway.refusal import Refusal

_KINDS: Final[dict[str, Unscanned]] = {
    "image_url": "image",
    "input_audio": "audio",
    "audio_url": "audio",
    "video_url": "video",
    "file": "file",
}
_TEXT_PARTS = frozenset(("text", "refusal"))
_BLOB_FIELDS = frozenset(("data", "file_data"))
_TOKENS = 10_000_000  # no vocabulary is larger, and no number of a person or an account is shorter
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

Path = tuple[str | int, ...]


class Unread:
    """The parts of one request that no guard reads: how many of each kind, and their contents while these are out."""

    __slots__ = ("blobs", "counts", "first")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.first: dict[str, str] = {}  # kind → the field where it was seen first
        self.blobs: list[tuple[Path, Any]] = []

    def saw(self, kind: Unscanned, where: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.first.setdefault(kind, where)

    def asked_for(self, modalities: Any) -> None:
        """The caller wants such answers: what no guard can read on its way back."""
        for kind in modalities if isinstance(modalities, list) else ():
            if kind in ("image", "audio", "video"):
                self.first.setdefault(kind, "modalities")

    def require(self, allowed: tuple[Unscanned, ...]) -> None:
        """Raises Refusal (400) for the first kind that the route does not let pass."""
        for kind, where in self.first.items():
            if kind not in allowed:
                raise _tokens_refused(where) if kind == "tokens" else unsupported(kind, where)

    def take_out(self, body: dict[str, Any]) -> None:
        """The contents are replaced by remarks in `body` and kept here."""
        for field in ("input", "prompt"):
            if is_tokens(body.get(field)):
                self._take(body, field, (field,), "tokens")
        for m, message in enumerate(body.get("messages") or ()):
            content = message.get("content")
            for p, part in enumerate(content if isinstance(content, list) else ()):
                if part.get("type") in _KINDS:
                    self._take_part(part, ("messages", m, "content", p), _KINDS[part["type"]])

    def put_back(self, guarded: bytes) -> bytes:
        """The guarded request with everything in its place again."""
        body = _decode(guarded)
        for path, blob in self.blobs:
            holder = body
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = blob
        return _encode(body)

    def _take_part(self, part: dict[str, Any], path: Path, kind: str) -> None:
        for name, value in part.items():
            if isinstance(value, dict):
                self._take_part(value, (*path, name), kind)
            elif isinstance(value, str) and (name in _BLOB_FIELDS or value[:5].lower() == "data:"):
                self._take(part, name, (*path, name), kind)

    def _take(self, holder: dict[str, Any], name: str, path: Path, kind: str) -> None:
        blob = holder[name]
        self.blobs.append((path, blob))
        holder[name] = f"[unscanned {kind}: {len(blob)}]"


def see_parts(parts: list[Any], unread: Unread | None, where: str) -> Unread | None:
    """What is no text is counted, in `unread` where there is one. Raises Refusal (400) for a part of no known type."""
    for p, part in enumerate(parts):
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(kind, str) and kind in _TEXT_PARTS:
            continue
        if not isinstance(kind, str) or kind not in _KINDS:
            raise unsupported(str(kind)[:40], f"{where}.{p}")
        unread = unread or Unread()
        unread.saw(_KINDS[kind], f"{where}.{p}")
    return unread


def is_tokens(value: Any) -> bool:
    """A list of token numbers, or of lists of them, and of nothing else: what is taken for tokens is not read."""
    if not isinstance(value, list) or not value:
        return False
    return _are_numbers(value) or all(isinstance(v, list) and _are_numbers(v) for v in value)


def _are_numbers(value: list[Any]) -> bool:
    return all(type(n) in (int, float) and 0 <= n < _TOKENS and n == int(n) for n in value)


def unsupported(kind: str, where: str) -> Refusal:
    return Refusal(
        "bad_request",
        400,
        message=f"不支持内容类型 {kind!r}：图像、音频和文件无法检查。 Content parts of this type are refused:"
        " images, audio and files cannot be checked for personal data.",
        code="unsupported_content_part",
        param=where,
    )


def _tokens_refused(where: str) -> Refusal:
    return Refusal(
        "bad_request",
        400,
        message="不接受以令牌编号给出的输入：无法检查其中的个人信息，请发送文本。 Input as token numbers is refused: it"
        " cannot be checked for personal data. Send text (LangChain: check_embedding_ctx_length=False).",
        code="unsupported_token_input",
        param=where,
    )
