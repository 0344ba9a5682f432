"""Callers who cut, dawdle, flood, smuggle and babble: refused or answered, recorded, and nothing is left behind.

One gateway, raw sockets. Whatever a caller says wrongly carries personal data, which must be neither with the model
server nor on the disk, and whatever is ambiguous must never become a second request.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.bundle import make_home, make_key, secret
from tests.fakes.gateway import GatewayProcess, answers, bearer, until
from tests.fakes.upstream import Script, Upstream

pytestmark = pytest.mark.journey
MOBILE, IDENTITY = "13912345678", "11010519491231002X"
LEAK = f"电话{MOBILE}，身份证号{IDENTITY}"
M, L = MOBILE.encode(), LEAK.encode()
ONE = "bbbbbbbb"  # this key may have one request at a time: a slot that is not given back shows at once
BODY = json.dumps({"model": "gnomon-chat", "messages": [{"role": "user", "content": LEAK}]}).encode()
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer %b\r\n" % secret(ONE).encode()
GET = b"GET /v1/models HTTP/1.1\r\nhost: g\r\nauthorization: Bearer %b\r\n\r\n" % secret(ONE).encode()
LAST = b"connection: close\r\n"
NOTE = b"x-note: " + L + b"\r\n"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(Script(reply="好。")) as found:
        yield found


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[GatewayProcess]:
    keys = (make_key(), make_key(ONE, concurrency=1))
    with GatewayProcess(make_home(tmp_path_factory.mktemp("callers"), upstream_url=upstream.url, keys=keys)) as found:
        yield found


def request(body: bytes = BODY, *lines: bytes) -> bytes:
    return HEAD + b"".join(lines) + b"content-length: %d\r\n\r\n" % len(body) + body


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunks + end


def messages(raw: bytes) -> bytes:
    """A body whose first message has this raw JSON as its content."""
    return b'{"model":"gnomon-chat","messages":[{"role":"user","content":%b}]}' % raw


# ------------------------------------------------------------------------------------------- what is not HTTP

REFUSED = {
    "length and chunks": HEAD + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + GET,
    "chunks and length": HEAD + b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n" + GET,
    "two lengths": HEAD + b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}" + GET,
    "a list of lengths": HEAD + b"content-length: 2, 2\r\n\r\n{}" + GET,
    "a signed length": HEAD + b"content-length: +2\r\n\r\n{}" + GET,
    "an endless length": HEAD + b"content-length: " + b"9" * 400 + b"\r\n\r\n" + GET,
    "a length in another base": HEAD + b"content-length: 0x2\r\n\r\n{}" + GET,
    "a length that is none": HEAD + b"content-length: \r\n\r\n" + GET,
    "two codings": HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n" + GET,
    "an unknown coding": HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + GET,
    "a coding behind a tab": HEAD + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + GET,
    "a space before the colon": HEAD + b"content-length : 2\r\n\r\n{}" + GET,
    "a folded line": HEAD + b"x-a: b\r\n content-length: 2\r\n\r\n" + GET,
    "a bare line feed": HEAD + b"x-a: b\ncontent-length: 2\r\n\r\n{}" + GET,
    "a bare carriage return": HEAD + b"x-a: b\rcontent-length: 2\r\n\r\n{}" + GET,
    "a zero byte": HEAD + b"x-a: \x00\r\n\r\n" + GET,
    "a nameless line": HEAD + b": x\r\n\r\n" + GET,
    "no line at all": b"\x00" * 64 + L + b"\r\n\r\n",
    "the chunk size in words": chunked(end=b"zz\r\n\r\n") + GET,
    "an endless chunk size": chunked(end=b"f" * 40 + b"\r\n\r\n") + GET,
    "a negative chunk size": chunked(end=b"-1\r\n\r\n") + GET,
    "a chunk longer than it says": HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n" + BODY + b"\r\n0\r\n\r\n" + GET,
    "HTTP/0.9": b"GET /v1/models\r\n\r\n",
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "an upgrade": HEAD + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n" + GET,
    "a tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: g\r\nauthorization: Bearer x\r\n\r\n",
    "two keys": HEAD + b"authorization: Bearer other\r\n\r\n" + GET,
    "a compressed body": request(b"\x1f\x8b\x08", b"content-encoding: gzip\r\n") + GET,
    "an endless path": b"GET /v1/" + M * 1000 + b" HTTP/1.1\r\n\r\n",
    "an endless line": HEAD + b"x-a: " + L * 2000 + b"\r\n\r\n",
    "a flood of lines": HEAD + NOTE * 5000 + b"\r\n",
    "a flood of trailers": chunked(BODY, end=b"0\r\n" + NOTE * 5000 + b"\r\n"),
    "a body past the limit": request(b" " * 1_100_000),
    "chunks past the limit": chunked(*[b" " * 100_000] * 12),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_plainly_one_request_is_refused_and_nothing_behind_it_is_read(
    gateway: GatewayProcess, upstream: Upstream, kind: str
) -> None:
    asked = len(upstream.requests)
    got = gateway.talk(REFUSED[kind])
    assert got.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")), got[:200]
    (answer,) = answers(got)
    until("it is recorded", lambda: not gateway.unrecorded([answer]))
    assert len(upstream.requests) == asked
    _nothing_shows(gateway, upstream)


def test_a_body_with_trailers_chunks_of_a_byte_or_extensions_is_one_request(
    gateway: GatewayProcess, upstream: Upstream
) -> None:
    one_by_one = chunked(*[BODY[at : at + 1] for at in range(len(BODY))])
    extended = HEAD + b"transfer-encoding: chunked\r\n\r\n%x;note=%b\r\n%b\r\n" % (len(BODY), b"a" * 3000, BODY)
    trailed = chunked(BODY, end=b"0\r\nauthorization: Bearer other\r\ncontent-length: 3\r\n\r\n")
    for data in (one_by_one, extended + b"0\r\n\r\n"):
        assert gateway.talk(data, silence_s=0.3).startswith(b"HTTP/1.1 200")
    assert gateway.talk(trailed, silence_s=0.3).count(b"HTTP/1.1 ") == 1
    _nothing_shows(gateway, upstream)


# ------------------------------------------------------------------------------------------- what is no request

WRONG_BODIES = {
    "nothing": b"",
    "half of it": BODY[:-20],
    "no text": b"\xff\xfe\x00" + BODY,
    "latin-1": BODY[:-3] + b"\xe9" + BODY[-3:],
    "UTF-16": BODY.decode().encode("utf-16"),
    "with a byte order mark": b"\xef\xbb\xbf" + BODY,
    "a lone surrogate": messages(b'"\\ud800"'),
    "a list": b"[%b]" % BODY,
    "a string": json.dumps(LEAK).encode(),
    "two objects": BODY + BODY,
    "not a number": messages(b'"a"')[:-1] + b',"temperature":NaN}',
    "an infinite number": messages(b'"a"')[:-1] + b',"temperature":1e999}',
    "nested without end": messages(b'"a"')[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested with personal data": messages(b'"a"')[:-1] + b',"x":' + b'{"%b":' % M * 900 + b"1" + b"}" * 900 + b"}",
    "the model as a number": b'{"model":%b,"messages":[{"role":"user","content":"a"}]}' % M,
    "the model as an object": b'{"model":{"%b":1},"messages":[{"role":"user","content":"a"}]}' % M,
    "the messages as a string": json.dumps({"model": "gnomon-chat", "messages": LEAK}).encode(),
    "the messages as strings": json.dumps({"model": "gnomon-chat", "messages": [LEAK]}).encode(),
    "the content as a number": messages(M),
    "the content as an object": messages(b'{"%b":1}' % M),
    "the content in lists": messages(b'[["%b"]]' % M),
    "a part without a type": messages(b'[{"text":"%b"}]' % M),
    "a part of a wrong type": messages(b'[{"type":["text"],"text":"%b"}]' % M),
    "a picture": messages(b'[{"type":"image_url","image_url":{"url":"http://127.0.0.1/%b"}}]' % M),
    "the stream as a word": BODY[:-1] + b',"stream":"%b"}' % M,
    "the stream as a number": BODY[:-1] + b',"stream":1}',
}


@pytest.mark.parametrize("kind", WRONG_BODIES)
def test_a_body_that_is_no_request_is_a_400_and_stays_here(
    gateway: GatewayProcess, upstream: Upstream, kind: str
) -> None:
    asked = len(upstream.requests)
    (answer,) = answers(gateway.talk(request(WRONG_BODIES[kind], LAST)))
    assert answer.status == 400
    assert not gateway.unrecorded([answer])
    assert len(upstream.requests) == asked
    _nothing_shows(gateway, upstream)


ODD_BODIES = {
    "the same key twice": b'{"messages":[{"role":"user","content":"%b"}],' % L + messages(b'"a"')[1:],
    "the same key twice, deep": messages(b'"%b","content":"a"' % L),
    "options of wrong types": BODY[:-1] + b',"temperature":"%b","tools":{"%b":[]},"stop":7,"n":"x"}' % (M, M),
    "stream options of a wrong type": BODY[:-1] + b',"stream":true,"stream_options":["%b"]}' % M,
    "a number of five thousand digits": BODY[:-1] + b',"seed":' + b"7" * 5000 + b"}",
    "a number in a number": BODY[:-1] + b',"x":%b,"y":%b.0,"z":-%b}' % ((M,) * 3),
    "a number with an exponent": BODY[:-1] + b',"x":1.3912345678e10}',
    "the largest numbers": BODY[:-1] + b',"x":[1.7e308,-1.7e308,5e-324,18446744073709551616]}',
    "escapes": messages(b'"\\u0031\\u0033\\u0039%b \\uff11\\uff13\\uff19%b"' % (M[3:], M[3:])),
    "names of fields": BODY[:-1] + json.dumps({"x": {LEAK: LEAK}}).encode()[1:-1].join((b",", b"}")),
    "null where it may be": messages(b"null"),
    "no content": b'{"model":"gnomon-chat","messages":[{"role":"%b"}]}' % M,
    "an empty message": b'{"model":"gnomon-chat","messages":[{}]}',
}


@pytest.mark.parametrize("kind", ODD_BODIES)
def test_an_odd_body_is_answered_or_refused_and_what_it_hides_is_masked(
    gateway: GatewayProcess, upstream: Upstream, kind: str
) -> None:
    (answer,) = answers(gateway.talk(request(ODD_BODIES[kind], LAST)))
    assert answer.status in (200, 400)
    assert not gateway.unrecorded([answer])
    _nothing_shows(gateway, upstream)


def test_what_stands_in_path_tags_and_foreign_headers_stays_here(gateway: GatewayProcess, upstream: Upstream) -> None:
    tagged = request(BODY, b"x-gnomon-tag-item: %b\r\n" % L, b"x-gnomon-tag-%b: a\r\n" % M)
    for data in (
        tagged,
        request(BODY, NOTE, b"cookie: %b\r\n" % L, b"x-request-id: %b\r\n" % M),
        request(b"{}", b"x-gnomon-tag-item: %b\r\n" % L),
        HEAD.replace(b"chat/completions", M) + b"\r\n",
        HEAD.replace(b"chat/completions", b"chat/completions?key=" + M) + b"\r\n",
        b"GET /v1/models HTTP/1.1\r\nauthorization: Bearer %b\r\n\r\n" % L,
    ):
        assert answers(gateway.talk(data, silence_s=0.3))
    _nothing_shows(gateway, upstream)


# ------------------------------------------------------------------------------------------- who cuts and dawdles


def test_a_request_cut_anywhere_leaves_nothing_behind(gateway: GatewayProcess, upstream: Upstream) -> None:
    whole = request(BODY, b"expect: 100-continue\r\n")
    with gateway.unharmed(key=ONE):
        for at in range(1, len(whole), 7):
            with socket.create_connection(("127.0.0.1", gateway.port)) as s:
                s.sendall(whole[:at])
                if at % 2:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _nothing_shows(gateway, upstream)


def test_an_answer_cut_anywhere_stops_the_model_server_and_is_recorded(
    gateway: GatewayProcess, upstream: Upstream
) -> None:
    upstream.script = Script(pieces=("字",) * 100, between_s=0.01)
    aborted, before = upstream.aborted, _gone(gateway)
    with gateway.unharmed(key=ONE):
        for number, size in enumerate((1, 300, 700)):
            with socket.create_connection(("127.0.0.1", gateway.port)) as s:
                s.sendall(request(BODY[:-1] + b',"stream":true}'))
                s.recv(size)
            until("it is recorded", lambda number=number: _gone(gateway) == before + number + 1)
        upstream.script = Script(reply="好。")
    assert upstream.aborted == aborted + 3


def test_dawdlers_by_the_hundred_do_not_keep_others_waiting(gateway: GatewayProcess) -> None:
    dawdlers = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(300)]
    for number, dawdler in enumerate(dawdlers):
        dawdler.sendall(HEAD if number % 2 else request()[:-9])
    for byte in b"x-note: a":
        for dawdler in dawdlers[1::2]:
            dawdler.sendall(bytes([byte]))
    started = time.monotonic()
    with gateway.unharmed():
        # With the other key: half of the dawdlers hold, one after the other, the only place of this one.
        assert [gateway.call().status_code for _ in range(5)] == [200] * 5
        assert time.monotonic() - started < 5
        for dawdler in dawdlers:
            dawdler.close()


def test_ten_thousand_idle_connections_are_held_and_let_go(gateway: GatewayProcess) -> None:
    before = gateway.rss_mb()
    idle: list[socket.socket] = []
    try:
        with gateway.unharmed(), httpx.Client(base_url=gateway.url, headers=bearer()) as caller:
            assert caller.get("/models").status_code == 200
            idle += [_idle(gateway, number) for number in range(_affordable(gateway))]
            assert caller.get("/models").status_code == 200
            assert gateway.call().status_code == 200
            held = (gateway.rss_mb() - before) * 1e3 / len(idle)
            assert held < 20, f"{held:.1f} KB for each of {len(idle)} idle connections"
            for one in idle:
                one.close()
    finally:
        for one in idle:
            one.close()


def _idle(gateway: GatewayProcess, number: int) -> socket.socket:
    """A connection without a request, from one of ten addresses."""
    return socket.create_connection(("127.0.0.1", gateway.port), source_address=(f"127.0.1.{1 + number % 10}", 0))


def _affordable(gateway: GatewayProcess) -> int:
    """10,000, or what the limits of open files here and there allow."""
    import psutil

    own = psutil.Process().rlimit(psutil.RLIMIT_NOFILE)
    psutil.Process().rlimit(psutil.RLIMIT_NOFILE, (own[1], own[1]))
    theirs = psutil.Process(gateway.process.pid).rlimit(psutil.RLIMIT_NOFILE)
    found = min(10_000, own[1] - 500, theirs[0] - 500)
    if found < 10_000:
        print(f"only {found} of 10,000 idle connections: the limit of open files is {min(own[1], theirs[0])}")
    return found


def test_callers_who_ask_all_at_once_and_leave_hold_nothing(gateway: GatewayProcess, upstream: Upstream) -> None:
    def storm() -> None:
        for number in range(40):
            with socket.create_connection(("127.0.0.1", gateway.port)) as s:
                s.sendall(request() * (1 + number % 9) + request()[: -number - 1])

    with gateway.unharmed(key=ONE):
        threads = [threading.Thread(target=storm) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    statuses = {record["status"] for record in gateway.records().values()}
    assert not statuses & {0, 500}
    assert "Traceback" not in gateway.log.read_text()
    _nothing_shows(gateway, upstream)


def _gone(gateway: GatewayProcess) -> int:
    return sum(record["outcome"] == "client_gone" for record in gateway.records().values())


def _nothing_shows(gateway: GatewayProcess, upstream: Upstream) -> None:
    """Not with the model server, not on the disk. (What the caller himself sent may come back to him.)"""
    seen = json.dumps([[path, body, head] for path, body, head in upstream.requests], ensure_ascii=False)
    found = gateway.whereabouts([MOBILE, IDENTITY], upstream_saw=seen)
    assert not [where for where in found if where[1] != "caller"]
