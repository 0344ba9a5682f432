"""Checksums and manifests of folders that hold weights."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

_BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as 64 hex digits, read in blocks of 1 MiB."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_into(target: BinaryIO, parts: Iterable[Path]) -> str:
    """Append the parts to `target` in order; returns the SHA-256 of everything written."""
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
                target.write(block)
    return digest.hexdigest()


def inventory(folder: Path) -> dict[str, dict[str, Any]]:
    """Every file directly in `folder`: name → sha256 and bytes."""
    return {
        path.name: {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.is_file()
    }


def differences(folder: Path, expected: dict[str, dict[str, Any]]) -> list[str]:
    """Names of files that are missing or whose bytes are not the expected ones."""
    return [
        name
        for name, facts in expected.items()
        if not (folder / name).is_file() or sha256_of(folder / name) != facts["sha256"]
    ]


def write_json(path: Path, value: Any) -> None:
    """`path` holds `value` as JSON, all or nothing, also after a power cut."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        json.dump(value, stream, ensure_ascii=False, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def sync_files(folder: Path) -> None:
    """The bytes of every file directly in `folder` are on the disk."""
    for path in folder.iterdir():
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
