"""The copy that a person gets: data for programs, papers for people in both languages, and a signature over all."""

import base64
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gnomon.contract.signing import key_id
from gnomon.control.privacy.subjects.holders import Place
from gnomon.engine.documents import Document, Facts, Paragraph, Section, to_docx
from gnomon.kit.canonical import canonical_bytes, digest_bytes
from gnomon.kit.clock import iso

_FILES: Final = {"zh-CN": "个人信息副本.docx", "en": "personal-data.docx"}
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("个人信息副本", "Copy of personal data"),
    "number": ("请求编号", "Request"),
    "made": ("制作时间", "Made at"),
    "places": ("处所数", "Places"),
    "about": ("说明", "About this copy"),
    "others": (
        "本副本列出平台存储的、与您提供的标识相关的全部内容；他人的标识已替换。",
        "This copy lists everything stored on the platform that is about the identifiers you gave; identifiers of"
        " others are replaced.",
    ),
    "possible": (
        "仅含姓名等不能单独确认身份的信息的处所未列入正文，数量见数据文件。",
        "Places that hold only a name, or something else that many share, are not listed; the data file counts them.",
    ),
    "unread": (
        "有 %d 个文件无法读取，未能查找，清单见 data.json。",
        "%d files could not be read, and were not searched; they are listed in data.json.",
    ),
    "more": ("其余处所见 data.json。", "Further places are in data.json."),
}
_SHOWN: Final = 200  # places of one holder in the papers; data.json has all
_LONGEST: Final = 4000  # characters of one value in the papers


@dataclass(frozen=True, slots=True)
class Told:
    """What one holder says."""

    name: str
    title: Mapping[str, str]
    places: Sequence[Place]


def package(
    told: Sequence[Told],
    *,
    number: str,
    possible: Mapping[str, int],
    unread: Sequence[Mapping[str, str]] = (),
    made_at: datetime,
    zone: str,
    key: Ed25519PrivateKey,
) -> bytes:
    """A ZIP archive: data.json, two papers, manifest.json with the digest of each, and the signature of the manifest.

    `manifest.sig` is Ed25519 over the manifest's bytes; the public key is in it, and with the audit trail.
    """
    data = {
        "request": number,
        "made_at": iso(made_at),
        "possible": dict(possible),
        "unread": [dict(one) for one in unread],
        "holders": [
            {"holder": one.name, "places": [{"ref": place.ref} | dict(place.said) for place in one.places]}
            for one in told
        ],
    }
    files = {"data.json": json.dumps(data, ensure_ascii=False, indent=1, default=str).encode()}
    for locale, name in _FILES.items():
        files[name] = to_docx(
            _paper(told, locale=locale, number=number, made_at=made_at, zone=zone, unread=len(unread))
        )
    public = key.public_key()
    manifest = canonical_bytes(
        {
            "request": number,
            "made_at": iso(made_at),
            "key_id": key_id(public),
            "public_key": base64.b64encode(public.public_bytes_raw()).decode(),
            "files": {name: digest_bytes(content) for name, content in sorted(files.items())},
        }
    )
    signature = base64.b64encode(key.sign(manifest))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, "manifest.json": manifest, "manifest.sig": signature}.items():
            archive.writestr(name, content)
    return out.getvalue()


def _paper(told: Sequence[Told], *, locale: str, number: str, made_at: datetime, zone: str, unread: int) -> Document:
    place = 1 if locale == "en" else 0

    def say(word: str) -> str:
        return _WORDS[word][place]

    when = made_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    missing = (Paragraph(say("unread") % unread),) if unread else ()
    about = Section(say("about"), (Paragraph(say("others")), *missing, Paragraph(say("possible"), quiet=True)))
    return Document(
        title=say("title"),
        number=number,
        locale=locale,
        made_at=made_at,
        date=when,
        issuer="Gnomon",
        facts=((say("number"), number), (say("made"), when), (say("places"), str(sum(len(t.places) for t in told)))),
        sections=(about, *(_section(one, locale, say("more")) for one in told if one.places)),
    )


def _section(told: Told, locale: str, more: str) -> Section:
    parts = tuple(
        Section(f"{number}. {place.ref}", (Facts(tuple((name, _shown(value)) for name, value in place.said.items())),))
        for number, place in enumerate(told.places[:_SHOWN], 1)
    )
    rest = (Paragraph(more, quiet=True),) if len(told.places) > _SHOWN else ()
    return Section(told.title[locale], rest, parts)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(char for char in text if char in "\n\t" or char.isprintable())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
