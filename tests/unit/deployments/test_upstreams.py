"""How gateways reach a model server: set under control, sealed to the gateways, never told."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import text

from gnomon.contract.sealing import NotOpened, opened, sealed, secret_of
from gnomon.control.audit import queries as audit
from gnomon.control.deployments import actions, queries, rules
from gnomon.control.deployments.routes import plain_upstream
from gnomon.control.deployments.rules import Connection, connection_problems
from gnomon.control.deployments.schemas import UpstreamChange
from gnomon.control.rulebook.rules import load
from gnomon.gateway.home import guard_keys, leave_public_key, public_key
from gnomon.kit import services
from gnomon.kit.errors import BadInput
from tests.unit.deployments.conftest import Company

URL, TOKEN = "https://models.internal:8443/v1", "sk-model-server-0123456789"
NOW = datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.UTC)


def certificate(*, ends: datetime.datetime = NOW + datetime.timedelta(days=9)) -> tuple[str, str]:
    """(certificate, private key) as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Own authority")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - datetime.timedelta(days=90))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def problems(**asked: Any) -> dict[str, str]:
    given: dict[str, Any] = {"url": URL, "ca": "", "server_name": "", "http_host": "", "secret": None}
    return connection_problems(Connection(**(given | {"keeps_secret": False} | asked)), NOW)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/v1",
        "models.internal",
        "https://",
        "https://u:p@a/v1",
        "https://a/v1?x=1",
        "https://a/v1#x",
        "https://a b/",
        "https://a/v1/chat/completions",
        "https://a:99999/v1",
        "https://a\r\nx/v1",
        "https://exa mple",
        "https://模型/v1",
    ],
)
def test_what_is_no_address_of_a_model_server_is_refused(url: str) -> None:
    assert set(problems(url=url)) == {"url"}


@pytest.mark.parametrize("url", [URL, "http://127.0.0.1:8431/v1", "https://[::1]:8431/v1", "https://10.0.0.3/a/b"])
def test_addresses_of_model_servers_are_taken(url: str) -> None:
    assert problems(url=url) == {}


def test_certificates_must_be_certificates_in_force_for_https() -> None:
    good, private = certificate()
    old, _ = certificate(ends=NOW - datetime.timedelta(days=1))
    assert problems(ca=good) == problems(ca=good + good) == {}
    assert problems(ca=good, url="http://127.0.0.1/v1") == {"ca": "certificates are for https:// only"}
    assert "private key" in problems(ca=good + private)["ca"]
    assert "expired" in problems(ca=good + old)["ca"]
    assert problems(ca="-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n") == {
        "ca": "no certificates in PEM"
    }
    assert "bytes" in problems(ca=good + " " * 300_000)["ca"]


def test_names_and_hosts_end_no_line_and_are_names() -> None:
    assert problems(server_name="models.internal", http_host="models.internal:8443") == {}
    assert set(problems(server_name="a b", http_host="a\r\nx: y")) == {"server_name", "http_host"}
    assert set(problems(url="http://127.0.0.1/v1", server_name="models.internal")) == {"server_name"}
    assert set(problems(http_host="a:0")) == {"http_host"}


def test_a_secret_never_travels_in_the_clear_and_is_never_repeated_in_an_error() -> None:
    assert problems(secret=TOKEN) == problems(secret=TOKEN, url="http://127.0.0.1:1/v1") == {}
    assert "https://" in problems(secret=TOKEN, url="http://models.internal/v1")["secret"]
    assert "https://" in problems(keeps_secret=True, url="http://models.internal/v1")["secret"]
    for wrong in ("a b", "a\n", "密钥", "x" * 9000):
        assert wrong not in problems(secret=wrong)["secret"]


def test_what_is_sealed_opens_with_one_key_for_one_purpose() -> None:
    from os import urandom

    from gnomon.contract.sealing import public_of

    key = urandom(32)
    data = sealed(TOKEN, public_key=public_of(key), about=secret_of("srv", URL))
    assert TOKEN not in data
    assert opened(data, private_key=key, about=secret_of("srv", "https://MODELS.internal:8443/v2")) == TOKEN
    for wrong in (
        {"private_key": urandom(32), "about": secret_of("srv", URL)},
        {"private_key": key, "about": secret_of("other", URL)},
        {"private_key": key, "about": secret_of("srv", "https://elsewhere:8443/v1")},
        {"private_key": key, "about": secret_of("srv", "http://models.internal:8443/v1")},
    ):
        with pytest.raises(NotOpened):
            opened(data, **wrong)  # type: ignore[arg-type]
    for cut in ("", "AAAA", data[:-8], "not base64"):
        with pytest.raises(NotOpened):
            opened(cut, private_key=key, about=secret_of("srv", URL))


