"""The job executor as a process: runs what the outbox holds, until told to end."""

import signal
import threading

from gnomon.app import process, sweep_check
from gnomon.app.wiring import build
from gnomon.kit.jobs import Executor
from gnomon.kit.settings import Settings


def main() -> None:
    settings = Settings()
    process.begin("worker", home=settings.home, level=settings.log_level)
    platform = build(settings)
    sweep_check.register()
    executor = Executor(platform, settings.jobs_database_url)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    executor.start()
    stop.wait()
    executor.stop()


if __name__ == "__main__":
    main()
