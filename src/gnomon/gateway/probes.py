"""The answers that need no model: liveness, readiness, metrics, the list of models, our own description."""

from collections.abc import Callable
from urllib.parse import unquote

import msgspec

from gnomon.gateway import http, openapi
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.services import Services


def _livez(ex: Exchange, s: Services) -> bytes:
    return http.whole(ex, 200, b'{"alive":true}')


def _readyz(ex: Exchange, s: Services) -> bytes:
    """Ready means: a good bundle, a guard that masks, records where the policy demands them, and no stop ahead."""
    ready, told = s.health.told(s.loader, s.recorder)
    return http.whole(ex, 200 if ready else 503, msgspec.json.encode(told))


def _metrics(ex: Exchange, s: Services) -> bytes:
    return http.whole(ex, 200, s.metrics.text(), content_type=b"text/plain; version=0.0.4; charset=utf-8")


def _openapi(ex: Exchange, s: Services) -> bytes:
    return http.whole(ex, 200, openapi.document())


PROBES: dict[str, Callable[[Exchange, Services], bytes]] = {
    "/livez": _livez,
    "/readyz": _readyz,
    "/metrics": _metrics,
    "/openapi.json": _openapi,
}


def models(ex: Exchange) -> bytes:
    """The routes that this key may use, as OpenAI lists models; one of them where the path names it.

    Raises Refusal (404) for one that does not exist or that this key may not use.
    """
    snapshot, key = ex.snapshot, ex.key
    assert snapshot is not None
    assert key is not None
    created = int(snapshot.policy.issued_at)
    names = [m for m in snapshot.routes if "*" in key.models or m in key.models]
    rows = [{"id": m, "object": "model", "created": created, "owned_by": "gnomon"} for m in names]
    if ex.path == "/v1/models":
        return msgspec.json.encode({"object": "list", "data": rows})
    wanted = unquote(ex.path.removeprefix("/v1/models/"))
    for row in rows:
        if row["id"] == wanted:
            return msgspec.json.encode(row)
    raise Refusal(
        "bad_request",
        404,
        message=f"没有名为 {wanted[:100]!r} 的模型。 There is no model {wanted[:100]!r}; GET /v1/models lists yours.",
        code="model_not_found",
        param="model",
    )
