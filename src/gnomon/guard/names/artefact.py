"""A trained tagger as one file: a line that says what it is, its provenance as JSON, and packed numbers.

The header carries the SHA-256 of the numbers; a file that was cut, changed or made for other features is refused.
Nothing in it is executed.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import zstandard

from gnomon.guard.names.features import BITS, VERSION
from gnomon.guard.names.lexicon import Bytes, Lexicon
from gnomon.guard.names.missing import NamesMissing
from gnomon.guard.names.tagger import ENTITIES, TAGS, Leaning, Tagger, evenly

_MAGIC: Final = b"gnomon-names\n"
_HEADER_BYTES: Final = 65_536
_LEVEL = 12
_DEEP: Final = 4
"""Which of the packed numbers are the weights that were learned with a second reader."""
SHIPPED: Final = Path(__file__).with_name("shipped.names")


@dataclass(frozen=True, slots=True)
class Artefact:
    tagger: Tagger
    about: dict[str, Any]  # provenance, as it was given to `save`
    sha256: str  # of the file
    deep: Tagger | None = None  # learned with the hints of a second reader, which it is given by who uses it
    without: tuple[str, ...] = ()  # rules that what was learned from speaks against


def save(
    path: Path, tagger: Tagger, about: dict[str, Any], *, deep: Tagger | None = None, without: Sequence[str] = ()
) -> str:
    """The file is written whole or not at all. Returns its SHA-256. `deep` has the same words as `tagger`."""
    arrays: list[npt.NDArray[Any]] = [tagger.weights, tagger.follow, tagger.lexicon.words, tagger.lexicon.chars]
    if deep:
        arrays += [deep.weights, deep.follow]
    payload = zstandard.compress(b"".join(array.tobytes() for array in arrays), _LEVEL)
    header = {
        "features": VERSION,
        "bits": BITS,
        "tags": list(TAGS),
        "scale": tagger.scale,
        "leaning": tagger.leaning,
        "deep": {"scale": deep.scale, "leaning": deep.leaning} if deep else None,
        "without": list(without),
        "words": len(tagger.lexicon.words),
        "chars": len(tagger.lexicon.chars),
        "sha256": hashlib.sha256(payload).hexdigest(),
        "about": about,
    }
    data = _MAGIC + json.dumps(header, ensure_ascii=False, sort_keys=True).encode() + b"\n" + payload
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
    return hashlib.sha256(data).hexdigest()


@cache
def load(path: Path = SHIPPED, speed: str = "") -> Artefact:
    """The tagger in a file, once a process and speed. With a speed what only the other speed needs is not kept (14 MB):
    for `names` there is no `deep`, and for `deep`, where there is one, it is the `tagger` too.

    Raises NamesMissing when it is not there or not what it says it is.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _missing(path, error.strerror or "cannot be read") from error
    try:
        return _read(data, speed)
    except (ValueError, KeyError, TypeError, zstandard.ZstdError) as error:
        raise _missing(path, str(error)) from error


def _read(data: bytes, speed: str) -> Artefact:
    if not data.startswith(_MAGIC):
        raise ValueError("it does not begin like a tagger")
    end = data.index(b"\n", len(_MAGIC), len(_MAGIC) + _HEADER_BYTES)
    header, payload = json.loads(data[len(_MAGIC) : end]), data[end + 1 :]
    if (header["features"], header["bits"], header["tags"]) != (VERSION, BITS, list(TAGS)):
        raise ValueError("it was trained for other features; train it again")
    if hashlib.sha256(payload).hexdigest() != header["sha256"]:
        raise ValueError("its numbers are not the ones that were written")
    rows, kinds = 1 << BITS, len(TAGS)
    learned = (rows * kinds, 4 * kinds * kinds)
    second = header.get("deep")
    sizes = (*learned, int(header["words"]), int(header["chars"]), *(learned if second else ()))
    parts: list[Bytes] = []
    with zstandard.ZstdDecompressor().stream_reader(payload) as reader:
        for size in sizes:
            raw = reader.read(size)
            if len(raw) != size:
                raise ValueError("its numbers are too few")
            unwanted = (speed == "deep" and second and not parts) or (speed == "names" and len(parts) == _DEEP)
            parts.append(np.frombuffer(b"" if unwanted else raw, np.uint8))
    lexicon = Lexicon(parts[2], parts[3])
    deep = _tagger(parts[_DEEP], parts[_DEEP + 1], lexicon, second) if second and speed != "names" else None
    return Artefact(
        deep if deep and speed == "deep" else _tagger(parts[0], parts[1], lexicon, header),
        header["about"],
        hashlib.sha256(data).hexdigest(),
        deep,
        tuple(map(str, header.get("without", ()))),
    )


def _tagger(weights: Bytes, follow: Bytes, lexicon: Lexicon, header: dict[str, Any]) -> Tagger:
    return Tagger(
        weights.view(np.int8).reshape(-1, len(TAGS)),
        follow.view(np.float32).reshape(len(TAGS), len(TAGS)),
        lexicon,
        scale=float(header["scale"]),
        leaning=_leaning(header["leaning"]),
    )


def _leaning(told: float | list[float]) -> Leaning:
    """A number holds for every entity."""
    leaning = tuple(map(float, told)) if isinstance(told, list) else evenly(float(told))
    if len(leaning) != len(ENTITIES):
        raise ValueError("it leans for other entities")
    return leaning


def _missing(path: Path, why: str) -> NamesMissing:
    return NamesMissing(
        f"The name tagger {path.name} cannot be used: {why}.",
        next_step="Reinstall, or make one with `gnomon mask train`; or choose the speed structured.",
    )
