"""The API as the command line sees it: one signed-in person, plain errors."""

from typing import Any, Self

import httpx

from gnomon.kit.errors import GnomonError, Unavailable


class ApiError(GnomonError):
    """What the server refused, with its own code, message and next step."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        message = error.get("detail") or error["message"]  # the detail keeps what a translated next step left out
        super().__init__(message, next_step=error.get("next_step", ""), **error.get("facts", {}))
        self.code = error["code"]  # type: ignore[misc]  # the server's code, not the class's
        self.status = status  # type: ignore[misc]


class Client:
    """`Client(url).sign_in(login, password)`, then get, post, put. Use one per person; closes with `with`."""

    def __init__(self, url: str, *, token: str = "", timeout_s: float = 60.0) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s)
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def sign_in(self, login: str, password: str) -> Self:
        """Every further request is this person's."""
        answer = self.post("/api/v1/sign-in", {"login": login, "password": password})
        self._http.headers["authorization"] = f"Bearer {answer['token']}"
        return self

    @property
    def token(self) -> str:
        return str(self._http.headers.get("authorization", "")).removeprefix("Bearer ")

    def get(self, path: str, **params: Any) -> Any:
        return self._call("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> Any:
        return self._call("POST", path, json=body)

    def put(self, path: str, body: Any) -> Any:
        return self._call("PUT", path, json=body)

    def upload(self, path: str, content: Any, *, headers: dict[str, str] | None = None, method: str = "PUT") -> Any:
        """PUT (or POST) raw bytes, an open file, or an iterator of bytes."""
        return self._call(method, path, content=content, headers=headers or {})

    def download(self, path: str, **params: Any) -> bytes:
        return self._send("GET", path, params=params).content

    def read(self, path: str) -> bytes:
        """POST to what hands out bytes once asked, so that it is an act in the audit trail."""
        return self._send("POST", path).content

    def _call(self, method: str, path: str, **options: Any) -> Any:
        response = self._send(method, path, **options)
        return response.json() if response.content else None

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise Unavailable(
                f"The control plane at {self.url} does not answer ({type(error).__name__}).",
                next_step="Start it with `gnomon up`.",
            ) from error
        if response.is_success:
            return response
        try:
            refused = response.json()["error"]
        except (ValueError, KeyError, TypeError):
            message = f"{method} {path}: HTTP {response.status_code} {response.text[:200]}"
            refused = {"code": "unexpected", "message": message}
        raise ApiError(response.status_code, refused)
