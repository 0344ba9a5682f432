"""The playground of de-identification: a text or a small file, what a policy finds in it and what comes out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from gnomon.console.pages import _privacy as words
from gnomon.console.reader import Reader, ReaderDep
from gnomon.contract.masking import Purpose
from gnomon.control.privacy import queries
from gnomon.control.privacy.documents import KINDS, MOST_BYTES, masked_document
from gnomon.control.privacy.schemas import Speed
from gnomon.control.privacy.trying import MOST_PIECES, Bench, Seen, Trial
from gnomon.guard.policy import Way
from gnomon.kit.error_texts import told
from gnomon.kit.errors import BadInput, GnomonError
from gnomon.kit.i18n import mark
from gnomon.kit.web import allow

router = APIRouter(include_in_schema=False)
MOST_TEXT: Final = 20_000  # characters
MOST_BODY: Final = 900_000
"""Bytes of a form: from 1 MiB on, the parser of forms would put a file on the disk."""
MOST_ROWS: Final = 200  # findings in the table; the counts are whole
EXAMPLE: Final = mark(
    "客户张伟（身份证 11010519491231002X）来电，手机 13812345678，请把合同寄到 zhang.wei@example.com，"
    "尾款打到 6222021234567890102。"
)


class TooLarge(BadInput):
    code = "form_too_large"
    status = 413


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form asks for; nonsense counts as the first choice."""

    text: str = ""
    policy: str = ""
    purpose: Purpose = "gateway"
    direction: Way = "input"
    speed: Speed = ""
    field: str = ""
    pass_unread: bool = False


async def posted(request: Request) -> AsyncIterator[FormData]:
    """The form, all of it in memory. Raises TooLarge: what does not fit there is not taken."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MOST_BODY:
        raise TooLarge(
            f"A form may have {MOST_BODY} bytes here, this one has {length or 'an unknown number'}.",
            next_step="Use `gnomon mask` for larger files.",
        )
    async with request.form(max_files=1, max_fields=2000) as form:
        yield form


FormDep = Annotated[FormData, Depends(posted)]


@router.get("/privacy/try", dependencies=[allow("mask_policy.view")])
def playground(reader: ReaderDep) -> Response:
    wanted = Wanted(text=reader.context.gettext(EXAMPLE), policy=reader.view.get("policy"))
    return _page(reader, wanted)


@router.post("/privacy/try", dependencies=[allow("mask_policy.view")])
def tried(reader: ReaderDep, form: FormDep) -> Response:
    """The page with the result; with `want=file` the masked text or file. Nothing is kept of either."""
    wanted, upload = _wanted(form), form.get("file")
    try:
        if isinstance(upload, UploadFile) and upload.filename:
            data, name = upload.file.read(MOST_BODY), upload.filename
        else:
            data, name = b"", ""
        bench, out, kind = _tried(reader, wanted, data, name)
    except GnomonError as error:
        return _page(reader, wanted, error=error)
    if form.get("want") == "file" and not bench.trial.blocked:
        return _file(out, kind)
    return _page(reader, wanted, trial=bench.trial, plain=None if name else out.decode("utf-8", "replace"), kind=kind)


def _wanted(form: FormData) -> Wanted:
    def chosen(name: str, allowed: tuple[str, ...]) -> Any:
        value = str(form.get(name) or "")
        return value if value in allowed else allowed[0]

    return Wanted(
        text=str(form.get("text") or ""),
        policy=str(form.get("policy") or ""),
        purpose=chosen("purpose", get_args(Purpose)),
        direction=chosen("direction", get_args(Way)),
        speed=chosen("speed", get_args(Speed)),
        field=str(form.get("field") or "").strip()[:100],
        pass_unread=bool(form.get("pass_unread")),
    )


def _tried(reader: Reader, wanted: Wanted, data: bytes, name: str) -> tuple[Bench, bytes, str]:
    policy = queries.policy_in_force(reader.session, wanted.policy or reader.book.default_mask_policy)
    bench = Bench(policy, direction=wanted.direction, purpose=wanted.purpose, speed=wanted.speed)
    if name:
        return bench, *masked_document(bench, data, name, may_pass_unread=wanted.pass_unread)
    text = wanted.text.replace("\r\n", "\n")  # as browsers send what was typed
    if not text.strip() or len(text) > MOST_TEXT:
        raise BadInput(
            f"The text has {len(text)} characters; 1 to {MOST_TEXT} can be tried.",
            next_step="Type a text, or give a file.",
        )
    return bench, bench.apply(text, wanted.field).text.encode("utf-8", "replace"), "txt"


def _file(data: bytes, kind: str) -> Response:
    """The name of the upload may name somebody, so it is not used."""
    named = {"Content-Disposition": f'attachment; filename="gnomon-masked.{kind}"'}
    return Response(data, media_type="application/octet-stream", headers=named)


def _page(
    reader: Reader,
    wanted: Wanted,
    *,
    trial: Trial | None = None,
    plain: str | None = None,
    kind: str = "",
    error: GnomonError | None = None,
) -> Response:
    in_force = queries.newest(reader.session)
    return reader.page(
        "privacy_try.html",
        status=error.status if error else 200,
        tabs=words.tabs(reader),
        wanted=wanted,
        policies=[(row.id, f"{row.id} {row.version}") for row in in_force],
        chosen=wanted.policy or reader.book.default_mask_policy,
        purposes=words.options(reader, words.PURPOSES),
        directions=words.options(reader, {way: words.DIRECTIONS[way] for way in get_args(Way)}),
        speeds=[("", reader.context.gettext("随策略")), *words.options(reader, words.SPEEDS)],
        kinds=KINDS,
        limits=(MOST_TEXT, MOST_BYTES, MOST_PIECES, MOST_ROWS),
        trial=trial,
        plain=plain,
        kind=kind,
        pieces=[_piece(reader, seen, trial) for seen in trial.pieces] if trial else [],
        counts=_counts(reader, trial) if trial else [],
        surrogates=sum(n for (_, done), n in trial.counts.items() if done == "surrogate") if trial else 0,
        blocked=words.entity(reader, trial.blocked, trial.policy) if trial and trial.blocked else "",
        fault=told(error, reader.context.locale) if error else None,
    )


def _piece(reader: Reader, seen: Seen, trial: Trial) -> dict[str, Any]:
    parts = [words.shown(reader, part, trial.policy) for part in seen.parts]
    at, rows = 0, []
    for part, said in zip(seen.parts, parts, strict=True):
        if part.entity:
            rows.append(said | {"place": f"{at}–{at + len(part.text)}"})
        at += len(part.text)
    return {"field": words.printable(seen.field), "parts": parts, "rows": rows, "blocked": bool(seen.blocked)}


def _counts(reader: Reader, trial: Trial) -> list[tuple[str, tuple[str, str], int]]:
    """(entity, operator, how many), the most frequent first."""
    return [
        (words.entity(reader, entity, trial.policy), words.operator(reader, operator), count)
        for (entity, operator), count in trial.counts.most_common()
    ]
