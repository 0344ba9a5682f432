"""A peer's verdicts: texts as JSON lines in; a 0 or 1 for each, then the CPU seconds, out. Runs in its own venv."""

import json
import sys
import time
from collections.abc import Callable


def agentbastion() -> Callable[[str], bool]:
    from agentbastion import Firewall

    firewall = Firewall()
    return lambda text: not firewall.check_input(text).allowed


def aicordon() -> Callable[[str], bool]:
    from aicordon import picket

    detector = picket.load()
    return lambda text: bool(detector.check(text).flagged)


def prompt_shield() -> Callable[[str], bool]:
    from prompt_shield import PromptScanner

    scanner = PromptScanner(threshold="MEDIUM")
    return lambda text: scanner.scan(text).severity in ("MEDIUM", "HIGH", "CRITICAL")


PEERS = {"agentbastion": agentbastion, "aicordon": aicordon, "prompt_shield": prompt_shield}


def main() -> None:
    blocks = PEERS[sys.argv[1]]()
    texts = [json.loads(line) for line in sys.stdin]
    begin = time.process_time()
    verdicts = "".join("1" if blocks(text) else "0" for text in texts)
    print(verdicts)
    print(time.process_time() - begin)


if __name__ == "__main__":
    main()
