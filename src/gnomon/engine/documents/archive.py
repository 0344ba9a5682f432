"""Zip archives (docx, xlsx) whose bytes depend on their content alone."""

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip entry can carry
_MODIFIED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def normalised(archive: bytes, *, made_at: datetime) -> bytes:
    """The same entries in the order of their names, without times of their own; the properties say `made_at`.

    The content types come first, as the packaging convention (ECMA-376 part 2) lets readers expect.
    """
    stamp = made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as given, zipfile.ZipFile(out, "w") as kept:
        for name in sorted(given.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            data = given.read(name)
            if name == "docProps/core.xml":
                data = _MODIFIED.sub(rb"\g<1>" + stamp + rb"\g<2>", data)
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            kept.writestr(info, data, compresslevel=6)
    return out.getvalue()
