"""`python -m gnomon.guard.content FOLDER`: the book is compiled and remembered in FOLDER, by one process at a time.

In a process of its own, because compiling takes some 40 MB that a process keeps.
"""

import fcntl
import sys
from pathlib import Path

from gnomon.guard.content.engine import default_engine


def main(memory: Path) -> None:
    """Another process that does the same waits, and finds it done."""
    memory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (memory / "patterns.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        default_engine(memory)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
