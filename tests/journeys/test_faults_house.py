"""What happens to the gateway's own house: full disk, broken bundle, killed worker, lost Redis, ten thousand keys.

Every story has a process of its own; at its end a caller is answered, the record is there, and nothing is left open.
"""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.fakes.bundle import Home, make_home, make_key
from tests.fakes.gateway import HTTP, GatewayProcess, bearer, free_port, until
from tests.fakes.upstream import Script, Upstream

pytestmark = pytest.mark.journey
MOBILE = "13912345678"
ASK = f"请回电{MOBILE}。"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(Script(reply="好。")) as found:
        yield found


@pytest.fixture
def home(tmp_path: Path, upstream: Upstream) -> Home:
    upstream.script = Script(reply="好。")
    keys = (make_key(), make_key("bbbbbbbb", concurrency=1))
    return make_home(tmp_path, upstream_url=upstream.url, keys=keys)


# ------------------------------------------------------------------------------------------- the disk


@contextlib.contextmanager
def full_disk(gateway: GatewayProcess) -> Iterator[None]:
    """No file of the process grows any more: every write past what is there fails, in the log too."""
    before = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        yield
    finally:
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not a byte is free on the folder's file system."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:  # a part of it fits at the end
            file.write(b" " * 65_536)
    try:
        yield
    finally:
        ballast.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_with_no_byte_left_on_its_disk_it_goes_on_and_loses_no_record(small_disk: Path, upstream: Upstream) -> None:
    ids = [f"k{number:07d}" for number in range(300)]
    keys = [make_key(id, requests_per_minute=60) for id in ids]
    home = make_home(small_disk, upstream_url=upstream.url, keys=(make_key(), *keys))
    with GatewayProcess(home) as gateway:
        with gateway.unharmed():
            with filled(small_disk):
                # Each key has a place of its own in the shared table: one that is only reserved would be a SIGBUS.
                given = [gateway.call(ASK, key=id) for id in ids]
                assert {answer.status_code for answer in given} == {200}
                assert gateway.metrics()["gnomon_gateway_requests_total"] >= 300
            until("every record is there", lambda: {a.headers["x-request-id"] for a in given} <= set(gateway.records()))
        assert gateway.metrics()["gnomon_gateway_records_lost_total"] == 0


def test_with_the_disk_full_all_are_answered_and_every_record_is_written_when_there_is_room(home: Home) -> None:
    with GatewayProcess(home) as gateway:
        with gateway.unharmed(key="bbbbbbbb"):
            with full_disk(gateway):
                given = [gateway.call(ASK, key="bbbbbbbb", stream=n % 2 == 0) for n in range(20)]
                assert [answer.status_code for answer in given] == [200] * 20
                until("it is said", lambda: gateway.metrics().get("gnomon_gateway_spool_failing") == 1.0)
            until("every record is there", lambda: {a.headers["x-request-id"] for a in given} <= set(gateway.records()))
            until("it is over", lambda: gateway.metrics()["gnomon_gateway_spool_failing"] == 0.0)
        assert gateway.metrics()["gnomon_gateway_records_lost_total"] == 0
        assert not gateway.whereabouts([MOBILE])


def test_with_the_disk_full_a_regulated_gateway_asks_no_model(home: Home, upstream: Upstream) -> None:
    home.publish(msgspec.structs.replace(home.policy, regulated=True))
    with GatewayProcess(home) as gateway, gateway.unharmed(key="bbbbbbbb"):
        with full_disk(gateway):
            gateway.call(ASK)
            asked = len(upstream.requests)
            refused = [gateway.call(ASK, key="bbbbbbbb") for _ in range(5)]
            assert {(a.status_code, a.json()["error"]["code"]) for a in refused} == {(503, "unrecorded")}
            assert len(upstream.requests) == asked
            assert HTTP.get(f"http://127.0.0.1:{gateway.port}/readyz").status_code == 503
        until("it is ready again", gateway.is_ready)


# ------------------------------------------------------------------------------------------- the bundle


