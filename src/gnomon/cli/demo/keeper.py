"""Keeps `gnomon up` running as a process of its own for as long as the demo lasts, whatever is killed."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from gnomon.kit.errors import Unavailable
from gnomon.kit.settings import Settings


class DidNotStart(Unavailable):
    code = "platform_did_not_start"


class Keeper:
    """`start` returns when console and gateway answer; `stop` ends the platform and waits for it."""

    def __init__(self, settings: Settings, environment: dict[str, str]) -> None:
        self._settings = settings
        self._environment = os.environ | environment
        self._log = settings.home / "log" / "up.log"
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, timeout_s: float = 90.0) -> None:
        from gnomon.cli.up import wait_ready

        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._launch()
        threading.Thread(target=self._watch, name="demo-keeper", daemon=True).start()
        if not wait_ready(self._settings, timeout_s=timeout_s):
            raise DidNotStart(
                "平台未能启动 / the platform did not start.", next_step=f"See {self._log} and the logs beside it."
            )

    def first_links(self, wanted: set[str]) -> dict[str, str]:
        """The tokens of the one-time links that this start of `gnomon up` printed for the first administrators, by
        login. Raises DidNotStart when one that is wanted was not printed."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            told = self._log.read_bytes()[self._told_before :].decode(errors="replace")
            found = dict(re.findall(r"(admin|security) 的一次性链接.*\n.*invitation\?token=([\w-]+)", told))
            if wanted <= set(found):
                return found
            time.sleep(0.1)
        raise DidNotStart(
            f"No one-time link was printed for {', '.join(sorted(wanted))}.",
            next_step=f"See {self._log}, or start again: gnomon demo --clean",
        )

    def stop(self) -> None:
        self._stopping.set()
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=60)

    def _launch(self) -> None:
        self._told_before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gnomon.cli.main", "up"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl C reaches the demo alone, which then ends the platform in order
            )

    def _watch(self) -> None:
        while not self._stopping.wait(0.3):
            if self._process and self._process.poll() is not None:
                self._stopping.wait(1.0)  # its children end with it; their ports must be free again
                if not self._stopping.is_set():
                    self._launch()


def wipe(home: Path) -> None:
    """Nothing of an earlier demo is left, but for the converted model, which is the same every time."""
    import shutil

    for path in home.iterdir() if home.exists() else ():
        if path.name == "cache":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
