"""What is measured: the gateway, nginx as the limit, and other gateways, each in front of the same model server.

Each peer is installed into `bench/.peers/NAME` by its own client (pip, npm), pinned; what cannot be had says why.
"""

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.fakes.bundle import make_home, make_key, secret  # noqa: E402

HERE = Path(__file__).parent
PEERS = ROOT / "bench" / ".peers"
KEY = secret("aaaaaaaa")
ASKED = "我叫张三，手机号13987654321，身份证11010519491231002X，邮箱zhang.san@example.com。" + "请帮我查询订单。" * 8
REPLY = (
    "您好，关于您咨询的订单问题，我们已经为您查询到相关信息。" * 13 + "联系电话13812345678，邮箱li.wei@example.com。"
)
_SETTLES_S = 0.3  # who was stopped makes up for what was due meanwhile
PORTKEY = "@portkey-ai/gateway@1.15.2"


@dataclass
class Contender:
    """Something that stands between caller and model server."""

    name: str
    port: int
    process: psutil.Process | None = None
    ready_s: float = 0.0
    path: str = "/v1/chat/completions"
    model: str = "gnomon-chat"
    headers: dict[str, str] = field(default_factory=dict)
    paced: "Contender | None" = None  # the same, before the paced model server
    figures: dict[str, list[float]] = field(default_factory=dict)

    def add(self, metric: str, value: float) -> None:
        self.figures.setdefault(metric, []).append(value)

    def median(self, metric: str) -> float | None:
        found = self.figures.get(metric)
        return round(statistics.median(found), 3) if found else None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    @property
    def is_slow(self) -> bool:
        """Cannot follow 200 requests a second on one core."""
        return self.name == "litellm"

    def environment(self, body: Path) -> dict[str, str]:
        """What the load generators read."""
        lines = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        names = ("GNOMON_BENCH_KEY", "GNOMON_BENCH_BODY", "GNOMON_BENCH_PATH", "GNOMON_BENCH_HEADERS")
        return {**os.environ, **dict(zip(names, (KEY, str(body), self.path, lines), strict=True))}

    def body(self, folder: Path, *, stream: bool) -> Path:
        """A file with the request: three pieces of personal data in it."""
        messages = [{"role": "system", "content": "你是客服助手，请礼貌回答。"}, {"role": "user", "content": ASKED}]
        told = {"model": self.model, "messages": messages, **({"stream": True} if stream else {})}
        path = folder / f"{self.name}-{stream}.json"
        path.write_text(json.dumps(told, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        return path

    def cpu_s(self) -> float:
        assert self.process is not None
        total = 0.0
        for process in [self.process, *self.process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, OSError):
                total += _cpu_s(process)
        return total

    @contextlib.contextmanager
    def awake(self) -> Iterator[None]:
        """Stopped but for this: no contender's housekeeping runs on the core where another is measured."""
        self._each(psutil.Process.resume)
        time.sleep(_SETTLES_S)
        try:
            yield
        finally:
            self.rest()

    def rest(self) -> None:
        self._each(psutil.Process.suspend)

    def _each(self, do: Callable[[psutil.Process], None]) -> None:
        for one in (self, self.paced):
            if one is not None and one.process is not None:
                for process in [one.process, *one.process.children(recursive=True)]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        do(process)

    def rss_mb(self) -> float:
        assert self.process is not None
        return float(sum(p.memory_info().rss for p in [self.process, *self.process.children(recursive=True)]) / 1e6)


def _cpu_s(process: psutil.Process) -> float:
    """Linux tells it to the nanosecond, as a clock of that process (clock_getcpuclockid); others in hundredths."""
    if sys.platform == "linux":
        return time.clock_gettime((~process.pid << 3) | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def cores() -> tuple[set[int], set[int]]:
    """(the core of what is measured, those of callers and model server); the same where there is only one."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (set(usable[:1]), set(usable[1:])) if len(usable) > 1 else (set(usable), set(usable))


OWN, OTHERS = cores()


def pinned(to: set[int]) -> list[str]:
    """What a command begins with to run on these cores only."""
    return ["taskset", "-c", ",".join(map(str, sorted(to)))] if to and shutil.which("taskset") else []


@contextlib.contextmanager
def started(command: list[str], *, log: Path, on: set[int] = OWN, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Running on cores that nothing else of this bench uses."""
    with log.open("wb") as out:
        process = subprocess.Popen([*pinned(on), *command], stdout=out, stderr=out, **options)
        try:
            yield process
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                whole = psutil.Process(process.pid)
                for stopped in [whole, *whole.children(recursive=True)]:
                    stopped.resume()  # whoever is stopped does not hear that he shall end
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_ready(url: str, process: subprocess.Popen[bytes], within_s: float) -> float:
    """Seconds until `url` answers at all. Raises RuntimeError."""
    begun = time.monotonic()
    with httpx.Client(timeout=1.0) as http:
        while time.monotonic() - begun < within_s:
            if process.poll() is not None:
                raise RuntimeError(f"ended with {process.returncode}")
            with contextlib.suppress(httpx.HTTPError):
                if http.get(url).status_code < 500:
                    return time.monotonic() - begun
            time.sleep(0.01)
    raise RuntimeError(f"not ready within {within_s:g} s")


@contextlib.contextmanager
def model_server(folder: Path, *, between_s: float) -> Iterator[int]:
    port = free_port()
    (folder / "reply").write_text(REPLY, encoding="utf-8")
    command = [sys.executable, "-m", "tests.fakes.upstream", str(port), "0", str(between_s), str(folder / "reply")]
    with started(command, log=folder / f"upstream-{port}.log", on=OTHERS, cwd=ROOT) as process:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        yield port


@contextlib.contextmanager
def gnomon(folder: Path, upstream: int) -> Iterator[Contender]:
    port = free_port()
    home = folder / "home"
    key = make_key(requests_per_minute=1_000_000_000, concurrency=60_000)
    make_home(home, upstream_url=f"http://127.0.0.1:{upstream}/v1", keys=[key])
    command = [sys.executable, "-m", "gnomon.app.gateway", "--home", str(home), "--port", str(port)]
    with started(command, log=folder / "first.log") as process:
        first = wait_ready(f"http://127.0.0.1:{port}/readyz", process, 30)
    with started(command, log=folder / "gnomon.log") as process:
        ready = wait_ready(f"http://127.0.0.1:{port}/readyz", process, 30)
        contender = Contender("gnomon", port, psutil.Process(process.pid), ready)
        contender.add("ready_first_s", first)
        yield contender
    shutil.rmtree(home)


@contextlib.contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Contender]:
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(
        f"""daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 1000000000;
  upstream m {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://m; proxy_http_version 1.1;
    proxy_set_header Connection ""; proxy_buffering off; }} }} }}"""
    )
    binary = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if binary is None:
        raise RuntimeError("nginx is not installed (Debian: apt-get install nginx-light)")
    with started([binary, "-c", str(config), "-p", str(folder)], log=folder / "nginx.log") as process:
        ready = wait_ready(f"http://127.0.0.1:{port}/", process, 10)
        yield Contender("nginx", port, psutil.Process(process.pid), ready)


@contextlib.contextmanager
def litellm(folder: Path, upstream: int) -> Iterator[Contender]:
    port = free_port()
    binary = _environment("litellm", "litellm[proxy]") / "litellm"
    config = folder / "litellm.json"
    target = {"model": "openai/m", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "x"}
    settings = {
        "model_list": [{"model_name": "gnomon-chat", "litellm_params": target}],
        "general_settings": {"master_key": KEY},
    }
    config.write_text(json.dumps(settings))
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    command = [str(binary), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
    with started(command, log=folder / "litellm.log", env=environment) as process:
        ready = wait_ready(f"http://127.0.0.1:{port}/health/liveliness", process, 90)
        yield Contender("litellm", port, psutil.Process(process.pid), ready)


# The wheel has no server of its own to start by a command; it starts one inside Python, at a port that it tells.
_TENSORZERO = """
import signal, sys, tensorzero
config = sys.argv[1]
gateway = tensorzero._start_http_gateway(
    config_file=config, clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
open(config + ".url", "w").write(gateway.base_url)
signal.pause()
"""


@contextlib.contextmanager
def tensorzero(folder: Path, upstream: int) -> Iterator[Contender]:
    python = _environment("tensorzero", "tensorzero") / "python"
    config = folder / "tensorzero.toml"
    config.write_text(
        "[gateway]\nobservability.enabled = false\ndisable_pseudonymous_usage_analytics = true\n"
        '[models.chat]\nrouting = ["m"]\n[models.chat.providers.m]\ntype = "openai"\nmodel_name = "m"\n'
        f'api_base = "http://127.0.0.1:{upstream}/v1/"\napi_key_location = "none"\n'
    )
    told = Path(f"{config}.url")
    begun = time.monotonic()
    with started([str(python), "-c", _TENSORZERO, str(config)], log=folder / "tensorzero.log") as process:
        while not told.exists() or not told.read_text():
            if process.poll() is not None or time.monotonic() - begun > 60:
                raise RuntimeError(f"does not start: {(folder / 'tensorzero.log').read_text()[-200:]}")
            time.sleep(0.01)
        url = httpx.URL(told.read_text())
        contender = Contender("tensorzero", url.port or 0, psutil.Process(process.pid), time.monotonic() - begun)
        contender.path, contender.model = f"{url.path.rstrip('/')}/chat/completions", "tensorzero::model_name::chat"
        yield contender


@contextlib.contextmanager
def portkey(folder: Path, upstream: int) -> Iterator[Contender]:
    port = free_port()
    server = PEERS / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    if not server.exists():
        if shutil.which("npm") is None:
            raise RuntimeError("npm is not installed")
        _install(["npm", "install", "--silent", "--ignore-scripts", "--prefix", str(PEERS / "portkey"), PORTKEY])
    with started(["node", str(server), f"--port={port}", "--headless"], log=folder / "portkey.log") as process:
        ready = wait_ready(f"http://127.0.0.1:{port}/", process, 30)
        contender = Contender("portkey", port, psutil.Process(process.pid), ready)
        host = f"http://127.0.0.1:{upstream}/v1"
        contender.headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": host}
        yield contender


def _environment(name: str, package: str) -> Path:
    """The bin folder of a virtual environment with the pinned package. Raises RuntimeError."""
    folder = PEERS / name
    done = folder / ".done"
    if not done.exists():
        venv.create(folder, with_pip=True)
        pinned = [line for line in (HERE / "peers.txt").read_text().splitlines() if line.startswith(f"{package}==")]
        _install([str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *pinned])
        done.touch()
    return folder / "bin"


def _install(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"not to be had: {(done.stderr.strip().splitlines() or ['?'])[-1][:200]}")
