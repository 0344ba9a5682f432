"""The answers that need no model: liveness, readiness, metrics, the list of models."""

from collections.abc import Callable

import msgspec

from gnomon.gateway import http
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.metrics import Metrics
from gnomon.gateway.recorder import Recorder
from gnomon.gateway.snapshot import Loader


def _livez(ex: Exchange, loader: Loader, recorder: Recorder, metrics: Metrics) -> bytes:
    return http.whole(ex, 200, b'{"alive":true}')


def _readyz(ex: Exchange, loader: Loader, recorder: Recorder, metrics: Metrics) -> bytes:
    """Ready means: there is a good bundle, and records can be written where the policy demands them."""
    snapshot = loader.current
    ready = snapshot is not None and not (recorder.failing and snapshot.policy.regulated)
    detail = {
        "ready": ready,
        "policy": snapshot.policy_version if snapshot else None,
        "roster": snapshot.roster_version if snapshot else None,
        "problems": loader.problems,
        "spool": "failing" if recorder.failing else "ok",
    }
    return http.whole(ex, 200 if ready else 503, msgspec.json.encode(detail))


def _metrics(ex: Exchange, loader: Loader, recorder: Recorder, metrics: Metrics) -> bytes:
    return http.whole(ex, 200, metrics.text(), content_type=b"text/plain; version=0.0.4; charset=utf-8")


PROBES: dict[str, Callable[[Exchange, Loader, Recorder, Metrics], bytes]] = {
    "/livez": _livez,
    "/readyz": _readyz,
    "/metrics": _metrics,
}


def models(ex: Exchange) -> bytes:
    """The routes that this key may use, as OpenAI lists models."""
    snapshot, key = ex.snapshot, ex.key
    assert snapshot is not None
    assert key is not None
    created = int(snapshot.policy.issued_at)
    names = [m for m in snapshot.routes if "*" in key.models or m in key.models]
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [{"id": m, "object": "model", "created": created, "owned_by": "gnomon"} for m in names],
        }
    )
