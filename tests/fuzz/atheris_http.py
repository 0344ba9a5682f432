"""Coverage-guided bytes against both HTTP ends of the gateway, in one process and without a socket: `make fuzz`.

A caller's connection is fed the input in two pieces behind a valid key; what the model server says is the input too. A
crash is whatever escapes a protocol, a 500, more answers than requests, or a planted number that gets out.
`python tests/fuzz/atheris_http.py SECONDS [CORPUS]`

What leads somewhere new is kept in CORPUS. With GNOMON_TEST_COMPILED=1 the modules are those that a gateway runs as C:
nothing is seen of where an input leads, so it begins with what the sources led to.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

import atheris

from gnomon.native import modules

if os.environ.get("GNOMON_TEST_COMPILED") == "1" and not modules.prefer():  # before any of them is loaded
    raise SystemExit("nothing is built: python -m gnomon.native.translate")
with atheris.instrument_imports(include=[] if modules.are_compiled() else ["gnomon.gateway", "gnomon.contract"]):
    from tests.fuzz.pipes import BODY, HEAD, PLANTED, Bench

from gnomon.kit import log
from tests.fakes.upstream import event

FAULT = re.compile(rb"HTTP/1\.1 500 ")
LEAK = re.compile(rb"(?<![0-9])%b(?![0-9])" % PLANTED)  # in a longer number it is no telephone number
BENCH: Bench


def one(data: bytes) -> None:
    fuzzed = atheris.FuzzedDataProvider(data)
    kind = fuzzed.ConsumeIntInRange(0, 4)
    cut = fuzzed.ConsumeIntInRange(0, 64)
    rest = fuzzed.ConsumeBytes(4096)
    BENCH.asked.clear()
    BENCH.reply = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    if kind == 0:
        pieces = [rest[:cut], rest[cut:]]
    elif kind == 1:
        pieces = [HEAD + rest[:cut], rest[cut:]]
    elif kind == 2:
        pieces = [HEAD + b"content-length: %d\r\n\r\n" % len(rest) + rest]
    else:
        stream = b',"stream":true}' if kind == 4 else b"}"
        body = BODY[:-1] + stream
        pieces = [HEAD + b"content-length: %d\r\n\r\n" % len(body) + body]
        form = b"text/event-stream" if kind == 4 else b"application/json"
        BENCH.reply = rest if cut < 8 else b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n\r\n%b" % (form, rest)
    got = BENCH.loop.run_until_complete(BENCH.talk(*pieces))
    assert not FAULT.search(got), got
    assert not LEAK.search(BENCH.asked), BENCH.asked
    if kind >= 3:
        assert not LEAK.search(got), got


def seeds(folder: Path) -> None:
    """What is right, of each kind: the fuzzer begins there. The last two bytes say the cut and the kind."""
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "电话 13912345678"}}]}
    spoken = b"".join(event({"content": piece}) for piece in ("电话 139", "1234", "5678", "。"))
    chunked = b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    for number, (kind, rest) in enumerate(
        [
            (0, HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY),
            (1, chunked),
            (1, b"content-length: %d\r\nexpect: 100-continue\r\n\r\n" % len(BODY) + BODY),
            (2, BODY),
            (3, json.dumps(answer).encode()),
            (4, spoken + event({}, finish="stop") + b"data: [DONE]\n\n"),
        ]
    ):
        for cut in (4, 20):
            (folder / f"{number}-{cut}").write_bytes(rest + bytes([cut, kind]))


def main() -> None:
    global BENCH
    seconds = sys.argv[1]
    log.configure("critical")
    with tempfile.TemporaryDirectory(prefix="gnomon-corpus-") as corpus:
        seeds(Path(corpus))
        limits = [f"-max_total_time={seconds}", "-max_len=4200", "-timeout=20"]
        for folder in sys.argv[2:]:
            Path(folder).mkdir(parents=True, exist_ok=True)
        atheris.Setup([sys.argv[0], *limits, *sys.argv[2:], corpus], one)
        BENCH = Bench()
        atheris.Fuzz()


if __name__ == "__main__":
    main()
