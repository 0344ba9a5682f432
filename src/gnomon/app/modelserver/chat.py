"""The story of one chat request: parsed, made a task, waited for, answered; dropped when the client is gone."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ValidationError

from gnomon.app.modelserver.adapters import AdapterBook
from gnomon.app.modelserver.choices import Choices, trie
from gnomon.app.modelserver.errors import BadRequest, NotServing, TooLong, openai_error
from gnomon.app.modelserver.metrics import Metrics
from gnomon.app.modelserver.model import LanguageModel
from gnomon.app.modelserver.replies import Reply, event, usage
from gnomon.app.modelserver.sampling import Sampling
from gnomon.app.modelserver.schemas import ChatRequest
from gnomon.app.modelserver.settings import Settings
from gnomon.app.modelserver.task import Piece, Task
from gnomon.app.modelserver.worker import Worker
from gnomon.kit.errors import GnomonError

_DEFAULT_MAX_TOKENS = 256
_CLIENT_GONE = 499
Inbox = asyncio.Queue[Piece | Exception]
Parsed = TypeVar("Parsed", bound=BaseModel)


class Chat:
    def __init__(self, worker: Worker, book: AdapterBook, settings: Settings, metrics: Metrics) -> None:
        self._worker = worker
        self._book = book
        self._settings = settings
        self._metrics = metrics

    async def answer(self, request: Request) -> Response:
        """The reply, whole or streamed. Raises GnomonError for what cannot be answered."""
        asked = await parse(request, ChatRequest, self._settings.max_body_bytes)
        asked.refuse_unsupported()
        inbox: Inbox = asyncio.Queue()
        task = self._task(asked, inbox)
        if not task.is_over:
            self._worker.submit(task)
        reply = Reply(asked.model, task.decode, asked.logprobs)
        if asked.stream:
            include_usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return StreamingResponse(
                self._stream(task, inbox, reply, include_usage=include_usage), media_type="text/event-stream"
            )
        return await self._whole(request, task, inbox, reply)

    def _task(self, asked: ChatRequest, inbox: Inbox) -> Task:
        model = self._worker.model
        if model is None:
            raise NotServing("The model is still loading.", next_step="Ask /readyz, then try again.")
        adapter = self._book.resolve(asked.model)
        prompt = model.encode(asked.prompt, start=True)
        choices = self._choices(model, asked)
        room = self._settings.max_length - len(prompt)
        wanted = asked.max_completion_tokens or asked.max_tokens or min(_DEFAULT_MAX_TOKENS, max(room, 1))
        if room < wanted:
            raise TooLong(
                f"The prompt has {len(prompt)} tokens and {wanted} were asked for; "
                f"the model's context is {self._settings.max_length} tokens.",
                next_step="Shorten the messages or lower max_tokens.",
                param="messages",
            )
        loop = asyncio.get_running_loop()
        return Task(
            prompt=prompt,
            adapter=adapter,
            max_tokens=wanted,
            sampling=Sampling(asked.temperature, asked.top_p, asked.top_logprobs if asked.logprobs else None),
            send=lambda piece: _hand_over(loop, inbox, piece),
            decode=model.decode,
            end_tokens=frozenset(model.end_tokens),
            choices=choices,
            stop=asked.stops,
            seed=asked.seed,
        )

    def _choices(self, model: LanguageModel, asked: ChatRequest) -> Choices | None:
        texts = asked.choices
        return None if texts is None else trie(model.encode(text, start=False) for text in texts)

    async def _whole(self, request: Request, task: Task, inbox: Inbox, reply: Reply) -> Response:
        gone = asyncio.create_task(_disconnected(request))
        collected = asyncio.create_task(_collect(inbox))
        try:
            await asyncio.wait({gone, collected}, return_when=asyncio.FIRST_COMPLETED)
            if not collected.done():
                return Response(status_code=_CLIENT_GONE)
            pieces = collected.result()
        finally:
            task.cancelled = True  # of no effect on a finished one
            gone.cancel()
            collected.cancel()
        return JSONResponse(reply.whole(pieces, self._usage(task)))

    async def _stream(self, task: Task, inbox: Inbox, reply: Reply, *, include_usage: bool) -> AsyncIterator[bytes]:
        try:
            yield event(reply.opening())
            while True:
                piece = await inbox.get()
                if isinstance(piece, Exception):
                    yield event(openai_error(_as_expected(piece)))
                    break
                yield event(reply.part(piece))
                if piece.finish:
                    break
            if include_usage:
                yield event(reply.closing(self._usage(task)))
            yield event("[DONE]")
        finally:
            task.cancelled = True

    def _usage(self, task: Task) -> dict[str, int]:
        self._metrics.tokens.labels("prompt").inc(len(task.prompt))
        self._metrics.tokens.labels("completion").inc(len(task.tokens))
        return usage(len(task.prompt), len(task.tokens))


async def parse(request: Request, schema: type[Parsed], limit: int) -> Parsed:
    """The body as `schema`. Raises BadRequest naming the first wrong field."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise BadRequest(f"The body is larger than {limit} bytes.", next_step="Send less.")
    try:
        return schema.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadRequest(
            f"{where or 'body'}: {first['msg']}.", next_step="Correct the request.", param=where or None
        ) from error


def _hand_over(loop: asyncio.AbstractEventLoop, inbox: Inbox, piece: Piece | Exception) -> None:
    """From the worker's thread into the loop; a loop that has closed has no reader left."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(inbox.put_nowait, piece)


async def _collect(inbox: Inbox) -> list[Piece]:
    pieces: list[Piece] = []
    while not (pieces and pieces[-1].finish):
        piece = await inbox.get()
        if isinstance(piece, Exception):
            raise piece
        pieces.append(piece)
    return pieces


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _as_expected(error: Exception) -> GnomonError:
    if isinstance(error, GnomonError):
        return error
    return GnomonError("The model failed on this batch.", next_step="See the server's log.")
