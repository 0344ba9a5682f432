"""What the gateway costs, beside nginx (the limit) and LiteLLM: `python bench/gateway/run.py [--quick]`.

All features on: key, limits, masking in and out with personal data in both bodies, records. One worker. CPU is that of
the gateway's whole process tree, per request or stream event. Latencies are what the gateway adds to the same load sent
straight to the model server. Peers do less (no masking, no records); nginx only passes bytes through.
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.fakes.bundle import make_home, make_key, secret  # noqa: E402

HERE = Path(__file__).parent
PEERS = ROOT / "bench" / ".peers" / "litellm"
RATE = 200
STREAMS = 60
BETWEEN_S = 0.02
ASKED = "我叫张三，手机号13987654321，身份证11010519491231002X，邮箱zhang.san@example.com。" + "请帮我查询订单。" * 8
REPLY = (
    "您好，关于您咨询的订单问题，我们已经为您查询到相关信息。" * 13 + "联系电话13812345678，邮箱li.wei@example.com。"
)
KEY = secret("aaaaaaaa")


@dataclass
class Contender:
    """Something that stands between caller and model server."""

    name: str
    port: int
    process: psutil.Process | None
    ready_s: float = 0.0
    paced: "Contender | None" = None  # the same, before the paced model server
    figures: dict[str, list[float]] = field(default_factory=dict)

    def add(self, metric: str, value: float) -> None:
        self.figures.setdefault(metric, []).append(value)

    def median(self, metric: str) -> float | None:
        found = self.figures.get(metric)
        return round(statistics.median(found), 3) if found else None

    def cpu_s(self) -> float:
        assert self.process is not None
        total = 0.0
        for process in [self.process, *self.process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def rss_mb(self) -> float:
        assert self.process is not None
        return sum(p.memory_info().rss for p in [self.process, *self.process.children(recursive=True)]) / 1e6


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextlib.contextmanager
def started(command: list[str], *, log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, **options)
        try:
            yield process
        finally:
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
def model_server(folder: Path, *, first_s: float, between_s: float) -> Iterator[int]:
    port = free_port()
    (folder / "reply").write_text(REPLY, encoding="utf-8")
    command = [sys.executable, "-m", "tests.fakes.upstream", str(port), str(first_s), str(between_s)]
    with started([*command, str(folder / "reply")], log=folder / "upstream.log", cwd=ROOT) as process:
        deadline = time.monotonic() + 10
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
    with started(command, log=folder / "gnomon.log") as process:
        ready = wait_ready(f"http://127.0.0.1:{port}/readyz", process, 20)
        yield Contender("gnomon", port, psutil.Process(process.pid), ready)
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
    python = PEERS / "bin" / "python"
    if not (PEERS / "bin" / "litellm").exists():
        venv.create(PEERS, with_pip=True)
        install = [str(python), "-m", "pip", "install", "-q", "-r", str(HERE / "peers.txt")]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"not to be had: {done.stderr.strip().splitlines()[-1][:200]}")
    config = folder / "litellm.json"
    target = {"model": "openai/m", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "x"}
    settings = {
        "model_list": [{"model_name": "gnomon-chat", "litellm_params": target}],
        "general_settings": {"master_key": KEY},
    }
    config.write_text(json.dumps(settings))
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    command = [str(PEERS / "bin" / "litellm"), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
    with started(command, log=folder / "litellm.log", env=environment) as process:
        ready = wait_ready(f"http://127.0.0.1:{port}/health/liveliness", process, 90)
        yield Contender("litellm", port, psutil.Process(process.pid), ready)


def bodies(folder: Path) -> tuple[Path, Path]:
    messages = [{"role": "system", "content": "你是客服助手，请礼貌回答。"}, {"role": "user", "content": ASKED}]
    whole, stream = folder / "whole.json", folder / "stream.json"
    body = {"model": "gnomon-chat", "messages": messages}
    whole.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    stream.write_text(json.dumps(body | {"stream": True}, ensure_ascii=False).replace(": true", ":true"), "utf-8")
    return whole, stream


def warm(contender: Contender, body: Path) -> None:
    """The first answer may take long; an error is told."""
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    url = f"http://127.0.0.1:{contender.port}/v1/chat/completions"
    with httpx.Client(timeout=60) as http:
        for _ in range(5):
            answer = http.post(url, content=body.read_bytes(), headers=headers)
            if answer.status_code != 200:
                raise RuntimeError(f"{contender.name} answered {answer.status_code}: {answer.text[:300]}")


def saturate(contender: Contender, body: Path, seconds: int) -> None:
    """CPU per request and requests a second, under as many requests as it takes."""
    environment = {**os.environ, "GNOMON_BENCH_KEY": KEY, "GNOMON_BENCH_BODY": str(body)}
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "post.lua")]
    before = contender.cpu_s()
    out = subprocess.run(
        [*command, f"http://127.0.0.1:{contender.port}"], env=environment, capture_output=True, text=True, check=True
    ).stdout
    used = contender.cpu_s() - before
    count = int(out.split(" requests in")[0].split()[-1])
    if "Non-2xx" in out or not count:
        raise RuntimeError(f"{contender.name} answered with errors: {out[-300:]}")
    contender.add("cpu_us_per_request", used / count * 1e6)
    contender.add("requests_per_s", count / seconds)


def load(kind: str, port: int, body: Path, *options: object) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "load.py"), kind, str(port), str(body), KEY, *map(str, options)]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    if found["failed"]:
        raise RuntimeError(f"{found['failed']} answers were errors")
    return found


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[int(share * 1000) - 1]


def measure(folder: Path, contenders: list[Any], *, rounds: int, seconds: int) -> tuple[list[Contender], list[str]]:
    """Each in turn, the whole circle several times, so that a disturbance meets all."""
    whole, stream = bodies(folder)
    found: list[Contender] = []
    skipped: list[str] = []
    with contextlib.ExitStack() as stack:
        fast = stack.enter_context(model_server(folder, first_s=0.0, between_s=0.0))
        paced = stack.enter_context(model_server(folder, first_s=0.0, between_s=BETWEEN_S))
        direct, direct_paced = Contender("direct", fast, None), Contender("direct", paced, None)
        for make in contenders:
            try:
                on_fast = stack.enter_context(make(_folder(folder, "fast"), fast))
                on_paced = stack.enter_context(make(_folder(folder, "paced"), paced))
                warm(on_fast, whole)
                saturate(on_fast, whole, 1)
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                skipped.append(f"{make.__name__}: skipped, {error}")
                continue
            on_fast.figures.clear()
            found.append(on_fast)
            on_fast.add("ready_s", on_fast.ready_s)
            on_fast.paced = on_paced
        for _ in range(rounds):
            base = load("rate", direct.port, whole, RATE, seconds)["ms"]
            base_first = statistics.median(load("streams", direct_paced.port, stream, STREAMS)["first_ms"])
            for contender in found:
                saturate(contender, whole, seconds)
                one_round(contender, whole, stream, base=base, base_first=base_first, seconds=seconds)
    return found, skipped


def one_round(
    contender: Contender, whole: Path, stream: Path, *, base: list[float], base_first: float, seconds: int
) -> None:
    ms = load("rate", contender.port, whole, _rate(contender), seconds)["ms"]
    contender.add("added_p50_ms", percentile(ms, 0.5) - percentile(base, 0.5))
    contender.add("added_p99_ms", percentile(ms, 0.99) - percentile(base, 0.99))
    paced = contender.paced
    assert paced is not None
    count = STREAMS if contender.name != "litellm" else 10
    before = paced.cpu_s()
    streamed = load("streams", paced.port, stream, count)
    contender.add("cpu_us_per_stream_event", (paced.cpu_s() - before) / streamed["events"] * 1e6)
    contender.add("added_first_token_p50_ms", statistics.median(streamed["first_ms"]) - base_first)
    contender.add("rss_mb", contender.rss_mb())


def _rate(contender: Contender) -> int:
    """LiteLLM cannot follow 200 requests a second on one core."""
    return 20 if contender.name == "litellm" else RATE


def _folder(parent: Path, name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=name, dir=parent))


METRICS = (
    ("cpu_us_per_request", "CPU us/request"),
    ("requests_per_s", "requests/s"),
    ("cpu_us_per_stream_event", "CPU us/event"),
    ("added_p50_ms", "added p50 ms"),
    ("added_p99_ms", "added p99 ms"),
    ("added_first_token_p50_ms", "added first token ms"),
    ("rss_mb", "RSS MB"),
    ("ready_s", "ready s"),
)


def table(found: list[Contender]) -> str:
    lines = ["| | " + " | ".join(title for _, title in METRICS) + " |", "|---|" + "--:|" * len(METRICS)]
    for contender in found:
        cells = [f"{contender.median(m):,.3g}" if contender.median(m) is not None else "-" for m, _ in METRICS]
        lines.append(f"| {contender.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def result(found: list[Contender], seconds: float) -> dict[str, Any]:
    metrics: dict[str, float | None] = {}
    for contender in found:
        prefix = "" if contender.name == "gnomon" else f"peer_{contender.name}_"
        for metric, _ in METRICS:
            at = f"_at_{_rate(contender)}rps" if metric in ("added_p50_ms", "added_p99_ms") else ""
            metrics[prefix + metric + at] = contender.median(metric)
        if contender.name == "nginx":
            metrics["limit_nginx_cpu_us_per_request"] = contender.median("cpu_us_per_request")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT).stdout
    return {"name": "gateway", "commit": commit.strip(), "seconds": round(seconds, 1), "metrics": metrics}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes")
    parser.add_argument("--without", action="append", default=[], choices=["nginx", "litellm"])
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed (Debian: apt-get install wrk); nothing was measured.")
        return 2
    begun = time.monotonic()
    makers = [m for m in (gnomon, nginx, litellm) if m.__name__ not in options.without]
    rounds, seconds = (2, 2) if options.quick else (5, 8)
    others = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="gnomon-bench-") as folder:
        found, skipped = measure(Path(folder), makers, rounds=rounds, seconds=seconds)
    print(f"{platform.platform()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB")
    print(f"{rounds} rounds of {seconds} s, medians; load average before: {others:.2f}")
    if others > 0.5:
        print("DISTURBED: other work ran on this machine; trust ratios and CPU time, not wall-clock figures.")
    print(table(found))
    print("\n".join(skipped))
    print("RESULT " + json.dumps(result(found, time.monotonic() - begun)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
