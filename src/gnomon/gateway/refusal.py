"""How a request is refused."""

from gnomon.contract.traffic import Outcome


class Refusal(Exception):
    """The request ends here, with this outcome, status and OpenAI error object."""

    def __init__(
        self,
        outcome: Outcome,
        status: int,
        *,
        message: str,
        code: str,
        headers: tuple[tuple[str, str], ...] = (),
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers
        self.param = param  # the field of the request that is wrong