def test_control_seals_to_the_key_that_a_gateway_left(tmp_path: Path) -> None:
    gateway, control = tmp_path / "gateway", tmp_path / "control"
    leave_public_key(gateway)
    (control / "keys").mkdir(parents=True)
    (control / "keys" / "gateway.pub").write_bytes((gateway / "keys" / "gateway.pub").read_bytes())
    data = sealed(TOKEN, public_key=public_key(control), about="x")
    assert opened(data, private_key=guard_keys(gateway).secrets, about="x") == TOKEN
    assert not (control / "keys" / "guard.key").exists()
    (control / "keys" / "gateway.pub").write_text("nonsense")
    with pytest.raises(BadInput):
        public_key(control)


@pytest.fixture
def server(company: Company, tmp_path: Path) -> str:
    """A live model server; its id."""
    services.fill(gateway_key=lambda: public_key(tmp_path))
    company.deploy()
    with company.platform.read() as session:
        (upstream,) = queries.upstreams(session)
    return upstream.id


def change(**more: Any) -> UpstreamChange:
    return UpstreamChange.model_validate({"url": URL, "reason": "模型服务迁到内网主机"} | more)


def test_the_bundle_carries_what_was_set_and_nobody_but_a_gateway_reads_the_secret(
    company: Company, server: str, tmp_path: Path
) -> None:
    pem, _ = certificate(ends=datetime.datetime(2040, 1, 1, tzinfo=datetime.UTC))
    company.told.clear()
    asked = change(ca=pem, server_name="models.internal", http_host="models", secret=TOKEN)
    company.do("lin", actions.set_upstream, server, asked)
    assert company.told == [""]
    with company.platform.read() as session:
        (upstream,) = queries.upstreams(session)
        told = plain_upstream(session, server)
        trail = [row for row, _ in audit.search(session, permission="upstream.edit")]
    assert (upstream.url, upstream.ca, upstream.server_name, upstream.host) == (
        URL,
        pem.strip(),
        "models.internal",
        "models",
    )
    about = secret_of(server, URL)
    assert opened(upstream.secret, private_key=guard_keys(tmp_path).secrets, about=about) == TOKEN
    assert told["has_secret"]
    assert "sealed" not in str(told)
    assert len(trail) == 1
    assert TOKEN not in f"{told}{[row.__dict__ for row in trail]}{asked!r}"
    assert upstream.secret not in f"{told}{[row.__dict__ for row in trail]}"
    with company.platform.read() as session:
        everything = session.execute(text("SELECT * FROM deployments_upstream")).all()
    assert TOKEN not in str(everything)


def test_a_secret_that_is_kept_follows_the_server_to_no_other_address(company: Company, server: str) -> None:
    company.do("lin", actions.set_upstream, server, change(secret=TOKEN))
    company.do("lin", actions.set_upstream, server, change(connect_timeout_s=1))  # the address is the same: kept
    with company.platform.read() as session:
        assert queries.told_upstream(session, server)["has_secret"]
    with pytest.raises(rules.SecretElsewhere):
        company.do("lin", actions.set_upstream, server, change(url="https://elsewhere.example/v1"))
    company.do("lin", actions.set_upstream, server, change(url="https://elsewhere.example/v1", secret=""))
    with company.platform.read() as session:
        assert not queries.told_upstream(session, server)["has_secret"]


def test_what_does_not_fit_is_refused_with_its_fields_and_changes_nothing(company: Company, server: str) -> None:
    with pytest.raises(rules.UnfitUpstream, match=r"url: .*host") as refused:
        company.do("lin", actions.set_upstream, server, change(url="models", http_host="a b", secret=TOKEN))
    assert set(refused.value.facts["fields"]) == {"url", "http_host"}
    assert TOKEN not in str(refused.value.as_dict())
    with company.platform.read() as session:
        assert queries.told_upstream(session, server)["url"].startswith("http://127.0.0.1")


def test_who_may_is_who_answers_for_the_service_and_for_the_installation() -> None:
    assert set(load().matrix.permissions["upstream.edit"]) == {"technical_lead", "system_admin"}
