"""What the gateway costs, beside nginx (the limit) and other gateways: `python bench/gateway/run.py [--quick]`.

All features on: key, limits, masking in and out with personal data in both bodies, records. One worker, with a core for
itself (`taskset`), on which every other contender is stopped meanwhile; callers and model server have the others. CPU
is that of the gateway's whole process tree, per request or event that the model server sent. Latencies are what the
gateway adds to the same load sent straight to the model server. Peers do less (no masking, no records); nginx only
passes bytes through. How late the load generator itself was stands beside.

`--quiet-core` sends what else runs on the machine to the other cores meanwhile (as root: everything that can go).
`--soak SECONDS` measures something else: whether memory stays flat under mixed load (3600 is the hour of the goal).
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
from contenders import (
    HERE,
    KEY,
    OTHERS,
    OWN,
    ROOT,
    Contender,
    gnomon,
    litellm,
    model_server,
    nginx,
    pinned,
    portkey,
    tensorzero,
)
from quiet import kept_off

RATE, SLOW_RATE = 200, 20
STREAMS, SLOW_STREAMS = 60, 10
BETWEEN_S = 0.02
CROWD = 1000
CROWD_BETWEEN_S = 0.1  # ten tokens a second: a stream lasts five seconds, so that all of them run at once
STALL_MS = 1000.0
SETTLED = 0.1  # share of a soak after which memory should grow no more
MAKERS = (gnomon, nginx, tensorzero, portkey, litellm)
METRICS = (
    ("cpu_us_per_request", "CPU us/request"),
    ("requests_per_s", "requests/s"),
    ("cpu_us_per_stream_event", "CPU us/event"),
    ("added_p50_ms", "added p50 ms"),
    ("added_p99_ms", "added p99 ms"),
    ("added_first_token_p50_ms", "added first token ms"),
    ("late_p99_ms", "sent late p99 ms"),
    ("rss_mb", "RSS MB"),
    ("ready_s", "ready s"),
    ("ready_first_s", "first start on a host s"),
    ("streams_1000_cpu_us_per_event", "1000 streams: CPU us/event"),
    ("streams_1000_silence_p99_ms", "longest silence p99 ms"),
    ("streams_1000_stalled", "stalled"),
)


def warm(contender: Contender, folder: Path) -> None:
    """The first answer may take long; an error is told."""
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **contender.headers}
    body = contender.body(folder, stream=False).read_bytes()
    with httpx.Client(timeout=60) as http:
        for _ in range(5):
            answer = http.post(contender.url, content=body, headers=headers)
            if answer.status_code != 200:
                raise RuntimeError(f"{contender.name} answered {answer.status_code}: {answer.text[:300]}")


def saturate(contender: Contender, folder: Path, seconds: int) -> None:
    """CPU per request and requests a second, under as many requests as it takes."""
    environment = contender.environment(contender.body(folder, stream=False))
    command = [*pinned(OTHERS), "wrk", "-t1", "-c16", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "post.lua")]
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


def load(contender: Contender, folder: Path, kind: str, *numbers: float) -> dict[str, Any]:
    command = [*pinned(OTHERS), sys.executable, str(HERE / "load.py"), kind, str(contender.port), *map(str, numbers)]
    environment = contender.environment(contender.body(folder, stream=kind == "streams"))
    out = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    found: dict[str, Any] = json.loads(out)
    if found["failed"]:
        raise RuntimeError(f"{found['failed']} answers of {contender.name} were errors: {found['wrong']}")
    return found


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[int(share * 1000) - 1]


def measure(folder: Path, makers: list[Any], *, rounds: int, seconds: int) -> tuple[list[Contender], list[str]]:
    """Each in turn, the whole circle several times, so that a disturbance meets all."""
    found: list[Contender] = []
    skipped: list[str] = []
    with contextlib.ExitStack() as stack:
        fast = Contender("direct", stack.enter_context(model_server(folder, between_s=0.0)))
        paced = Contender("direct", stack.enter_context(model_server(folder, between_s=BETWEEN_S)))
        for make in makers:
            try:
                one = stack.enter_context(make(_folder(folder, "fast"), fast.port))
                one.paced = stack.enter_context(make(_folder(folder, "paced"), paced.port))
                warm(one, folder)
                saturate(one, folder, 1)
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                skipped.append(f"{make.__name__}: skipped, {error}")
                continue
            for metric in ("cpu_us_per_request", "requests_per_s"):
                del one.figures[metric]
            one.add("ready_s", one.ready_s)
            found.append(one)
            one.rest()
        for _ in range(rounds):
            base = load(fast, folder, "rate", RATE, seconds)["ms"]
            direct = load(paced, folder, "streams", STREAMS, 4, seconds)
            for contender in found:
                with contender.awake():
                    saturate(contender, folder, seconds)
                    try:
                        one_round(contender, folder, base=base, direct=direct, seconds=seconds)
                    except RuntimeError as error:  # a peer that cannot do a part of it: told, and its figure left out
                        if contender.name == "gnomon":
                            raise
                        skipped.append(f"{contender.name}: {' '.join(str(error).split())[:200]}")
    for make in makers:
        try:
            if make in (gnomon, nginx):
                crowd(folder, make, found)
        except RuntimeError as error:
            skipped.append(f"{make.__name__}, {CROWD} streams at once: {' '.join(str(error).split())[:200]}")
    return found, skipped


def one_round(contender: Contender, folder: Path, *, base: list[float], direct: dict[str, Any], seconds: int) -> None:
    contender.add("rss_mb", contender.rss_mb())
    found = load(contender, folder, "rate", _rate(contender), seconds)
    ms = found["ms"]
    contender.add("late_p99_ms", percentile(found["late_ms"], 0.99))
    contender.add("added_p50_ms", percentile(ms, 0.5) - percentile(base, 0.5))
    contender.add("added_p99_ms", percentile(ms, 0.99) - percentile(base, 0.99))
    paced = contender.paced
    assert paced is not None
    before = paced.cpu_s()
    streamed = load(paced, folder, "streams", SLOW_STREAMS if contender.is_slow else STREAMS, 4, seconds)
    contender.add("cpu_us_per_stream_event", (paced.cpu_s() - before) / events(streamed, direct) * 1e6)
    contender.add(
        "added_first_token_p50_ms", statistics.median(streamed["first_ms"]) - statistics.median(direct["first_ms"])
    )


def events(streamed: dict[str, Any], direct: dict[str, Any]) -> float:
    """How many the model server sent for these streams: who masks what lies in three sends on one for them."""
    return float(streamed["streams"] * direct["events"] / direct["streams"])


def crowd(folder: Path, make: Any, found: list[Contender]) -> None:
    """A thousand paced streams at once through one process, and whether any of them fell silent."""
    known = [contender for contender in found if contender.name == make.__name__]
    if not known:
        return
    with model_server(folder, between_s=CROWD_BETWEEN_S) as port, make(_folder(folder, "crowd"), port) as contender:
        direct = load(Contender("direct", port), folder, "streams", 1, 0, 0)
        warm(contender, folder)
        before = contender.cpu_s()
        streamed = load(contender, folder, "streams", CROWD, 3, 0)
        known[0].add("streams_1000_cpu_us_per_event", (contender.cpu_s() - before) / events(streamed, direct) * 1e6)
        known[0].add("streams_1000_silence_p99_ms", percentile(streamed["silence_ms"], 0.99))
        known[0].add("streams_1000_stalled", sum(ms > STALL_MS for ms in streamed["silence_ms"]))


def soak(folder: Path, seconds: float) -> dict[str, Any]:
    """Memory under mixed load: medians of the first and of the last tenth after it had time to settle."""
    with model_server(folder, between_s=0.0) as port, gnomon(_folder(folder, "soak"), port) as contender:
        warm(contender, folder)
        command = [sys.executable, str(HERE / "load.py"), "mixed", str(contender.port), str(seconds)]
        environment = contender.environment(contender.body(folder, stream=False))
        rss: list[float] = []
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as running:
            while running.poll() is None:
                time.sleep(min(1.0, seconds / 200))
                rss.append(contender.rss_mb())
            assert running.stdout is not None
            answers = json.loads(running.stdout.read())["answers"]
    rss = rss[int(len(rss) * SETTLED) : -1]
    tenth = max(1, len(rss) // 10)
    start, end = statistics.median(rss[:tenth]), statistics.median(rss[-tenth:])
    print(f"answers by status: {answers}")
    print(f"RSS {start:.1f} MB -> {end:.1f} MB over {seconds:g} s of mixed load, most {max(rss):.1f} MB")
    metrics = {"soak_s": seconds, "soak_rss_start_mb": start, "soak_rss_end_mb": end, "soak_rss_max_mb": max(rss)}
    return {**metrics, "soak_rss_growth_ratio": round(end / start - 1, 4), "soak_requests": sum(answers.values())}


def _rate(contender: Contender) -> int:
    return SLOW_RATE if contender.is_slow else RATE


def _folder(parent: Path, name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=name, dir=parent))


def table(found: list[Contender]) -> str:
    lines = ["| | " + " | ".join(title for _, title in METRICS) + " |", "|---|" + "--:|" * len(METRICS)]
    for contender in found:
        medians = [contender.median(metric) for metric, _ in METRICS]
        cells = ["-" if median is None else f"{median:,.3g}" for median in medians]
        lines.append(f"| {contender.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def metrics_of(found: list[Contender]) -> dict[str, float | None]:
    metrics: dict[str, float | None] = {}
    for contender in found:
        prefix = "" if contender.name == "gnomon" else f"peer_{contender.name}_"
        for metric, _ in METRICS:
            at = f"_at_{_rate(contender)}rps" if metric in ("added_p50_ms", "added_p99_ms") else ""
            if contender.median(metric) is not None:
                metrics[prefix + metric + at] = contender.median(metric)
        if contender.name == "nginx":
            metrics["limit_nginx_cpu_us_per_request"] = contender.median("cpu_us_per_request")
    return metrics


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes")
    parser.add_argument(
        "--quiet-core", action="store_true", help="everything else on the machine off the core that counts"
    )
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="only: memory under mixed load for so long")
    parser.add_argument("--without", action="append", default=[], choices=[m.__name__ for m in MAKERS[1:]])
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed (Debian: apt-get install wrk); nothing was measured.")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends too, what was moved goes back
    begun, others = time.monotonic(), os.getloadavg()[0]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT).stdout
    print(f"{platform.platform()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB")
    if others > 0.5:
        print(
            f"DISTURBED: load average {others:.2f} before the start; trust ratios and CPU time, not wall-clock figures."
        )
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gnomon-bench-"))
        moved = stack.enter_context(kept_off(OWN, OTHERS)) if options.quiet_core else 0
        if options.quiet_core:
            print(f"{moved} threads of other programs kept off core {min(OWN)}")
        if options.soak:
            metrics: dict[str, Any] = soak(Path(folder), options.soak)
        else:
            rounds, seconds = (2, 1) if options.quick else (5, 8)
            makers = [make for make in MAKERS if make.__name__ not in options.without]
            found, skipped = measure(Path(folder), makers, rounds=rounds, seconds=seconds)
            print(f"{rounds} rounds of {seconds} s, medians")
            print("\n".join([table(found), *dict.fromkeys(skipped)]))
            metrics = metrics_of(found)
    metrics["load_average_before"] = round(others, 2)
    metrics["threads_kept_off"] = moved
    result = {"name": "gateway", "commit": commit.strip(), "seconds": round(time.monotonic() - begun, 1)}
    print("RESULT " + json.dumps({**result, "metrics": metrics}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
