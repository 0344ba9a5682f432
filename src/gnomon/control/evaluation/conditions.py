"""Under what conditions a run is made: what the gateway obeys at that moment, and on what machine.

Read from the published policy, because that, and not the rows behind it, is what the gateway does. A trial of masking
asks the model server itself, for the gateway would mask what must arrive as it is; `endpoint` says where that is.
"""

import ipaddress
import os
import platform
import socket
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.publishing.tables import Publication
from gnomon.engine.runs import Reach
from gnomon.kit.errors import Denied, NotReady


class NotServed(NotReady):
    """No published route leads to what is to be evaluated."""

    code = "not_served"
    status = 409


class ModelKeyMissing(NotReady):
    """The model server wants a token that this process does not have."""

    code = "model_key_missing"
    status = 409


class RawTextWouldLeave(Denied):
    """What is to be sent as it is would go to an address that is not the company's own."""

    code = "raw_text_would_leave"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model server as the gateway reaches it; `model` is its own name for what is evaluated."""

    url: str
    model: str
    secret_env: str = ""
    is_sealed: bool = False  # its token is sealed to the gateways, and to nobody else
    reach: Reach = field(default_factory=Reach)

    def token(self) -> str:
        """Its bearer token from the environment, as the gateway takes it. Raises ModelKeyMissing."""
        if self.is_sealed and not self.secret_env:
            raise ModelKeyMissing(
                f"The token of {self.url} is sealed to the gateways; the worker cannot open it.",
                next_step="Name an environment variable that holds it, for gateway and worker.",
            )
        if not self.secret_env:
            return ""
        found = os.environ.get(self.secret_env, "")
        if not found:
            raise ModelKeyMissing(
                f"The environment variable {self.secret_env} with the token of {self.url} is not set for the worker.",
                next_step="Set it where the worker starts, as for the gateway.",
            )
        return found


def endpoint(session: Session, *, model: str, target_id: str) -> Endpoint:
    """Where the target of `model` is served, by the published policy. Raises NotServed."""
    policy, route = _route(session, model)
    target = _target(route, target_id)
    upstream = next((one for one in policy["upstreams"] if one["id"] == target["upstream"]), None)
    if upstream is None:
        raise NotServed(f"The target {target['id']} has no model server.", next_step="Deploy it again.")
    return Endpoint(
        url=upstream["url"],
        model=target["model"],
        secret_env=upstream.get("secret_env", ""),
        is_sealed=bool(upstream.get("secret")),
        reach=Reach(upstream.get("ca", ""), upstream.get("server_name", ""), upstream.get("host", "")),
    )


def require_inside(found: Endpoint) -> None:
    """Raises RawTextWouldLeave unless every address of the model server is of this host or a private network."""
    host = urlsplit(found.url).hostname or ""
    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)}
    except OSError as error:
        raise NotServed(f"The model server's name {host} has no address.", next_step="Correct the upstream.") from error
    outside = sorted(one for one in addresses if not _is_own(one))
    if outside:
        raise RawTextWouldLeave(
            f"One side of the trial is sent unmasked, and {host} ({outside[0]}) is not of this host or a private"
            " network.",
            next_step="Measure on a model server inside.",
            host=host,
        )


def _is_own(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    return found.is_loopback or found.is_private


def environment(session: Session, *, model: str, target_id: str) -> dict[str, Any]:
    """Hardware class, model server, served version, policy serial and masking policy for `model` (and its target).

    Without a target the route's heaviest one is meant. Raises NotServed when the published policy has none such.
    """
    policy, route = _route(session, model)
    target = _target(route, target_id)
    upstreams = {upstream["id"]: upstream for upstream in policy["upstreams"]}
    masks = {mask["id"]: mask for mask in policy["mask_policies"]}
    mask = masks.get(route["mask_policy"], {})
    return {
        "hardware": hardware(),
        "model_server": {"id": target["upstream"], "url": upstreams.get(target["upstream"], {}).get("url", "")},
        "served_model": target["model"],
        "target": target["id"],
        "version": target.get("version", ""),
        "gateway_policy": f"{policy['epoch']}.{policy['serial']}",
        "mask_policy": f"{mask['id']}@{mask['version']}" if mask else "",
    }


def _route(session: Session, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The published policy and its route for `model`. Raises NotServed."""
    query = select(Publication).where(Publication.part == "policy")
    published = session.scalars(query.order_by(Publication.epoch.desc(), Publication.serial.desc()).limit(1)).first()
    if published is None:
        raise NotServed("No policy is published yet.", next_step="Deploy a model first.")
    route = next((route for route in published.payload["routes"] if route["model"] == model), None)
    if route is None:
        raise NotServed(f"The gateway has no route {model}.", next_step="Deploy the model, or name another.")
    return published.payload | {"epoch": published.epoch, "serial": published.serial}, route


def _target(route: dict[str, Any], target_id: str) -> dict[str, Any]:
    targets: list[dict[str, Any]] = list(route["targets"])
    if target_id:
        found = next((target for target in targets if target["id"] == target_id), None)
        if found is None:
            raise NotServed(
                f"The route {route['model']} has no target {target_id}.",
                next_step="Add the candidate to the route first.",
            )
        return found
    if not targets:
        raise NotServed(f"The route {route['model']} has no target.", next_step="Deploy a version first.")
    return max(targets, key=lambda target: float(target.get("weight", 0.0)))


@lru_cache(maxsize=1)
def hardware() -> str:
    """The class of this machine: processor, cores, memory in whole GiB. Two runs must agree on it."""
    memory = round(psutil.virtual_memory().total / 2**30)
    return f"{_processor()}, {psutil.cpu_count() or 0} cores, {memory} GiB"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
