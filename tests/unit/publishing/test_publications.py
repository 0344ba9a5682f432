"""Publications: a change gives the next serial, no change gives none, and the file on disk is the newest, signed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gnomon.contract.signing import BadBundle, open_part
from gnomon.control.access import actions as access
from gnomon.control.access.schemas import NewKey, NewQuota
from gnomon.control.publishing import actions, queries
from gnomon.control.publishing import jobs as jobs
from gnomon.control.rulebook.rules import load
from gnomon.kit import services
from gnomon.kit.clock import FakeClock
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform, Work, system_action
from tests.fakes.platform import do, make_platform, run_jobs

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def platform(tmp_path: Path, database_url: str) -> Iterator[Platform]:
    services.fill(settings=Settings(home=tmp_path), bundle_key=KEY)
    made = make_platform(tmp_path, url=database_url)
    yield made
    made.database.close()


def issue(platform: Platform, caller: str) -> None:
    do(platform, "admin", access.issue_key, NewKey(caller=caller, team="business"), environment="demo")


def test_the_file_is_the_newest_publication_signed(platform: Platform, tmp_path: Path) -> None:
    for caller in ("a", "b"):
        issue(platform, caller)
        do(platform, "system", actions.publish, "roster", load())
    assert run_jobs(platform) == ["publishing.write", "publishing.write"]
    roster = open_part("roster", (tmp_path / "bundle" / "roster.json").read_bytes(), KEY.public_key())
    assert (roster.serial, {key.caller for key in roster.keys}) == (2, {"a", "b"})
    with pytest.raises(BadBundle):
        open_part(
            "roster", (tmp_path / "bundle" / "roster.json").read_bytes(), Ed25519PrivateKey.generate().public_key()
        )


def test_nothing_new_is_not_published(platform: Platform) -> None:
    issue(platform, "a")
    assert do(platform, "system", actions.publish, "roster", load()) is not None
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(minutes=5))
    assert do(platform, "system", actions.publish, "roster", load()) is None
    with platform.read() as session:
        assert len(queries.publications(session)) == 1


def test_the_first_policy_carries_the_rulebooks_figures(platform: Platform) -> None:
    do(platform, "system", actions.publish, "policy", load())
    with platform.read() as session:
        latest = queries.latest(session, "policy")
    assert latest is not None
    assert latest.payload["guess"]["count"] == load().threshold("key_guesses").limit
    assert latest.payload["success"]["version"] == load().success_rule.version


@system_action("test.issue_and_publish")
def issue_and_publish(work: Work, caller: str) -> None:
    work.about("key", caller)
    access.issue_key(work, NewKey(caller=caller, team="business"), environment="demo")
    actions.publish(work, "roster", load())


def test_changes_at_the_same_moment_get_a_serial_each_and_the_last_has_them_all(platform: Platform) -> None:
    callers = [f"c{n}" for n in range(6)]
    load()
    with ThreadPoolExecutor(len(callers)) as pool:
        list(pool.map(lambda caller: do(platform, "system", issue_and_publish, caller), callers))
    with platform.read() as session:
        serials = sorted(publication.serial for publication in queries.publications(session))
        latest = queries.latest(session, "roster")
    assert serials == [1, 2, 3, 4, 5, 6]
    assert latest is not None
    assert {key["caller"] for key in latest.payload["keys"]} == set(callers)


def test_settings_and_quotas_reach_the_gateways(platform: Platform, tmp_path: Path) -> None:
    services.fill(settings=Settings(home=tmp_path, regulated=True, timezone="Asia/Shanghai"))
    do(platform, "lin", access.set_quota, "team", "business", NewQuota(tokens_per_day=9, reason="x"))
    with platform.read() as session:
        roster = queries.roster(session, load(), platform.clock.now())
        policy = queries.policy(session, load(), platform.clock.now())
    assert (roster.timezone, roster.quotas[0].tokens_per_day) == ("Asia/Shanghai", 9)
    assert policy.regulated
