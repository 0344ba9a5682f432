"""The one thread that computes: gathers what arrives together, lets batches take turns, switches adapters between."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from gnomon.app.modelserver.errors import NotServing, QueueFull
from gnomon.app.modelserver.metrics import Metrics
from gnomon.app.modelserver.model import LanguageModel
from gnomon.app.modelserver.session import run
from gnomon.app.modelserver.settings import Settings
from gnomon.app.modelserver.task import Task
from gnomon.app.modelserver.waiting import next_batch

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Command:
    """Something to do between two forward passes; `frees` names an adapter that nobody may be using then."""

    do: Callable[[LanguageModel], None]
    done: "Future[None]"
    frees: str | None = None


@dataclass(frozen=True, slots=True)
class _Session:
    tasks: list[Task]
    turns: Iterator[None]


class Worker:
    """Start it once; `submit` and the adapter methods may be called from any thread."""

    def __init__(self, load: Callable[[], LanguageModel], settings: Settings, metrics: Metrics) -> None:
        self._load = load
        self._settings = settings
        self._metrics = metrics
        self._inbox: queue.SimpleQueue[Task | _Command | None] = queue.SimpleQueue()
        self._waiting: list[Task] = []
        self._commands: list[_Command] = []
        self._sessions: list[_Session] = []
        self._pending = 0
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self.model: LanguageModel | None = None
        self.failure: Exception | None = None
        self.loaded = threading.Event()  # or failed: then `failure` says why

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Finishes what was accepted, accepts nothing more, and ends the thread."""
        self._stopping = True
        self._inbox.put(None)
        self._thread.join(timeout_s)

    def submit(self, task: Task) -> None:
        """Queues the task. Raises QueueFull, or NotServing while loading or stopping."""
        if self.model is None or self._stopping:
            raise NotServing("The model is not being served now.", next_step="Ask /readyz, then try again.")
        with self._lock:
            if self._pending >= self._settings.max_queue:
                raise QueueFull(
                    f"{self._pending} requests are waiting, the limit is {self._settings.max_queue}.",
                    next_step="Try again in a second.",
                    waiting=self._pending,
                )
            self._pending += 1
            self._metrics.waiting.set(self._pending)
        self._inbox.put(task)

    def load_adapter(self, name: str, folder: Path) -> "Future[None]":
        """The adapter answers to `name` once the future is done."""
        return self._command(lambda model: model.load_adapter(name, folder), None)

    def unload_adapter(self, name: str) -> "Future[None]":
        """The adapter's memory is free once the future is done; answers under way finish first."""
        return self._command(lambda model: model.unload_adapter(name), name)

    def _command(self, do: Callable[[LanguageModel], None], frees: str | None) -> "Future[None]":
        done: Future[None] = Future()
        self._inbox.put(_Command(do, done, frees))
        return done

    def _run(self) -> None:
        try:
            model = self._load()
        except Exception as error:  # noqa: BLE001 - reported by /readyz and by the process's exit
            _LOG.exception("model_load_failed")
            self.failure = error
            return
        else:
            self.model = model
        finally:
            self.loaded.set()
        while not (self._stopping and not self._waiting and not self._sessions and self._inbox.empty()):
            self._receive()
            self._obey(model)
            self._open_session(model)
            self._take_turns()

    def _receive(self) -> None:
        """Takes what has arrived; an idle worker waits for the first and then for company."""
        if not self._sessions and not self._waiting and not self._commands:
            self._sort_in(self._inbox.get())
            self._gather()
        while not self._inbox.empty():
            self._sort_in(self._inbox.get())

    def _gather(self) -> None:
        end = time.monotonic() + self._settings.gather_ms / 1000
        while self._waiting and len(self._waiting) < self._settings.max_batch:
            patience = min(self._settings.gap_ms / 1000, end - time.monotonic())
            if patience <= 0:
                return
            try:
                self._sort_in(self._inbox.get(timeout=patience))
            except queue.Empty:
                return

    def _sort_in(self, item: "Task | _Command | None") -> None:
        if isinstance(item, Task):
            self._waiting.append(item)
        elif isinstance(item, _Command):
            self._commands.append(item)

    def _obey(self, model: LanguageModel) -> None:
        for command in list(self._commands):
            users = [task for session in self._sessions for task in session.tasks] + self._waiting
            if command.frees is not None and any(task.adapter == command.frees for task in users):
                continue
            self._commands.remove(command)
            try:
                command.do(model)
            except Exception as error:  # noqa: BLE001 - belongs to whoever gave the command
                command.done.set_exception(error)
            else:
                command.done.set_result(None)

    def _open_session(self, model: LanguageModel) -> None:
        gone = [task for task in self._waiting if task.cancelled]
        self._waiting = [task for task in self._waiting if not task.cancelled]
        self._forget(gone)
        if not self._waiting or len(self._sessions) >= self._settings.max_sessions:
            return
        batch = next_batch(self._waiting, self._settings.max_batch)
        chosen = {id(task) for task in batch}
        self._waiting = [task for task in self._waiting if id(task) not in chosen]
        self._sessions.append(_Session(batch, run(batch, model)))
        self._metrics.batch_size.observe(len(batch))

    def _take_turns(self) -> None:
        for session in list(self._sessions):
            try:
                next(session.turns)
            except StopIteration:
                self._close(session)
            except Exception as error:  # noqa: BLE001 - one failed batch must not end the server
                _LOG.exception("batch_failed")
                for task in session.tasks:
                    if not task.is_over:
                        task.send(error)
                self._close(session)

    def _close(self, session: _Session) -> None:
        self._sessions.remove(session)
        self._forget(session.tasks)

    def _forget(self, tasks: list[Task]) -> None:
        with self._lock:
            self._pending -= len(tasks)
            self._metrics.waiting.set(self._pending)
