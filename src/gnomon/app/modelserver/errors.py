"""Refusals, in the shape that OpenAI's clients expect.

GnomonError
├── BadRequest        400  the request cannot be answered as it stands
│   ├── TooLong       400  more tokens than the model's context
│   └── Unsupported   400  a feature that this server does not have
├── WrongKey          401
├── UnknownModel      404  neither the base nor a loaded adapter
├── QueueFull         429
└── NotServing        503  loading or shutting down
"""

from typing import Any

from gnomon.kit.errors import BadInput, GnomonError, NotFound, SignInNeeded, TooMany, Unavailable


class BadRequest(BadInput):
    code = "invalid_request"


class TooLong(BadRequest):
    code = "context_length_exceeded"


class Unsupported(BadRequest):
    code = "unsupported_parameter"


class WrongKey(SignInNeeded):
    code = "invalid_api_key"


class UnknownModel(NotFound):
    code = "model_not_found"


class QueueFull(TooMany):
    code = "queue_full"


class NotServing(Unavailable):
    code = "not_serving"


def openai_error(error: GnomonError) -> dict[str, Any]:
    """The error object of the OpenAI API; `type` follows from the status."""
    kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    message = f"{error.message} {error.next_step}".strip()
    return {"error": {"message": message, "type": kind, "param": error.facts.get("param"), "code": error.code}}
