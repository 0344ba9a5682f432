"""Who is calling when proxies stand between, and TLS that takes new certificates in while connections go on."""

import datetime
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gnomon.contract.bundle import GuessRule, Lift
from gnomon.gateway.addresses import Proxies, network
from gnomon.gateway.hosting import ServerLimits
from gnomon.gateway.tls import Certificates
from gnomon.kit.errors import BadInput
from tests.fakes.bundle import Home, make_home
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]
BODY = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("10.9.9.9, 203.0.113.9", "203.0.113.9"),  # what stands left of it, the caller wrote
        ("1.2.3.4, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ('"[2001:db8::9]:4711", 10.0.0.7', "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("nonsense", "10.0.0.1"),
        ("203.0.113.9, nonsense, 10.0.0.7", "10.0.0.7"),
        ("", "10.0.0.1"),
        ("10.0.0.5, 10.0.0.6", "10.0.0.5"),
    ],
)
def test_the_rightmost_address_that_is_no_proxys_is_the_callers(forwarded: str, client: str) -> None:
    assert Proxies(["10.0.0.0/8"]).client("10.0.0.1", forwarded.encode()) == client


@given(st.binary(max_size=80))
def test_whatever_a_proxy_passes_on_is_an_address(forwarded: bytes) -> None:
    ipaddress.ip_address(Proxies(["10.0.0.0/8", "fd00::/8"]).client("10.0.0.1", forwarded))


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput):
        Proxies(["10.0.0.0/33"])


def test_only_a_trusted_proxy_is_believed(home: Home, start: Start) -> None:
    blind, proud = start(home, name="w1"), start(home, name="w2", proxies=Proxies(["127.0.0.0/8"]))
    for gateway in (blind, proud):
        for forwarded in ("203.0.113.1", "203.0.113.2"):
            HTTP.post(f"{gateway.url}/chat/completions", json=BODY, headers=bearer() | {"x-forwarded-for": forwarded})
    digests = [r["address"] for r in blind.records()]
    assert len(set(digests)) == 3  # one for the two that the first did not believe


def test_a_caller_behind_a_proxy_is_banned_and_the_others_are_not(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url, guess=GuessRule(count=2, window_s=60, ban_s=60))
    gateway = start(home, proxies=Proxies(["127.0.0.1/32"]))

    def status(address: str, key: dict[str, str]) -> int:
        headers = key | {"x-forwarded-for": f"127.0.0.1, {address}"}
        return HTTP.post(f"{gateway.url}/chat/completions", json=BODY, headers=headers).status_code

    wrong = {"authorization": "Bearer gn-test_aaaaaaaa_wrong"}
    assert [status("2001:db8:1:2::3", wrong) for _ in range(2)] == [401, 401]
    assert status("2001:db8:1:2::3", bearer()) == 403
    assert status("2001:db8:1:2:ffff::4", bearer()) == 403  # the same host's /64
    assert status("2001:db8:1:3::3", bearer()) == 200
    (notice,) = gateway.lines("notice")
    # The lift names the digest of the record, and frees what the ban covered.
    home.publish(roster=replace(home.roster, lifts=(Lift(address=notice["subject"], since=notice["at"]),)))
    _until(lambda: status("2001:db8:1:2:ffff::4", bearer()) == 200)
    assert status("2001:db8:1:2::3", bearer()) == 200


def test_two_lines_of_forwarded_addresses_are_one_list(home: Home, start: Start) -> None:
    gateway = start(home, proxies=Proxies(["127.0.0.1/32"]))
    lines = [("x-forwarded-for", "203.0.113.1"), ("X-Forwarded-For", "203.0.113.2"), *bearer().items()]
    HTTP.post(f"{gateway.url}/chat/completions", json=BODY, headers=lines)
    HTTP.post(f"{gateway.url}/chat/completions", json=BODY, headers=bearer() | {"x-forwarded-for": "203.0.113.2"})
    first, second = (r["address"] for r in gateway.records())
    assert first == second


