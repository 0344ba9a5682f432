"""What a request and a stream cost in the guard, in C and in Python: `python bench/guard/hot.py`.

Both run in turn in processes of their own, several times; a figure is the least of all rounds, for other work on a
machine only ever adds. The texts are those of `bench/gateway`.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from gnomon import native  # noqa: E402
from gnomon.guard.placeholders import Vault  # noqa: E402
from gnomon.guard.policy import DEFAULT_POLICY, Masker  # noqa: E402
from gnomon.guard.stream import StreamMasker  # noqa: E402

ASKED = "我叫张三，手机号13987654321，身份证11010519491231002X，邮箱zhang.san@example.com。" + "请帮我查询订单。" * 8
REPLY = (
    "您好，关于您咨询的订单问题，我们已经为您查询到相关信息。" * 13 + "联系电话13812345678，邮箱li.wei@example.com。"
)
CHINESE = ["您好", "，关于您", "咨询的", "订单问题", "，我们", "已经为您", "查询到", "相关信息", "。"] * 13
ENGLISH = ["The", " restart", " of", " the", " service", " takes", " about", " two", " minutes", "."] * 13
VALUES = ["联系", "电话", "138", "123", "456", "78", "，邮箱", "li", ".wei", "@example", ".com", "。"] * 8


def least(work: Callable[[], object], times: int, rounds: int = 30) -> float:
    """Microseconds of CPU of one call."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time_ns()
        for _ in range(times):
            work()
        best = min(best, (time.process_time_ns() - started) / times / 1000)
    return best


def figures() -> dict[str, float]:
    """Of this process: in C where it is built and wanted."""
    masker, rng = Masker(DEFAULT_POLICY, key=b"benchmark" * 4), random.Random(1)

    def stream(pieces: list[str]) -> Callable[[], None]:
        def run() -> None:
            one = StreamMasker(masker, "output", Vault())
            for piece in pieces:
                one.feed(piece)
            one.flush()

        return run

    pairs = " ".join(str(rng.randrange(10, 99)) for _ in range(17_000))
    cells = "\n".join("\t".join(f"{rng.random() * 100:.2f}" for _ in range(10)) for _ in range(850))
    return {
        "asked_us": least(lambda: masker.mask(ASKED, "input", Vault()), 100),
        "reply_us": least(lambda: masker.mask(REPLY, "output", Vault()), 100),
        "plain_us": least(lambda: masker.mask(REPLY[:350], "output", Vault()), 200),
        "event_us": least(stream(CHINESE), 1) / len(CHINESE),
        "english_event_us": least(stream(ENGLISH), 1) / len(ENGLISH),
        "value_event_us": least(stream(VALUES), 1) / len(VALUES),
        "table_s_per_mb": least(lambda: masker.mask(pairs, "input"), 1, 3) / len(pairs),
        "decimals_s_per_mb": least(lambda: masker.mask(cells, "input"), 1, 3) / len(cells),
    }


def compared(turns: int = 3) -> dict[str, dict[str, float]]:
    """The least figures of each way, each in processes of its own."""
    found: dict[str, dict[str, float]] = {}
    for turn in range(2 * turns):
        way = "python" if turn % 2 else "c"
        told = subprocess.run(
            [sys.executable, __file__, "--inside"],
            env={**os.environ, native.VARIABLE: "1" if turn % 2 else ""},
            capture_output=True,
            text=True,
            check=True,
        )
        for name, value in json.loads(told.stdout).items():
            best = found.setdefault(way, {})
            best[name] = min(value, best.get(name, value))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inside", action="store_true", help="this process alone, as JSON")
    if parser.parse_args().inside:
        print(json.dumps(figures()))
        return
    found = compared()
    print(f"{'':20}{'C':>9}{'Python':>9}{'times':>7}")
    for name, value in found["c"].items():
        other = found["python"][name]
        print(f"{name:20}{value:>9.2f}{other:>9.2f}{other / value:>7.1f}")


if __name__ == "__main__":
    main()
