"""Starts the HTTP side at once and the model behind it, restores adapters, and ends both in order."""

import json
import logging
import socket
import sys
import threading

import uvicorn

from gnomon.app.modelserver.adapters import AdapterBook
from gnomon.app.modelserver.http import create_app
from gnomon.app.modelserver.metrics import Metrics
from gnomon.app.modelserver.model import LanguageModel
from gnomon.app.modelserver.settings import Settings
from gnomon.app.modelserver.worker import Worker
from gnomon.engine.models.torch_setup import prepare_environment
from gnomon.kit.errors import GnomonError

_LOG = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Runs until SIGTERM or SIGINT; 0 after an orderly end, 1 when the model cannot be loaded.

    The first line on stdout is JSON: {"event": "listening", "host", "port"}.
    """
    prepare_environment()
    metrics = Metrics()
    book = AdapterBook(settings)
    worker = Worker(lambda: load(settings, book), settings, metrics)
    listener = socket.create_server((settings.host, settings.port))
    _say({"event": "listening", "host": settings.host, "port": listener.getsockname()[1]})
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(worker, book, settings, metrics),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=30,
        )
    )
    worker.start()
    threading.Thread(target=_watch, args=(worker, server, book, metrics), daemon=True).start()
    server.run(sockets=[listener])
    worker.stop()
    return 1 if worker.failure is not None else 0


def load(settings: Settings, book: AdapterBook) -> LanguageModel:
    """The model with the adapters that it had when the server last ran; one that no longer fits is left out, loudly."""
    from gnomon.app.modelserver.torch_model import TorchModel

    model = TorchModel(settings.model, threads=settings.threads, dtype=settings.dtype)
    for name, path in book.remembered().items():
        try:
            folder = book.check(name, path)
            assert folder is not None
            model.load_adapter(name, folder)
        except (GnomonError, RuntimeError, ValueError, OSError):
            _LOG.exception("adapter_not_restored name=%s", name)
        else:
            book.add(name, folder)
    return model


def _watch(worker: Worker, server: uvicorn.Server, book: AdapterBook, metrics: Metrics) -> None:
    worker.loaded.wait()
    if worker.failure is not None:
        _say({"event": "failed", "error": str(worker.failure)})
        server.should_exit = True
        return
    metrics.adapters.set(len(book.loaded()))
    _say({"event": "ready", "adapters": [adapter.name for adapter in book.loaded()]})


def _say(facts: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()
