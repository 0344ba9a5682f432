"""Our own style sheets, modules and pictures: read once, compressed once, addressed by what they contain.

The address holds one digest of the whole set, so that a module's `import "./other.js"` stays within its set and a
browser may keep every file for ever.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from gnomon.kit.errors import GnomonError, NotFound

FOLDER: Final = Path(__file__).parent / "static"
PREFIX: Final = "/static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


class UnknownAsset(GnomonError):
    """A template asks for a file that is not in the set."""

    code = "asset_unknown"


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    packed: bytes
    media_type: str


class Assets:
    """The files of one folder, immutable after construction."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {path.name: _read(path) for path in sorted(folder.iterdir()) if path.suffix in _TYPES}
        seal = hashlib.sha256()
        for name, asset in self._files.items():
            seal.update(name.encode() + b"\0" + hashlib.sha256(asset.body).digest())
        self.digest = seal.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of `name`. Raises `UnknownAsset` when it is not there: a page never links to nothing."""
        if name not in self._files:
            raise UnknownAsset(f"no file {name} among the console's static files", next_step="check its name")
        return f"{PREFIX}/{self.digest}/{name}"

    def answer(self, request: Request) -> Response:
        """The file, for ever when the address names this set; another set's address gets today's file, uncached.

        During a rolling update a page of the other version may ask this process: a slightly different style sheet
        beats none.
        """
        digest, name = request.path_params["digest"], request.path_params["name"]
        asset = self._files.get(name)
        if asset is None:
            raise NotFound(f"no static file {name}", next_step="reload the page")
        headers = {"Cache-Control": _FOR_EVER if digest == self.digest else "no-cache", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=asset.media_type)
        return Response(asset.body, headers=headers, media_type=asset.media_type)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, gzip.compress(body, 9, mtime=0), _TYPES[path.suffix])


ASSETS: Final = Assets()
