"""Talks to model servers and to the gateway over HTTP, with clear limits of time and clear errors.

ServerNotReady   503  a model server did not come up in time, or came up and did not answer
GatewayAway      503  the gateway cannot be reached, or does not know a target yet
"""

import time
from collections.abc import Callable
from typing import Any, cast

import httpx

from gnomon.kit import services
from gnomon.kit.errors import Unavailable

CONNECT_TIMEOUT_S = 2.0
POLL_S = 0.2
ADAPTER_TIMEOUT_S = 120.0  # reading an adapter from a slow disk; it took 0.3 s where it was measured


class ServerNotReady(Unavailable):
    code = "model_server_not_ready"


class GatewayAway(Unavailable):
    code = "gateway_away"


def client(*, timeout_s: float) -> httpx.Client:
    """An HTTP client; tests wire their own factory as the service `http_client`."""
    try:
        make = cast(Callable[..., httpx.Client], services.get("http_client"))
    except Unavailable:
        make = httpx.Client
    return make(timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S))


def wait_until_ready(url: str, *, served_name: str, within_s: float, poll_s: float = POLL_S) -> float:
    """Seconds until the model server at `url` lists `served_name`. Raises ServerNotReady after `within_s`."""
    started = time.monotonic()
    last = "no answer"
    with client(timeout_s=10.0) as http:
        while (passed := time.monotonic() - started) < within_s:
            try:
                reply = http.get(f"{url}/models")
                if reply.status_code == 200 and served_name in _model_ids(reply):
                    # A server lists its models before the weights are read; only an answer shows that they are.
                    return round(time.monotonic() - started, 3)
                last = f"status {reply.status_code}"
            except httpx.HTTPError as error:
                last = f"{type(error).__name__}: {error}"
            time.sleep(poll_s)
    raise ServerNotReady(
        f"The model server at {url} was not ready after {passed:.0f} s ({last}).",
        next_step="Look at its log; raise ready_within_s in the plan if it only needs longer.",
    )


def first_answer(url: str, body: dict[str, Any], *, within_s: float, poll_s: float = POLL_S) -> dict[str, Any]:
    """What the server answers to one chat request, with the milliseconds that it took. Raises ServerNotReady."""
    started = time.monotonic()
    last = "no answer"
    with client(timeout_s=min(within_s, 120.0)) as http:
        while time.monotonic() - started < within_s:
            asked = time.monotonic()
            try:
                reply = http.post(f"{url}/chat/completions", json=body)
                if reply.status_code == 200:
                    latency_ms = round((time.monotonic() - asked) * 1000, 1)
                    return {"latency_ms": latency_ms, "characters": len(_content(reply))}
                last = f"status {reply.status_code}"
                if reply.status_code != 503:
                    break
            except httpx.HTTPError as error:
                last = f"{type(error).__name__}: {error}"
            time.sleep(poll_s)
    raise ServerNotReady(f"The model server at {url} does not answer ({last}).", next_step="Look at its log.")


def load_adapter(url: str, *, name: str, folder: str) -> None:
    """The model server answers for the adapter `name`; loading it again changes nothing. Raises ServerNotReady."""
    try:
        with client(timeout_s=ADAPTER_TIMEOUT_S) as http:
            reply = http.post(f"{url}/load_lora_adapter", json={"lora_name": name, "lora_path": folder})
            if reply.status_code == 200 or name in _model_ids(http.get(f"{url}/models")):
                return
    except httpx.HTTPError as error:
        raise ServerNotReady(f"The model server at {url} is away: {error}.", next_step="Look at its log.") from error
    raise ServerNotReady(
        f"The model server refused the adapter {name} with status {reply.status_code}: {reply.text[:200]}",
        next_step="Check that the adapter fits the base version.",
    )


def serves(url: str, name: str) -> bool | None:
    """Whether the model server lists `name`; None when it cannot be asked, e.g. because it is starting."""
    try:
        with client(timeout_s=5.0) as http:
            reply = http.get(f"{url}/models")
    except httpx.HTTPError:
        return None
    return name in _model_ids(reply) if reply.status_code == 200 else None


def gateway_policy() -> tuple[int, ...] | None:
    """(epoch, serial) of the policy that the gateway obeys now; None when it cannot be asked."""
    try:
        with client(timeout_s=2.0) as http:
            named = http.get(f"{services.settings().gateway_url}/readyz").json().get("policy")
        return tuple(int(part) for part in str(named).split(".")) if named else None
    except (httpx.HTTPError, ValueError, AttributeError):
        return None


class Gateway:
    """The gateway's public API, asked with the platform's own key. Use as a context manager."""

    def __init__(self, *, timeout_s: float) -> None:
        self._client = client(timeout_s=timeout_s)
        self._url = f"{services.settings().gateway_url}/v1/chat/completions"
        self._headers = {"authorization": f"Bearer {services.platform_key()}"}

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, body: dict[str, Any]) -> tuple[int, Any]:
        """(status, decoded body or None). A broken connection or a time-out is status 0."""
        try:
            reply = self._client.post(self._url, json=body, headers=self._headers)
        except httpx.HTTPError:
            return 0, None
        try:
            return reply.status_code, reply.json()
        except ValueError:
            return reply.status_code, None

    def wait_for_target(self, body: dict[str, Any], *, within_s: float, poll_s: float = POLL_S) -> None:
        """Return once the gateway knows the model that `body` names. Raises GatewayAway after `within_s`."""
        deadline = time.monotonic() + within_s
        status = 0
        while time.monotonic() < deadline:
            status, _ = self.ask(body)
            if status not in (0, 404, 503):
                return
            time.sleep(poll_s)
        raise GatewayAway(
            f"The gateway does not serve {body['model']} after {within_s:.0f} s (status {status}).",
            next_step="See that the gateway runs and took the newest bundle (its /readyz).",
        )


def _model_ids(reply: httpx.Response) -> list[str]:
    try:
        return [str(model["id"]) for model in reply.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return []


def _content(reply: httpx.Response) -> str:
    try:
        return str(reply.json()["choices"][0]["message"]["content"])
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ServerNotReady("The model server's answer has no text.", next_step="Look at its log.") from error
