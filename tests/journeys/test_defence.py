"""A campaign of wrong keys from many addresses: seen by the watch, banned at the gateway, confirmed, lifted."""

import time

import pytest

from tests.journeys.installation import Installation, question, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
WITHIN_S = 60.0  # what was promised from the deed to the measure


def tries(house: Installation, address: str, secret: str) -> int:
    with house.client(key=f"gn-demo_{secret:0>8}_{'x' * 43}", address=address) as http:
        return http.post("/v1/chat/completions", json=question("你好")).status_code


def is_banned(house: Installation, address: str) -> bool:
    """With a key that is right: it would be let in otherwise."""
    with house.client("shop", address=address) as http:
        return http.get("/v1/models").status_code == 403


def test_a_campaign_is_seen_answered_reviewed_and_lifted(house: Installation) -> None:
    for bot in range(1, 15):
        assert tries(house, f"127.0.7.{bot}", f"a{bot}") == 401
    for guess in range(2, 7):  # fewer than the gateway itself would ban for
        assert tries(house, "127.0.7.9", f"b{guess}") == 401
    begun = time.monotonic()
    until("the gateway refuses the address", lambda: is_banned(house, "127.0.7.9"), within_s=WITHIN_S)
    print(f"\nfrom the deed to the measure at the gateway: {time.monotonic() - begun:.1f} s")
    assert not is_banned(house, "127.0.7.3"), "one wrong key alone accuses nobody"
    with house.as_("ren") as ren:
        # A key that another journey used much may have been warned: this campaign had none.
        bans = [ban for ban in ren.get("/api/v1/bans") if ban["source"] == "watch" and ban["kind"] != "key"]
        assert {(ban["kind"], ban["grade"]) for ban in bans} == {("address", "ban"), ("installation", "warn")}
        ban = next(ban for ban in bans if ban["grade"] == "ban")
        assert (ban["reason"], ban["confirmed_by"]) == ("credential_stuffing", "")
        assert ban["in_force_until"] < ban["until"]
        assert ren.post(f"/api/v1/bans/{ban['id']}/confirm")["in_force_until"] == ban["until"]
        ren.post(f"/api/v1/bans/{ban['id']}/lift", {"reason": "journey"})
    until("the gateway lets the address in again", lambda: not is_banned(house, "127.0.7.9"), within_s=WITHIN_S)
    health = house.records.health()["defence"]
    assert health["problem"] == ""
    assert health["suspicions"] >= 2
