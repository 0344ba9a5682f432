"""`gnomon gateway`: alone with a signed bundle; what does not fit is told in a line, and nothing starts."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from click.testing import CliRunner

from gnomon.cli.bundle import bundle
from gnomon.cli.main import main
from gnomon.contract.bundle import Quota
from tests.fakes.bundle import make_home
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import bearer
from tests.unit.gateway.test_edge import certificate
from tests.unit.gateway.test_processes import free_port


@pytest.mark.journey
def test_a_packed_bundle_a_model_server_and_a_port_are_enough(tmp_path: Path, upstream: Upstream) -> None:
    made = make_home(tmp_path / "control", upstream_url="http://127.0.0.1:9/v1")
    packed, port = tmp_path / "bundle.json", free_port()
    assert CliRunner().invoke(bundle, ["pack", str(made.path / "bundle"), str(packed)]).exit_code == 0
    certificate(tmp_path, "gateway")
    options = ["--bundle", str(packed), "--key", str(made.path / "bundle" / "key.pub"), "--upstream", upstream.url]
    environment = os.environ | {
        "GNOMON_HOME": str(tmp_path / "home"),
        "GNOMON_GATEWAY_TLS_CERT": str(tmp_path / "gateway.crt"),
        "GNOMON_GATEWAY_TLS_KEY": str(tmp_path / "gateway.key"),
    }
    command = [sys.executable, "-m", "gnomon.cli.main", "gateway", *options, "--port", str(port)]
    running = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    url = f"https://127.0.0.1:{port}"
    try:
        with httpx.Client(verify=False) as http:
            _until(lambda: _answers(http, f"{url}/readyz"))
            # The program that prefers compiled modules, which it can only before any of them is loaded.
            assert psutil.Process(running.pid).cmdline()[1:3] == ["-m", "gnomon.app.gateway"]
            body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "你好13812345678"}]}
            assert http.post(f"{url}/v1/chat/completions", json=body, headers=bearer()).status_code == 200
            running.send_signal(signal.SIGHUP)  # looks at its files again and goes on
            assert http.post(f"{url}/v1/chat/completions", json=body, headers=bearer()).status_code == 200
            assert 'outcome="ok"} 2' in http.get(f"{url}/metrics").text
    finally:
        running.terminate()
    assert running.wait(10) == 0
    assert "13812345678" not in json.dumps([request[1] for request in upstream.requests], ensure_ascii=False)
    (spool,) = (tmp_path / "home" / "gateway" / "spool").glob("*.jsonl")
    assert len(spool.read_text().splitlines()) == 2


def test_a_bundle_of_somebody_else_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNOMON_HOME", str(tmp_path / "home"))
    ours, theirs = (make_home(tmp_path / name, upstream_url="http://127.0.0.1:9/v1") for name in ("ours", "theirs"))
    for options in (
        ["--bundle", str(theirs.path / "bundle"), "--key", str(ours.path / "bundle" / "key.pub")],
        ["--bundle", str(tmp_path / "ours")],
        ["--bundle", str(ours.path / "bundle" / "key.pub")],
    ):
        with pytest.raises(SystemExit) as stopped:
            main(["gateway", *options, "--port", "1"])
        assert stopped.value.code == 1
        told = capsys.readouterr().err
        assert told.startswith("gnomon: ")
        assert len(told.splitlines()) == 2
    assert not (tmp_path / "home" / "gateway" / "bundle").exists()


def test_a_bundle_is_explained_with_its_limits(tmp_path: Path) -> None:
    quota = Quota(kind="team", value="business", requests_per_minute=60, cost_per_day=2.5)
    folder = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1", quotas=(quota,)).path / "bundle"
    options = ["check", "--key", str(folder / "key.pub")]
    told = CliRunner().invoke(bundle, [*options, str(folder / "roster.json")]).output
    assert "quota team business  60 requests/min  2.5 cost/day" in told
    CliRunner().invoke(bundle, ["pack", str(folder), str(tmp_path / "both.json")])
    both = CliRunner().invoke(bundle, [*options, str(tmp_path / "both.json")]).output
    assert "✓ policy 1.1" in both
    assert "✓ roster 1.1" in both


def _answers(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def _until(condition: object, within_s: float = 20.0) -> None:
    assert callable(condition)
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
