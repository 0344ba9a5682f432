"""What may enter the catalogue, as pure functions over names, headers and rows."""

import hashlib
import hmac
import json
import math
import struct
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from gnomon.contract.verdicts import State
from gnomon.kit.canonical import canonical_bytes, digest
from gnomon.kit.errors import BadInput, Conflict, GnomonError, NotReady

STAGES = ("development", "deployment", "use", "maintenance", "retired")

# Formats that hold data and nothing that runs when it is loaded. Anything else is refused, pickle above all.
KNOWN_FORMATS = frozenset({".safetensors", ".gguf", ".json", ".txt", ".md", ".model", ".jinja"})
PICKLE_FORMATS = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz"})
NAMED_FILES = frozenset({"LICENSE", "NOTICE", "README"})

HEADER_MAX = 100_000_000  # bytes; the limit of the safetensors format itself
DTYPE_BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
}


class BadPath(BadInput):
    code = "bad_file_path"


class BadWeights(BadInput):
    code = "bad_weights"


class NotChecked(NotReady):
    code = "version_not_checked"
    status = 409


class VersionFixed(Conflict):
    code = "version_is_fixed"


class BadRows(BadInput):
    code = "bad_rows"


@dataclass(frozen=True, slots=True)
class Tensors:
    """What a safetensors header promises: how many tensors, how many parameters, which types."""

    tensors: int
    parameters: int
    dtypes: dict[str, int]


def check_path(path: str) -> None:
    """Raises BadPath unless `path` is a plain relative path that stays inside its folder."""
    parts = PurePosixPath(path).parts
    clean = "/".join(parts)
    if not parts or path != clean or path.startswith("/") or "\\" in path or "\0" in path or ".." in parts:
        raise BadPath(f"The path {path[:100]!r} does not stay inside the version.", next_step="Give a relative path.")
    if any(part.startswith(".") for part in parts):
        raise BadPath(f"The path {path[:100]!r} names a hidden file.", next_step="Leave such files out.")


def require_draft(state: str, *, label: str) -> None:
    if state != "draft":
        raise VersionFixed(f"The version {label} is {state}; its files are fixed.", next_step="Make a new version.")


def require_checked(state: str, *, label: str) -> None:
    if state != "checked":
        raise NotChecked(f"The version {label} is {state}, not checked.", next_step="Have it checked first.")


def require_in_life(stage: str, *, model: str) -> None:
    if stage == "retired":
        raise Conflict(f"The model {model} is retired.", next_step="Register it anew under another name.")


def missing_parts(paths: Collection[str], *, kind: str) -> list[str]:
    """What a version of this kind needs and does not hold."""
    problems = []
    if not any(path.endswith((".safetensors", ".gguf")) for path in paths):
        problems.append("there are no weights (.safetensors or .gguf)")
    if kind == "adapter" and "adapter_config.json" not in paths:
        problems.append("there is no adapter_config.json")
    return problems


def check_stage(before: str, after: str) -> None:
    """Raises Conflict on a step back out of retirement; every other move is a matter of life."""
    if before == "retired" and after != "retired":
        raise Conflict("A retired model does not come back.", next_step="Register it anew under another name.")


def files_sha256(files: Iterable[Mapping[str, Any]]) -> str:
    """The identity of a version: the digest of its files' paths, digests and sizes, in order of path."""
    plain = [{"path": f["path"], "sha256": f["sha256"], "size": f["size"]} for f in files]
    return digest(sorted(plain, key=lambda entry: str(entry["path"])))


