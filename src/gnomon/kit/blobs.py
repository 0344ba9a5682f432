"""Content-addressed objects: weights, data, evidence. A folder or an S3 bucket by URL; the name is the SHA-256."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
from obstore.store import from_url

from gnomon.kit.errors import BadInput, NotFound

CHUNK = 8 * 1024 * 1024


class Blobs:
    """Objects by digest. Writing the same bytes twice stores them once; reading checks the digest."""

    def __init__(self, url: str) -> None:
        options = {"mkdir": True} if url.startswith("file:") else {}
        self._store: Any = from_url(url, **options)

    def put(self, data: bytes) -> str:
        """Store `data`; returns its SHA-256 (64 hex digits)."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.has(sha256):
            obstore.put(self._store, _path(sha256), data)
        return sha256

    def put_file(self, file: Path) -> str:
        """Store a file of any size without holding it in memory; returns its SHA-256."""
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if not self.has(sha256):
            obstore.put(self._store, _path(sha256), file)
        return sha256

    def delete(self, sha256: str) -> None:
        """The object is gone; one that is not there is no error. The caller knows that nobody refers to it."""
        if self.has(sha256):
            obstore.delete(self._store, _path(sha256))

    def has(self, sha256: str) -> bool:
        try:
            obstore.head(self._store, _path(sha256))
        except FileNotFoundError:
            return False
        return True

    def get(self, sha256: str) -> bytes:
        """The bytes. Raises NotFound, or BadInput when what is stored no longer has this digest."""
        data = b"".join(self.chunks(sha256))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BadInput(f"The object {sha256[:12]} was altered.", next_step="Restore it from a backup.")
        return data

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """The bytes in pieces, unchecked: for large objects, whose reader checks the digest at the end."""
        try:
            result = obstore.get(self._store, _path(sha256))
        except FileNotFoundError as error:
            raise NotFound(f"No object {sha256[:12]} is stored.", next_step="Restore it from a backup.") from error
        for chunk in result.stream(min_chunk_size=CHUNK):
            yield bytes(chunk)

    def fetch(self, sha256: str, to: Path) -> None:
        """Write the object to the file `to` by rename. Raises BadInput when its digest is wrong; nothing is left."""
        draft = to.with_name(f".{to.name}.part")
        seen = hashlib.sha256()
        to.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            for chunk in self.chunks(sha256):
                seen.update(chunk)
                file.write(chunk)
        if seen.hexdigest() != sha256:
            draft.unlink()
            raise BadInput(f"The object {sha256[:12]} was altered.", next_step="Restore it from a backup.")
        draft.rename(to)


def _path(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"
