"""The connection to a model server on its page: wrong things stand beside their field, the secret stands nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gnomon.contract.sealing import opened, secret_of
from gnomon.control.deployments import queries
from gnomon.gateway.home import guard_keys, public_key
from gnomon.kit import services
from tests.fakes.client import TestClient
from tests.fakes.console import cookie
from tests.fakes.loop import make_world
from tests.fakes.loop_world import World

TOKEN = "sk-model-server-0123456789"
GIVEN = {"connect_timeout_s": "2", "reason": "迁到内网主机"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    folder: Path = tmp_path_factory.mktemp("loop")
    made = make_world(folder, patch.setattr, only_deployed=True)
    services.fill(gateway_key=lambda: public_key(folder))
    made.ids["home"] = str(folder)
    yield made
    made.close()
    patch.undo()


@pytest.fixture
def client(world: World) -> TestClient:
    made = TestClient(
        world.app,
        base_url="http://gnomon.test",
        headers={"accept": "text/html", "accept-language": "zh"},
        follow_redirects=False,
    )
    made.cookies.update(cookie(world.platform, "lin"))
    return made


def test_a_connection_is_set_and_its_secret_shown_nowhere(client: TestClient, world: World) -> None:
    server, url = world.ids["server"], "https://models.internal:8443/v1"
    set = client.post(f"/upstreams/{server}", data=GIVEN | {"url": url, "secret": TOKEN, "http_host": "models"})
    assert set.status_code == 303
    shown = client.get(f"/upstreams/{server}").text + client.get("/upstreams").text
    assert url in shown
    assert "已设置，只有网关能打开" in shown
    assert TOKEN not in shown
    with world.platform.read() as session:
        (upstream,) = queries.upstreams(session)
    assert upstream.secret not in shown
    key = guard_keys(Path(world.ids["home"])).secrets
    assert opened(upstream.secret, private_key=key, about=secret_of(server, url)) == TOKEN


def test_what_is_wrong_stands_beside_its_field_and_the_secret_is_not_sent_back(
    client: TestClient, world: World
) -> None:
    wrong = GIVEN | {"url": "models", "ca": "x", "http_host": "a b", "secret": "with space " + TOKEN, "reason": ""}
    answer = client.post(f"/upstreams/{world.ids['server']}", data=wrong)
    assert (answer.status_code, answer.text.count('aria-invalid="true"')) == (400, 1)  # the reason comes first
    answer = client.post(f"/upstreams/{world.ids['server']}", data=wrong | {"reason": "试试"})
    assert (answer.status_code, answer.text.count('aria-invalid="true"')) == (400, 4)
    assert TOKEN not in answer.text


def test_a_new_address_wants_the_secret_again(client: TestClient, world: World) -> None:
    server = world.ids["server"]
    client.post(f"/upstreams/{server}", data=GIVEN | {"url": "https://one.internal/v1", "secret": TOKEN})
    moved = client.post(f"/upstreams/{server}", data=GIVEN | {"url": "https://two.internal/v1"})
    assert (moved.status_code, "为新地址重新填写密钥" in moved.text) == (400, True)
    removed = client.post(f"/upstreams/{server}", data=GIVEN | {"url": "https://two.internal/v1", "remove_secret": "1"})
    assert removed.status_code == 303


def test_who_may_not_sees_why(client: TestClient, world: World) -> None:
    client.cookies.update(cookie(world.platform, "wei"))
    assert "权限" in client.get(f"/upstreams/{world.ids['server']}").text
    assert client.post(f"/upstreams/{world.ids['server']}", data=GIVEN | {"url": ""}).status_code == 403


def test_the_content_policy_of_a_route_is_chosen_and_the_other_rules_stay(client: TestClient, world: World) -> None:
    path = "/deployments/routes/reviews-zh"
    client.post(f"{path}/rules", data={"options": '{"retries": 1}', "reason": "试行"})
    assert client.post(f"{path}/content", data={"content_policy": "strict", "reason": "加严"}).status_code == 303
    with world.platform.read() as session:
        options = queries.route(session, "reviews-zh").options
    assert options == {"retries": 1, "content_policy": "strict"}
    assert "严格（拦截不安全内容）" in client.get(path).text
    assert client.post(f"{path}/content", data={"content_policy": "lenient", "reason": "放松"}).status_code == 400