def format_problem(path: str, head: bytes) -> str:
    """Why a file of this name that begins with `head` (at least 16 bytes, if it has them) is refused; "" if it is not.

    What unpickles can run anything. The name is not trusted: a pickle or an archive under a harmless name is refused.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in PICKLE_FORMATS:
        return f"{suffix} files may run code when they are loaded; convert them to safetensors"
    if suffix not in KNOWN_FORMATS and PurePosixPath(path).name not in NAMED_FILES:
        return f"the format {suffix or 'without a name'} is not known; known are {', '.join(sorted(KNOWN_FORMATS))}"
    if suffix == ".gguf":
        return "" if head[:4] == b"GGUF" else "it does not begin like a GGUF file"
    if suffix == ".safetensors":
        return ""
    if len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return "its bytes begin like a pickle"
    if head[:4] in (b"PK\x03\x04", b"\x7fELF") or head[:2] == b"#!":
        return "its bytes begin like an archive or a program"
    return ""


def json_problem(path: str, data: bytes) -> str:
    """Why a JSON file is refused: unreadable, or it names code of its own to be loaded (`auto_map`)."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        return f"it is not JSON: {str(error)[:120]}"
    if isinstance(value, dict) and value.get("auto_map"):
        return "auto_map asks for code that comes with the model"
    return ""


def header_length(first: bytes, *, size: int) -> int:
    """Bytes of the JSON header of a safetensors file of `size` bytes that begins with `first`. Raises BadWeights."""
    if len(first) < 8:
        raise BadWeights("The file is shorter than a safetensors header.", next_step="Upload it again.")
    (length,) = struct.unpack("<Q", first[:8])
    if length > min(HEADER_MAX, size - 8):
        raise BadWeights(
            f"The header says {length} bytes, the file has {size}.", next_step="Upload the file again, whole."
        )
    return int(length)


def parse_header(header: bytes, *, data_bytes: int) -> Tensors:
    """What the header promises, when its tensors fill the `data_bytes` after it without gap or overlap.

    Raises BadWeights otherwise: a gap may hide data, an overlap or an offset past the end reads what is not there.
    """
    try:
        content = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise BadWeights(f"The header is not JSON: {str(error)[:120]}", next_step="Upload the file again.") from error
    if not isinstance(content, dict):
        raise BadWeights("The header is not an object.", next_step="Upload the file again.")
    spans, parameters, dtypes = [], 0, Counter[str]()
    for name, entry in content.items():
        if name == "__metadata__":
            continue
        begin, end, count, dtype = _tensor(name, entry)
        spans.append((begin, end))
        parameters += count
        dtypes[dtype] += 1
    _check_filled(sorted(spans), data_bytes)
    return Tensors(len(spans), parameters, dict(dtypes))


def _tensor(name: str, entry: Any) -> tuple[int, int, int, str]:
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        bits = DTYPE_BITS[dtype]
        count = math.prod(shape)
        fits = all(type(n) is int and n >= 0 for n in [*shape, begin, end]) and (end - begin) * 8 == count * bits
    except (KeyError, TypeError, ValueError) as error:
        raise BadWeights(f"The tensor {name[:80]!r} is not well described.", next_step="Convert it again.") from error
    if not fits:
        raise BadWeights(f"The tensor {name[:80]!r} has not the size of its shape.", next_step="Convert it again.")
    return begin, end, count, dtype


def _check_filled(spans: Sequence[tuple[int, int]], data_bytes: int) -> None:
    at = 0
    for begin, end in spans:
        if begin != at:
            raise BadWeights(f"The tensors leave a gap or overlap at byte {at}.", next_step="Convert the file again.")
        at = end
    if at != data_bytes:
        raise BadWeights(f"The tensors end at byte {at} of {data_bytes}.", next_step="Upload the file again, whole.")


def fingerprint(text: str, key: bytes) -> str:
    """`<id of the key>:<HMAC>` of the text as a reader sees it (NFKC, case folded, no white space).

    Equal items have equal ones. Keyed, since whoever reads the database could try short texts against a plain hash.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    return keyed(hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest(), key)


def keyed(plain_hash: str, key: bytes) -> str:
    """The fingerprint whose text has this plain hash; one that is keyed already stays."""
    if ":" in plain_hash:
        return plain_hash
    return f"{key_id(key)}:{hmac.new(key, plain_hash.encode(), hashlib.sha256).hexdigest()}"


def key_id(key: bytes) -> str:
    """Eight hex digits that tell one key from another, and nothing else of it."""
    return hashlib.sha256(b"gnomon fingerprint key " + key).hexdigest()[:8]


def rows_as_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as canonical JSON lines, in their order. Raises BadRows on a row without a text, or not storable."""
    lines = []
    for number, row in enumerate(rows, 1):
        text = row.get("text")
        if not isinstance(text, str) or not text.strip():
            raise BadRows(f"Row {number} has no text.", next_step="Give each row a non-empty field `text`.", row=number)
        try:
            lines.append(canonical_bytes(dict(row)))
        except (ValueError, TypeError, RecursionError, GnomonError) as error:
            raise BadRows(
                f"Row {number} cannot be stored: {str(error)[:120]}", next_step="Remove it.", row=number
            ) from error
    return b"".join(line + b"\n" for line in lines)


