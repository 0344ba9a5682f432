"""The server's doors."""

import asyncio
import hmac
import logging
import time
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnomon.app.modelserver.adapters import AdapterBook
from gnomon.app.modelserver.chat import Chat, parse
from gnomon.app.modelserver.errors import BadRequest, NotServing, WrongKey, openai_error
from gnomon.app.modelserver.metrics import Metrics
from gnomon.app.modelserver.schemas import LoadAdapter, UnloadAdapter
from gnomon.app.modelserver.settings import Settings
from gnomon.app.modelserver.worker import Worker
from gnomon.kit.errors import GnomonError

_LOG = logging.getLogger(__name__)


def create_app(worker: Worker, book: AdapterBook, settings: Settings, metrics: Metrics) -> FastAPI:
    """The application; the worker is started and stopped by the caller."""
    app = FastAPI(title="Gnomon model server", docs_url=None, redoc_url=None, openapi_url=None)
    chat = Chat(worker, book, settings, metrics)
    switching = asyncio.Lock()  # one adapter change at a time, so that book and model agree
    started = int(time.time())
    app.add_middleware(Door, settings=settings, metrics=metrics)

    @app.exception_handler(GnomonError)
    async def refuse(_: Request, error: GnomonError) -> Response:
        return _refusal(error)

    @app.exception_handler(Exception)
    async def fail(_: Request, error: Exception) -> Response:
        _LOG.error("request_failed", exc_info=error)
        return JSONResponse(openai_error(GnomonError("The server failed.", next_step="See its log.")), 500)

    @app.post("/v1/chat/completions")
    async def chat_completions(request: Request) -> Response:
        return await chat.answer(request)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        base = {"id": settings.served_name, "object": "model", "created": started, "owned_by": "gnomon"}
        rest = {"max_model_len": settings.max_length}
        adapters = [
            {
                "id": adapter.name,
                "object": "model",
                "created": adapter.loaded_at,
                "owned_by": "gnomon",
                "root": str(adapter.folder),
                "parent": settings.served_name,
                **rest,
            }
            for adapter in book.loaded()
        ]
        return {"object": "list", "data": [{**base, "root": str(settings.model), "parent": None, **rest}, *adapters]}

    @app.post("/v1/load_lora_adapter")
    async def load_adapter(request: Request) -> Response:
        asked = await parse(request, LoadAdapter, settings.max_body_bytes)
        async with switching:
            _require_model(worker)
            folder = book.check(asked.lora_name, asked.lora_path, in_place=asked.load_inplace)
            if folder is None:
                return PlainTextResponse(f"Success: LoRA adapter '{asked.lora_name}' was already loaded.")
            if any(adapter.name == asked.lora_name for adapter in book.loaded()):
                await _unload(worker, book, asked.lora_name)
            await _load(worker, asked, book)
        metrics.adapters.set(len(book.loaded()))
        return PlainTextResponse(f"Success: LoRA adapter '{asked.lora_name}' added successfully.")

    @app.post("/v1/unload_lora_adapter")
    async def unload_adapter(request: Request) -> Response:
        asked = await parse(request, UnloadAdapter, settings.max_body_bytes)
        async with switching:
            await _unload(worker, book, asked.lora_name)
        metrics.adapters.set(len(book.loaded()))
        return PlainTextResponse(f"Success: LoRA adapter '{asked.lora_name}' removed successfully.")

    @app.get("/livez")
    async def live() -> Response:
        return PlainTextResponse("ok")

    @app.get("/readyz")
    async def ready() -> Response:
        if worker.failure is not None:
            return JSONResponse({"ready": False, "error": str(worker.failure)}, 503)
        return JSONResponse({"ready": worker.model is not None}, 200 if worker.model is not None else 503)

    @app.get("/metrics")
    async def show_metrics() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return app


class Door:
    """Asks for the key and counts. Plain ASGI: a wrapping response would hide that a streaming client has gone."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        status = 500

        async def note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        start = time.monotonic()
        try:
            _check_key(Request(scope), self._settings.api_key)
            await self._app(scope, receive, note)
        except WrongKey as error:
            await _refusal(error)(scope, receive, note)
        finally:
            # A path that we do not know comes from outside and must not become a label.
            path = scope["path"] if status != 404 else "other"
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.observe(time.monotonic() - start)


async def _load(worker: Worker, asked: LoadAdapter, book: AdapterBook) -> None:
    folder = book.check(asked.lora_name, asked.lora_path)
    assert folder is not None
    try:
        await asyncio.wrap_future(worker.load_adapter(asked.lora_name, folder))
    except Exception as error:
        _LOG.exception("adapter_load_failed")
        raise BadRequest(
            f"{folder.name} does not fit this model: {error}", next_step="Give a LoRA adapter of this base."
        ) from error
    book.add(asked.lora_name, folder)


async def _unload(worker: Worker, book: AdapterBook, name: str) -> None:
    """No new request reaches the adapter; those under way are answered, then its memory is free."""
    book.remove(name)
    await asyncio.wrap_future(worker.unload_adapter(name))


def _require_model(worker: Worker) -> None:
    if worker.model is None:
        raise NotServing("The model is still loading.", next_step="Ask /readyz, then try again.")


def _check_key(request: Request, wanted: str) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if wanted and not hmac.compare_digest(given.encode(), wanted.encode()):
        raise WrongKey("The key is missing or wrong.", next_step="Send it as Authorization: Bearer.")


def _refusal(error: GnomonError) -> Response:
    headers = {"retry-after": "1"} if error.status in (429, 503) else {}
    return JSONResponse(openai_error(error), error.status, headers=headers)