def test_the_proxy_protocol_is_no_request(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port)) as s:
        s.sendall(b"PROXY TCP4 203.0.113.9 127.0.0.1 4711 443\r\nGET /livez HTTP/1.1\r\nhost: g\r\n\r\n")
        assert s.recv(4096).startswith(b"HTTP/1.1 400")


def certificate(folder: Path, name: str, *, file: str = "gateway") -> x509.Certificate:
    """A self-signed certificate for localhost in `<file>.crt` and `<file>.key`."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for suffix, data in ((".key", plain), (".crt", made.public_bytes(pem))):
        scratch = folder / f"{file}{suffix}.new"
        scratch.write_bytes(data)
        os.replace(scratch, folder / f"{file}{suffix}")
    return made


def _connect(port: int, **versions: Any) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in versions.items():
        setattr(context, name, value)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=5), server_hostname="localhost")


def _serial(port: int) -> int:
    with _connect(port) as s:
        return x509.load_der_x509_certificate(s.getpeercert(binary_form=True) or b"").serial_number


def test_a_new_certificate_is_taken_in_and_the_old_connection_goes_on(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    first = certificate(tmp_path, "first")
    files = Certificates(tmp_path / "gateway.crt", tmp_path / "gateway.key")
    home = make_home(tmp_path / "home", upstream_url=upstream.url)
    gateway = start(home, certificates=files, limits=ServerLimits(idle_s=20, head_s=2))
    url = f"https://localhost:{gateway.port}/v1/chat/completions"
    with httpx.Client(verify=False) as old:
        assert old.post(url, json=BODY, headers=bearer()).status_code == 200
        assert _serial(gateway.port) == first.serial_number
        second = certificate(tmp_path, "second")
        _until(lambda: _serial(gateway.port) == second.serial_number, within_s=5)
        (tmp_path / "gateway.crt").write_text("nonsense")
        _until(lambda: bool(files.problem), within_s=5)
        assert _serial(gateway.port) == second.serial_number
        assert old.post(url, json=BODY | {"stream": True}, headers=bearer()).text.endswith("[DONE]\n\n")
    assert len({id(c) for c in gateway.worker.server.connections}) <= 1


def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    certificate(tmp_path, "only")
    files = Certificates(tmp_path / "gateway.crt", tmp_path / "gateway.key")
    gateway = start(make_home(tmp_path / "home", upstream_url=upstream.url), certificates=files)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with _connect(gateway.port, minimum_version=version, maximum_version=version) as s:
            assert s.version() == version.name.replace("TLSv1_", "TLSv1.")
    assert files.context.minimum_version is ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError), pytest.warns(DeprecationWarning, match="TLSv1"):
        _connect(gateway.port, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    with socket.create_connection(("127.0.0.1", gateway.port)) as s:
        s.sendall(b"GET /livez HTTP/1.1\r\nhost: g\r\n\r\n")
        assert not s.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_refusal_over_tls_reaches_a_caller_who_is_still_sending(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    certificate(tmp_path, "only")
    files = Certificates(tmp_path / "gateway.crt", tmp_path / "gateway.key")
    gateway = start(make_home(tmp_path / "home", upstream_url=upstream.url), certificates=files)
    with _connect(gateway.port) as s:
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: 900000\r\n\r\n" + b"x" * 300_000)
        assert s.recv(4096).startswith(b"HTTP/1.1 401")


def test_a_certificate_that_does_not_fit_its_key_is_told_at_the_start(tmp_path: Path) -> None:
    certificate(tmp_path, "one", file="one")
    certificate(tmp_path, "two", file="two")
    with pytest.raises(BadInput):
        Certificates(tmp_path / "one.crt", tmp_path / "two.key")


def test_what_a_record_names_an_ipv6_caller_by_is_its_network(home: Home, start: Start) -> None:
    server = start(home).worker.server
    assert server.address("2001:db8:1:2::3") == server.address("2001:db8:1:2:ffff::4")
    assert server.address("2001:db8:1:2::3") != server.address("2001:db8:1:3::3")
    assert server.address("::ffff:192.0.2.1") == server.address("192.0.2.1") != server.address("192.0.2.2")
    assert network("no address: at all") == "no address: at all"


def _until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