def test_a_broken_bundle_changes_nothing_and_is_loud_whatever_is_broken(home: Home) -> None:
    policy, roster = (home.path / "bundle" / name for name in ("policy.json", "roster.json"))
    good = policy.read_bytes(), roster.read_bytes()
    key = home.path / "bundle" / "key.pub"
    public = key.read_bytes()
    with GatewayProcess(home) as gateway, gateway.unharmed():
        for path, data in (
            (policy, good[0][: len(good[0]) // 2]),
            (policy, b""),
            (policy, b"\xff" * 1000),
            (policy, b"[" * 100_000),
            (policy, good[0].replace(b"gnomon-chat", b"gnomon-free")),
            (policy, good[1]),
            (roster, good[1].replace(b"business", b"security")),
            (roster, b"null"),
            (key, b"not a key"),
        ):
            path.write_bytes(data)
            until("it is loud", lambda: _problems(gateway))
            assert gateway.call().status_code == 200, path
            path.write_bytes({policy: good[0], roster: good[1], key: public}[path])
            until("it is healed", lambda: not _problems(gateway))
        until("each was counted", lambda: gateway.metrics().get("gnomon_gateway_bundle_refused_total", 0.0) >= 9)
        for key in ("cccccccc", "aaaaaaaa"):
            home.publish(roster=msgspec.structs.replace(home.roster, keys=(make_key(key),)))
            # Asked for with a key that is not known yet it would be a guess, and enough of them are a ban.
            until("the next good one is taken", lambda: _roster(gateway) == f"1.{home.roster.serial}")
            assert gateway.call(key=key).status_code == 200


def _roster(gateway: GatewayProcess) -> str:
    return str(HTTP.get(f"http://127.0.0.1:{gateway.port}/readyz").json()["roster"])


def _problems(gateway: GatewayProcess) -> dict[str, str]:
    found: dict[str, str] = HTTP.get(f"http://127.0.0.1:{gateway.port}/readyz").json()["problems"]
    return found


def test_it_starts_from_the_last_good_bundle_when_the_newest_is_broken(home: Home) -> None:
    with GatewayProcess(home) as gateway:
        assert gateway.call().status_code == 200
    for name in ("policy.json", "roster.json"):
        (home.path / "bundle" / name).write_bytes(b"{")
    with GatewayProcess(home) as gateway:
        assert gateway.call().status_code == 200
        assert set(_problems(gateway)) == {"policy", "roster"}


# ------------------------------------------------------------------------------------------- many keys


def test_ten_thousand_keys_are_all_known_each_with_its_own_limit(tmp_path: Path, upstream: Upstream) -> None:
    ids = [f"k{number:07d}" for number in range(10_000)]
    keys = [make_key(id, requests_per_minute=2, concurrency=1) for id in ids]
    home = make_home(tmp_path, upstream_url=upstream.url, keys=(make_key(), *keys))
    with GatewayProcess(home) as gateway, gateway.unharmed(), httpx.Client(base_url=gateway.url) as http:
        for id in ids[::400]:
            statuses = [http.get("/models", headers=bearer(id)).status_code for _ in range(3)]
            assert statuses == [200, 200, 429], id
        assert http.get("/models", headers=bearer("k0010000")).status_code == 401
        before = gateway.rss_mb()
        started = time.monotonic()
        home.publish(roster=msgspec.structs.replace(home.roster, keys=(make_key(), *keys[1:])))
        until("the removed key is not known", lambda: http.get("/models", headers=bearer(ids[0])).status_code == 401)
        assert time.monotonic() - started < 5
        assert gateway.rss_mb() < before + 60


# ------------------------------------------------------------------------------------------- processes


def test_a_killed_worker_leaves_its_port_its_slots_and_its_records_to_the_other(home: Home, upstream: Upstream) -> None:
    with GatewayProcess(home) as survivor, GatewayProcess(home, port=survivor.port) as victim:
        upstream.script = Script(pieces=("字",) * 400, between_s=0.01)
        held = threading.Thread(target=_asks_until_cut, args=(victim,))
        held.start()
        until("the only slot is taken", lambda: _is_crowded(survivor))
        victims = [one for one in (survivor, victim) if _is_answering(one)]
        assert len(victims) == 1
        os.kill(victims[0].process.pid, signal.SIGKILL)
        held.join()
        left = survivor if victims[0] is victim else victim
        upstream.script = Script(reply="好。")
        until("the slot is free", lambda: _is_let_in(left))
        with left.unharmed(key="bbbbbbbb"):
            pass


def _asks_until_cut(gateway: GatewayProcess) -> None:
    with contextlib.suppress(httpx.TransportError):
        gateway.call(key="bbbbbbbb", stream=True)


def _is_let_in(gateway: GatewayProcess) -> bool:
    """A connection that the kernel had given to the dead is refused; the next one is not."""
    try:
        return gateway.call(key="bbbbbbbb").status_code == 200
    except httpx.TransportError:
        return False


def _is_crowded(gateway: GatewayProcess) -> bool:
    return HTTP.get(f"{gateway.url}/models", headers=bearer("bbbbbbbb")).status_code == 429


def _is_answering(gateway: GatewayProcess) -> bool:
    return gateway.callers() > 0


# ------------------------------------------------------------------------------------------- Redis


@contextlib.contextmanager
def redis(folder: Path, port: int) -> Iterator[None]:
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            until("redis listens", lambda: _listens(port))
            yield
        finally:
            server.kill()


def _listens(port: int) -> bool:
    return subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True, check=False).returncode == 0


# It kills its server, so it starts one of its own, which only an installed Redis can give.
@pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server")
def test_without_redis_callers_are_answered_limits_hold_on_the_host_and_bans_stay(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.script = Script(reply="好。")
    keys = (make_key(), make_key("bbbbbbbb", concurrency=1), make_key("cccccccc", requests_per_minute=5))
    home = make_home(tmp_path, upstream_url=upstream.url, keys=keys)
    port = free_port()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(contextlib.ExitStack())
        server.enter_context(redis(tmp_path, port))
        gateway = stack.enter_context(
            GatewayProcess(home, environment={"GNOMON_LIMITS_URL": f"redis://127.0.0.1:{port}/0"})
        )
        banned = "127.0.0.93"
        until("an address is banned for guessing", lambda: _guess(gateway, banned) == 403)
        with gateway.unharmed(key="bbbbbbbb"):
            server.close()
            started = time.monotonic()
            assert [gateway.call(ASK).status_code for _ in range(10)] == [200] * 10
            assert time.monotonic() - started < 5
            assert 429 in [gateway.call(ASK, key="cccccccc").status_code for _ in range(8)]
            assert _guess(gateway, banned) == 403
            server.enter_context(redis(tmp_path, port))
            assert [gateway.call(ASK).status_code for _ in range(5)] == [200] * 5
        assert "Traceback" not in gateway.log.read_text()
        assert not gateway.whereabouts([MOBILE], upstream_saw=str(upstream.requests))


def _guess(gateway: GatewayProcess, address: str) -> int:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address)) as http:
        return http.get(f"{gateway.url}/models", headers={"authorization": "Bearer gn-test_zzzzzzzz_x"}).status_code
