"""Takes in large files over HTTP: in order, resumable, never whole in memory. The only asynchronous code here."""

import fcntl
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from gnomon.control.catalog import queries, rules
from gnomon.kit import services
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.errors import BadInput, Conflict, Unavailable
from gnomon.kit.web import platform_of

_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
SPARE_BYTES = 256 * 1024 * 1024  # left free on the disk whatever is uploaded: the database needs room to go on


class WrongOffset(Conflict):
    code = "wrong_upload_offset"


class UploadBusy(Conflict):
    code = "upload_busy"


@dataclass(frozen=True, slots=True)
class Received:
    """The bytes so far, in `part`; `complete` when they are all that the client announced."""

    part: Path
    size: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes `start` to `end` (exclusive) of `total`; `total` is None when the client did not say."""

    start: int
    end: int | None
    total: int | None


def received(version_id: str, path: str) -> int:
    part = _part(version_id, path)
    return part.stat().st_size if part.is_file() else 0


def parse_range(header: str | None) -> Range:
    """What Content-Range announces; without it the body is the whole file. Raises BadInput when it makes no sense."""
    if header is None:
        return Range(0, None, None)
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        raise BadInput(f"Content-Range {header[:80]!r} is not known.", next_step="Write: bytes first-last/total.")
    first, last, total = (int(group) for group in match.groups())
    if first == last + 1 == total:
        return Range(first, total, total)  # every byte arrived before, and only the end was not told
    if not first <= last < total:
        raise BadInput(f"Content-Range {header[:80]!r} does not add up.", next_step="Write: bytes first-last/total.")
    return Range(first, last + 1, total)


async def receive(request: Request, model: str, id: str, path: str) -> Received:
    """Append the body to what is here. A connection that breaks loses nothing that had arrived.

    Raises VersionFixed, BadPath, WrongOffset (its fact `received` says where to go on), UploadBusy, Unavailable
    when the disk would run full.
    """
    rules.check_path(path)
    await run_in_threadpool(_check_draft, request, model, id)
    span = parse_range(request.headers.get("content-range"))
    part = _part(id, path)
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UploadBusy(f"{path} is being uploaded by somebody else.", next_step="Wait for it.") from error
        if request.headers.get("content-range") is None:
            file.truncate(0)
        have = file.seek(0, 2)
        if span.start != have:
            raise WrongOffset(
                f"{have} bytes of {path} are here, the part begins at {span.start}.",
                next_step=f"Go on from byte {have}.",
                received=have,
            )
        _check_room(request, part.parent)
        try:
            async for chunk in request.stream():
                if span.end is not None and have + len(chunk) > span.end:
                    raise BadInput("The body is longer than Content-Range says.", next_step="Send the part again.")
                await run_in_threadpool(file.write, chunk)
                have += len(chunk)
        except ClientDisconnect as error:
            raise BadInput(f"The upload broke off at byte {have}.", next_step=f"Go on from byte {have}.") from error
    return Received(part, have, span.total is None or have == span.total)


def _check_draft(request: Request, model: str, id: str) -> None:
    with platform_of(request).read() as session:
        version = queries.version_of(session, model, id)
        rules.require_draft(version.state, label=f"{model} {version.label}")


def _check_room(request: Request, folder: Path) -> None:
    announced = request.headers.get("content-length", "0")
    wanted = int(announced) if announced.isdigit() else 0
    free = shutil.disk_usage(folder).free
    if free - wanted < SPARE_BYTES:
        raise Unavailable(
            f"The disk has {free} bytes free, the upload needs {wanted} and {SPARE_BYTES} stay free.",
            next_step="Make room or add a disk.",
        )


def _part(version_id: str, path: str) -> Path:
    folder = services.settings().home / "work" / "uploads" / digest_bytes(version_id.encode())[:16]
    return folder / f"{digest_bytes(path.encode())[:32]}.part"
