"""Model servers over HTTPS: the certificate is checked against the bundle's own authority and the name it asks for."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from gnomon.contract.bundle import Upstream as UpstreamAt
from gnomon.contract.sealing import sealed, secret_of
from gnomon.contract.signing import BadBundle
from gnomon.gateway.home import guard_keys, public_key
from gnomon.gateway.snapshot import prepare
from tests.fakes.authority import NAME, Authority, make_authority
from tests.fakes.bundle import Home, make_home
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import Gateway
from tests.unit.gateway.fake_guard import FakeMasker

Start = Callable[..., Gateway]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secure(authority: Authority) -> Iterator[Upstream]:
    with Upstream(Script(reply="好的。"), tls=authority.context) as running:
        yield running


def home_with(tmp_path: Path, upstream: Upstream, *, ca: str, server_name: str = NAME) -> Home:
    home = make_home(tmp_path, upstream_url=upstream.url)
    given = UpstreamAt(id="up", url=upstream.url, ca=ca, server_name=server_name)
    home.publish(policy=msgspec.structs.replace(home.policy, upstreams=(given,)))
    return home


@pytest.mark.parametrize("stream", [False, True])
def test_a_certificate_of_the_bundles_authority_is_trusted_and_the_connection_kept(
    tmp_path: Path, secure: Upstream, authority: Authority, start: Start, stream: bool
) -> None:
    gateway = start(home_with(tmp_path, secure, ca=authority.pem))
    assert [gateway.call(stream=stream).status_code for _ in range(3)] == [200] * 3
    assert secure.opened == 1


def test_a_sealed_secret_and_a_host_reach_the_server_they_were_set_for(
    tmp_path: Path, secure: Upstream, authority: Authority, start: Start
) -> None:
    home = make_home(tmp_path, upstream_url=secure.url)
    token = sealed("sk-0123456789", public_key=public_key(home.path), about=secret_of("up", secure.url))
    given = UpstreamAt(
        id="up", url=secure.url, ca=authority.pem, server_name=NAME, host="models:8443", secret=token, secret_env="HOME"
    )
    home.publish(policy=msgspec.structs.replace(home.policy, upstreams=(given,)))
    gateway = start(home)
    assert gateway.call().status_code == 200
    ((_, _, headers),) = secure.requests
    assert (headers["authorization"], headers["host"]) == ("Bearer sk-0123456789", "models:8443")
    shown = repr(gateway.worker.services.loader.current)
    assert "sk-0123456789" not in shown + "".join(p.read_text() for p in (home.path / "spool").iterdir())


def test_a_secret_for_other_gateways_or_another_address_is_no_bundle(
    tmp_path: Path, secure: Upstream, authority: Authority
) -> None:
    home = make_home(tmp_path, upstream_url=secure.url)
    token = sealed("sk-0123456789", public_key=public_key(home.path), about=secret_of("up", secure.url))
    for key, url in ((b"k" * 32, secure.url), (guard_keys(home.path).secrets, "https://elsewhere.example/v1")):
        given = UpstreamAt(id="up", url=url, ca=authority.pem, server_name=NAME, secret=token)
        policy = msgspec.structs.replace(home.policy, upstreams=(given,))
        with pytest.raises(BadBundle, match="does not open"):
            prepare(policy, home.roster, masker=lambda policy: FakeMasker(policy, b""), secrets_key=key)


@pytest.mark.parametrize(("trusted", "name"), [(False, NAME), (True, "other.internal"), (True, "")])
def test_an_unknown_authority_or_another_name_is_no_model_server(
    tmp_path: Path, secure: Upstream, authority: Authority, start: Start, trusted: bool, name: str
) -> None:
    gateway = start(home_with(tmp_path, secure, ca=authority.pem if trusted else "", server_name=name))
    response = gateway.call()
    assert (response.status_code, response.json()["error"]["code"]) == (503, "upstream_unreachable")
    record = gateway.records()[0]
    assert record["outcome"] == "upstream_unreachable"
    assert "certificate" in record["error"].lower()
    assert secure.requests == []


def test_a_server_that_speaks_no_tls_is_unreachable(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url.replace("http:", "https:"))
    assert start(home).call().status_code == 503


def test_a_bundle_with_certificates_that_are_none_is_refused(tmp_path: Path, secure: Upstream) -> None:
    home = home_with(tmp_path, secure, ca="-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    with pytest.raises(BadBundle):
        prepare(home.policy, home.roster, masker=lambda policy: FakeMasker(policy, b""))
