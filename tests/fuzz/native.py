"""The C files under AddressSanitizer and UndefinedBehaviorSanitizer, fed with any strings: `make fuzz-native`.

`python tests/fuzz/native.py SECONDS [SEED]` builds them so in a folder of its own, starts itself again with the
sanitizers loaded before the interpreter, and compares what C and Python say of each string. The first access out of
bounds, undefined step or difference ends it. What calls the C runs from source, for each twin is put in its place:
`twins.py` compares the compiled modules.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gnomon import native
from gnomon.native import build

_HANZI = "一二三零〇幺壹捌号身份证卡电话京沪军字第年月日生，。（）：、·—―•°"
_SIGNS = "0123456789" * 4 + " -./_\n\t\r()+,%\\@:;=[]{}#*!?~^&$\"'" + "abcxzABFXZMNOoIlS" + _HANZI
_ODD = "\0\x1f\x7f\x80\x85\xa0\xff\u0100\u0660\u200b\u2028\u212a\u3000\ud800\udfff\ufeff\uffff\U0001d7d8\U000e0041"
_WORDS = (
    *(
        "138",
        "1234",
        "5678",
        "110101",
        "19900101",
        "62",
        "86",
        "+86",
        "卡号",
        "身份证",
        "IMEI",
        "vin",
        "电话",
        "a@b.co",
    ),
    *(
        "-----BEGIN",
        "PRIVATE KEY",
        "sk-abcdefgh",
        "%31",
        "\\u0031",
        "GB29 NWBK",
        "://u:p@h",
        "March 12th",
        "call me at ",
    ),
)


def _text(rng: random.Random) -> str:
    kind, size = rng.random(), rng.choice((0, 1, 2, 8, 30, 90, 300, rng.randrange(6000)))
    if kind < 0.15:
        return "".join(chr(rng.randrange(0x110000)) for _ in range(size))
    if kind < 0.25:
        return rng.choice((*_SIGNS, *_ODD)) * size
    pool = (_SIGNS, _SIGNS + _ODD, (*_SIGNS, *_WORDS))[rng.randrange(3)]
    return "".join(rng.choice(pool) for _ in range(size))


def _json(rng: random.Random, text: str) -> bytes:
    """JSON with the text in it, as somebody may write it, or with a few bytes of it changed or gone."""
    number = rng.choice((13812345678, 1e11, -1.5, 11010519491231002))
    told = json.dumps({"a": [text], text[:9]: number}, ensure_ascii=rng.random() < 0.5)
    data = bytearray(told.encode("utf-8", "replace"))
    for _ in range(rng.choice((0, 0, 1, 3))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.choice((len(data), len(data), rng.randrange(len(data))))])


def _events(rng: random.Random, text: str) -> bytes:
    """A stream of this text in pieces, with a few bytes of it changed or none."""
    said = [
        {"index": 0, "delta": {"content": text[at : at + 7]}, "finish_reason": None} for at in range(0, len(text), 7)
    ]
    told = (json.dumps({"id": "c", "choices": [one]}, ensure_ascii=rng.random() < 0.2) for one in said[:99])
    data = bytearray(b"".join(b"data: %b\n\n" % one.encode("utf-8", "replace") for one in told))
    for _ in range(rng.choice((0, 0, 1)) if data else 0):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def _chunks(rng: random.Random, data: bytes) -> bytes:
    sizes = [rng.randrange(40) for _ in range(rng.randrange(5))]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(data[:size]), data[:size]) for size in sizes)
    return chunks[: rng.choice((len(chunks), rng.randrange(len(chunks) + 1)))]


def _sanitized(folder: Path) -> None:
    """Every module as it is built for use, in a folder of its own, but with the sanitizers."""
    for name in native.names():
        failed = build.compile_to(folder / f"{name}.so", native.HERE / f"{name}.c", build.SANITIZED)
        if failed:
            raise SystemExit(f"{name}.c: {failed}")


def _preloaded() -> str:
    told = [
        subprocess.run(
            [*build.compiler(), f"-print-file-name=lib{name}.so"], capture_output=True, text=True, check=True
        )
        for name in ("asan", "ubsan")
    ]
    return " ".join(one.stdout.strip() for one in told)


def main(seconds: str, seed: str = "1") -> int:
    with tempfile.TemporaryDirectory(prefix="gnomon-native-") as folder:
        _sanitized(Path(folder))
        environment = {
            **os.environ,
            "LD_PRELOAD": _preloaded(),
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",  # an interpreter never frees all
            "PYTHONMALLOC": "malloc",  # or overruns of a string would stay inside an arena
        }
        command = [sys.executable, __file__, "--inside", folder, seconds, seed]
        return subprocess.run(command, env=environment, check=False).returncode


def inside(folder: str, seconds: float, seed: int) -> None:
    native.load = lambda name: native._loaded(name, Path(folder) / f"{name}.so")  # type: ignore[assignment]
    # Only now: these load what is in C when they are imported.
    from gnomon.guard import cutting
    from gnomon.guard.content import meant
    from gnomon.guard.detectors import DETECTORS
    from gnomon.guard.finding import Finder
    from gnomon.guard.placeholders import code, code_slowly
    from gnomon.guard.quick import Quick
    from gnomon.guard.slow import Slow
    from tests.fuzz.native_events import compare_chunks, compare_events
    from tests.fuzz.native_limits import Pair
    from tests.fuzz.native_places import compare_places
    from tests.fuzz.native_relay import compare_relayed
    from tests.fuzz.native_short import compare_codes, compare_strings, compare_tokens

    fast, slow, rng, count, lent = Finder(), Finder(), random.Random(seed), 0, 0
    assert isinstance(fast._look, Quick)
    slow._look = Slow(DETECTORS)
    limits, weights = Pair(Path(folder), rng), meant.load().weights
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        text, count = _text(rng), count + 1
        start, key = rng.randrange(len(text) + 2), rng.randbytes(rng.randrange(16, 80))
        fast.hits(rng.randbytes(rng.randrange(60)) + text.encode("utf-8", "surrogatepass")[: rng.randrange(6000)])
        compare_places(_json(rng, text), fast, slow)
        limits.step()
        compare_events(_events(rng, text), [rng.randrange(1, 900) for _ in range(3)])
        lent += compare_relayed(rng, _events(rng, text))
        compare_chunks(_chunks(rng, text.encode("utf-8", "surrogatepass")))
        compare_strings(rng, text)
        compare_codes(rng, text)
        compare_tokens(rng, text)
        told = {"key": key, "entity": text[:4], "length": rng.randrange(13)}
        for what, one, other in (
            ("found", fast.spans(text), slow.spans(text)),
            ("cut", cutting.undecided(text, start), cutting.undecided_slowly(text, start)),
            ("letters", code(text, **told), code_slowly(text, **told)),
            ("meant", meant._weigh(weights, text.lower()), meant.weighed(weights, text.lower())),
        ):
            if one != other:
                raise SystemExit(f"{what}: {text!r} from {start}: {one!r} in C, {other!r} in Python")
    print(f"{count} strings, {lent} streams lent, no difference, nothing out of bounds")


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
    else:
        raise SystemExit(main(*sys.argv[1:]))
