"""With the control plane dead the gateway goes on: it answers, masks, limits, bans, and its records are stored.

Ten seconds by default; GNOMON_JOURNEY_ALONE_S=600 tells the long version.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

from gnomon.cli.demo.planted import plants
from gnomon.cli.demo.traffic import guess_keys
from tests.journeys.installation import Installation, question, until

ALONE_S = float(os.environ.get("GNOMON_JOURNEY_ALONE_S", "10"))
GUESSER, SECOND_GUESSER = "127.0.0.71", "127.0.0.72"
pytestmark = [pytest.mark.journey, pytest.mark.timeout(ALONE_S + 120)]


@contextmanager
def control_dead(house: Installation) -> Iterator[None]:
    """Control plane and worker are killed, and nobody starts them again before the end."""
    roles = house.roles()
    os.kill(roles["up"], signal.SIGSTOP)
    try:
        for name in ("control", "worker"):
            os.kill(roles[name], signal.SIGKILL)
        until("the console is gone", lambda: not answers(house.settings.control_url))
        yield
    finally:
        os.kill(roles["up"], signal.SIGCONT)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", timeout=1).is_success
    except httpx.TransportError:
        return False


def test_the_gateway_goes_on_with_the_control_plane_dead(house: Installation) -> None:
    limited = house.issue("limited", requests_per_minute=3)
    revoked = house.issue("revoked")
    assert house.knows("revoked")
    house.revoke("revoked")
    planted = plants(7, 40)
    acknowledged: list[str] = []

    with control_dead(house):
        ends = time.monotonic() + ALONE_S
        gateway = psutil.Process(house.roles()["gateway-1"])
        with house.client("desk") as desk:
            while time.monotonic() < ends or len(acknowledged) < len(planted):
                plant = planted[len(acknowledged) % len(planted)]
                answer = desk.post("/v1/chat/completions", json=question(plant.sentence))
                assert answer.status_code == 200, answer.text
                acknowledged.append(answer.headers["x-request-id"])
                time.sleep(0.1)

        seen = str([body for _, body, _ in house.upstream.requests])
        assert not [plant.value for plant in planted if plant.value in seen], "the model saw personal data"

        with house.client(key=limited) as eager:
            statuses = [eager.post("/v1/chat/completions", json=question("快")).status_code for _ in range(6)]
        assert 429 in statuses, statuses
        with house.client(key=revoked) as former:
            assert former.get("/v1/models").status_code == 401

        tries, status = guess_keys(house.settings.gateway_url, from_address=GUESSER)
        assert status == 403, f"{tries} guesses and no ban"
        with house.client("desk", address=GUESSER) as banned:
            assert banned.get("/v1/models").status_code == 403, "a good key must not help a banned address"
        with house.client("desk", address=SECOND_GUESSER) as another:
            assert another.get("/v1/models").status_code == 200, "others must not suffer from it"

        stored = house.stored(acknowledged)
        assert {record["outcome"] for record in stored.values()} == {"ok"}
        assert {record["version"] for record in stored.values()} == {house.version}
        assert gateway.is_running()
        assert not answers(house.settings.control_url), "the control plane was back too early for this to show anything"

    until("the installation is whole again", house.is_whole, within_s=60)
    assert house.roles()["gateway-1"] == gateway.pid, "the gateway never stopped"
    with house.as_("ren") as ren:
        found = until(
            "control takes the ban over",
            lambda: [ban for ban in ren.get("/api/v1/bans") if ban["source"] == "gateway" and not ban["lifted_at"]],
        )
        assert [ban["kind"] for ban in found] == ["address"]
        ban = found[0]
        until("the ban is on the roster", lambda: ban["id"] in {listed["id"] for listed in house.roster()["bans"]})
        ren.post(f"/api/v1/bans/{ban['id']}/confirm")
    with house.client("desk", address=GUESSER) as banned:
        assert banned.get("/v1/models").status_code == 403
