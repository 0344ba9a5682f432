"""Reads every byte of a version again and says what is wrong with it. Needs the object store and a signing key only."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gnomon.contract.signing import key_id
from gnomon.control.catalog import rules
from gnomon.kit.blobs import Blobs
from gnomon.kit.errors import NotFound

JSON_MAX = 256 * 1024 * 1024  # bytes; a tokenizer is some 30 MiB, and a JSON file is read into memory whole


@dataclass(slots=True)
class Inspection:
    """What was found: problems by path (none: the version is good), and per weight file its tensors."""

    sha256: str
    files: int = 0
    bytes: int = 0
    formats: dict[str, int] = field(default_factory=dict)
    tensors: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "sha256": self.sha256,
            "files": self.files,
            "bytes": self.bytes,
            "formats": self.formats,
            "tensors": self.tensors,
            "problems": self.problems,
        }


def inspect(blobs: Blobs, files: Sequence[dict[str, Any]], *, kind: str) -> Inspection:
    """Digest, size and format of every file; safetensors headers and JSON parsed; pickle and code refused."""
    found = Inspection(rules.files_sha256(files))
    for entry in files:
        problem = _inspect_file(blobs, entry, found)
        if problem:
            found.problems.append({"path": entry["path"], "problem": problem})
    paths = {entry["path"] for entry in files}
    for problem in rules.missing_parts(paths, kind=kind):
        found.problems.append({"path": "", "problem": problem})
    return found


def signature(key: Ed25519PrivateKey, sha256: str) -> dict[str, str]:
    """The platform's word that it checked exactly this version."""
    return {"key_id": key_id(key.public_key()), "ed25519": key.sign(signed_bytes(sha256)).hex()}


def signed_bytes(sha256: str) -> bytes:
    return f"gnomon-model-version\n{sha256}".encode()


def _inspect_file(blobs: Blobs, entry: dict[str, Any], found: Inspection) -> str:
    path, size = entry["path"], entry["size"]
    suffix = path.rpartition(".")[2].lower() if "." in path else ""
    keep = JSON_MAX if suffix == "json" else 16
    try:
        seen = _Reader(blobs.chunks(entry["sha256"]), keep=keep, header=suffix == "safetensors", size=size)
    except NotFound:
        return "its bytes are not stored"
    except rules.BadWeights as error:
        return error.message
    found.files += 1
    found.bytes += seen.size
    found.formats[suffix] = found.formats.get(suffix, 0) + 1
    if seen.sha256 != entry["sha256"] or seen.size != size:
        return "its bytes are not the ones that were registered"
    problem = rules.format_problem(path, seen.head)
    if problem or suffix not in ("json", "safetensors"):
        return problem
    if suffix == "json":
        return rules.json_problem(path, seen.head) if size <= JSON_MAX else f"it is longer than {JSON_MAX} bytes"
    try:
        tensors = rules.parse_header(seen.header, data_bytes=size - 8 - len(seen.header))
    except rules.BadWeights as error:
        return error.message
    found.tensors[path] = {"n": tensors.tensors, "parameters": tensors.parameters, "dtypes": tensors.dtypes}
    return ""


class _Reader:
    """One pass over an object: its digest and size, its first bytes, and the header of a safetensors file."""

    def __init__(self, chunks: Iterator[bytes], *, keep: int, header: bool, size: int) -> None:
        digest, kept = hashlib.sha256(), bytearray()
        self.size = 0
        need = keep
        for chunk in chunks:
            digest.update(chunk)
            self.size += len(chunk)
            if len(kept) < need:
                kept += chunk[: need - len(kept)] if not header else chunk
            if header and need == keep and len(kept) >= 8:
                need = 8 + rules.header_length(bytes(kept[:8]), size=size)
        if header and len(kept) < 8:
            rules.header_length(bytes(kept), size=size)
        self.sha256 = digest.hexdigest()
        self.head = bytes(kept[:keep])
        self.header = bytes(kept[8:need]) if header else b""
