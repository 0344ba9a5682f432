"""A model server moves behind TLS with a certificate of the company's own authority, and wants a token."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gnomon.cli.client import ApiError
from tests.fakes.authority import NAME, Authority, make_authority
from tests.fakes.upstream import Script, Upstream
from tests.journeys.installation import Installation, question, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
TOKEN = "sk-of-the-model-server-0123456789"
PATH = "/api/v1/upstreams/fake"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(tmp_path)


@pytest.fixture
def secure(authority: Authority, house: Installation) -> Iterator[Upstream]:
    with Upstream(Script(reply="好的。"), tls=authority.context) as running:
        yield running
        with house.as_("lin") as lin:
            lin.put(PATH, {"secret": "", "reason": "回到原来的地址"})
        until("the old server is asked again", lambda: _asks(house, house.upstream))


def test_the_technical_lead_sets_it_and_gateways_reach_it_while_nobody_else_reads_the_token(
    house: Installation, secure: Upstream, authority: Authority
) -> None:
    change: dict[str, Any] = {"url": secure.url, "ca": authority.pem, "server_name": NAME, "reason": "改走内网 TLS"}
    assert _refused(house, "wei", change) == "denied"
    assert _refused(house, "lin", change | {"ca": "none"}) == "upstream_unfit"
    with house.as_("lin") as lin:
        told = lin.put(PATH, change | {"secret": TOKEN, "http_host": "models"})
        assert (told["has_secret"], [one["subject"] for one in told["ca"]]) == (True, ["CN=Test authority"])
        assert TOKEN not in str(told)
    until("gateways ask the new server", lambda: _asks(house, secure))
    headers = secure.requests[-1][2]
    assert (headers["authorization"], headers["host"]) == (f"Bearer {TOKEN}", "models")
    assert _files_with(house.home, TOKEN) == []

    with house.as_("lin") as lin:
        lin.put(PATH, change | {"ca": ""})  # the system trusts no such authority
    with house.client() as desk:
        until("it is not trusted", lambda: desk.post("/v1/chat/completions", json=question("在吗")).status_code == 503)


def _refused(house: Installation, login: str, change: dict[str, Any]) -> str:
    with house.as_(login) as person, pytest.raises(ApiError) as refused:
        person.put(PATH, change)
    return str(refused.value.code)


def _asks(house: Installation, upstream: Upstream) -> bool:
    upstream.requests.clear()
    with house.client() as desk:
        return desk.post("/v1/chat/completions", json=question("在吗")).is_success and bool(upstream.requests)


def _files_with(home: Path, text: str) -> list[Path]:
    """Files of the installation in which the text stands as it is."""
    found = []
    for path in home.rglob("*"):
        if not path.is_file() or not path.stat().st_size:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as bytes:
            if bytes.find(text.encode()) >= 0:
                found.append(path)
    return found
