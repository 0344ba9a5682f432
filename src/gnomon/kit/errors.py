"""What can go wrong, told so that the reader knows what to do next.

GnomonError
├── BadInput        400  the caller sent something that cannot be
├── SignInNeeded    401
├── Denied          403  the permission matrix says no
├── NotFound        404
├── Conflict        409  the state of the thing does not allow it
├── NotReady        425  something must happen first; `next_step` says what
├── TooMany         429
└── Unavailable     503  something we depend on is down

A domain subclasses one of these and gives it a stable `code`. The edge (HTTP, CLI, page) translates once.
"""

from typing import Any, ClassVar


class GnomonError(Exception):
    """Root of every expected error: a stable code, an HTTP status, the facts, and the next step."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, next_step: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.facts = facts

    def as_dict(self) -> dict[str, Any]:
        """The error as every surface shows it."""
        return {"code": self.code, "message": self.message, "next_step": self.next_step, "facts": self.facts}


class BadInput(GnomonError):
    code = "bad_input"
    status = 400


class SignInNeeded(GnomonError):
    code = "sign_in_needed"
    status = 401


class Denied(GnomonError):
    code = "denied"
    status = 403


class NotFound(GnomonError):
    code = "not_found"
    status = 404


class Conflict(GnomonError):
    code = "conflict"
    status = 409


class NotReady(GnomonError):
    code = "not_ready"
    status = 425


class TooMany(GnomonError):
    code = "too_many"
    status = 429


class Unavailable(GnomonError):
    code = "unavailable"
    status = 503