def prepare_rows(
    rows: Sequence[Mapping[str, Any]], steps: Sequence[str], *, held_out: Mapping[str, Collection[str]], key: bytes
) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]]]:
    """The rows after the named steps, and per step how many it took away."""
    left, told = list(rows), []
    for step in steps:
        before = len(left)
        left = _without(left, step, {item for items in held_out.values() for item in items}, key)
        told.append({"step": step, "before": before, "after": len(left)})
    return left, told


def _without(rows: list[Mapping[str, Any]], step: str, held_out: set[str], key: bytes) -> list[Mapping[str, Any]]:
    prints = [fingerprint(str(row.get("text", "")), key) for row in rows]
    if step == "drop_leaks":
        return [row for row, print_ in zip(rows, prints, strict=True) if print_ not in held_out]
    if step == "drop_contradictions":
        labels: dict[str, set[str]] = {}
        for row, print_ in zip(rows, prints, strict=True):
            labels.setdefault(print_, set()).add(str(row.get("label")))
        return [row for row, print_ in zip(rows, prints, strict=True) if len(labels[print_]) == 1]
    first = {print_: place for place, print_ in reversed(list(enumerate(prints)))}
    return [row for place, (row, print_) in enumerate(zip(rows, prints, strict=True)) if first[print_] == place]


def inspect_rows(
    rows: Sequence[Mapping[str, Any]],
    *,
    held_out: Mapping[str, Collection[str]],
    key: bytes,
    personal: Mapping[str, int] | None,
) -> dict[str, Any]:
    """What can be said of the rows: duplicates, contradictions, labels, leaks into held-out suites, personal data.

    `held_out` maps the id of every sealed suite to the fingerprints of its items; `personal` counts rows with a hit by
    entity, None when nobody looked. What was not looked at is "not_measured".
    """
    prints = [fingerprint(str(row["text"]), key) for row in rows]
    labels: dict[str, set[str]] = {}
    for print_, row in zip(prints, rows, strict=True):
        if "label" in row:
            labels.setdefault(print_, set()).add(str(row["label"]))
    return {
        "n": len(rows),
        "unlabelled": sum("label" not in row for row in rows),
        "labels": dict(sorted(Counter(str(row["label"]) for row in rows if "label" in row).items())),
        "duplicates": len(prints) - len(set(prints)),
        "contradictions": sum(len(found) > 1 for found in labels.values()),
        "leaks": count_leaks(prints, held_out, key) if held_out else State.NOT_MEASURED.value,
        "personal": dict(personal) if personal is not None else State.NOT_MEASURED.value,
    }


def count_leaks(prints: Collection[str], held_out: Mapping[str, Collection[str]], key: bytes) -> dict[str, int | None]:
    """Per suite how many of its items are among the rows; None where its fingerprints are of another key."""
    mine, mark = set(prints), f"{key_id(key)}:"
    return {
        suite: len(mine & set(items)) if all(item.startswith(mark) for item in items) else None
        for suite, items in held_out.items()
    }


def judge_rows(checks: Mapping[str, Any], *, purpose: str) -> State:
    """NOT_MET when an item of a held-out suite is among the rows; what a model learns from must have been compared."""
    leaks = checks["leaks"]
    if isinstance(leaks, dict) and any(leaks.values()):
        return State.NOT_MET
    compared = isinstance(leaks, dict) and None not in leaks.values()
    return State.MET if compared or purpose not in ("train", "validation") else State.NOT_MEASURED
