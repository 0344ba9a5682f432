"""Under what conditions a run is made: what the gateway obeys at that moment, and on what machine.

Read from the published policy, because that, and not the rows behind it, is what the gateway does.
"""

import platform
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.publishing.tables import Publication
from gnomon.kit.errors import NotReady


class NotServed(NotReady):
    """No published route leads to what is to be evaluated."""

    code = "not_served"
    status = 409


def environment(session: Session, *, model: str, target_id: str) -> dict[str, Any]:
    """Hardware class, model server, served version, policy serial and masking policy for `model` (and its target).

    Without a target the route's heaviest one is meant. Raises NotServed when the published policy has none such.
    """
    query = select(Publication).where(Publication.part == "policy")
    published = session.scalars(query.order_by(Publication.epoch.desc(), Publication.serial.desc()).limit(1)).first()
    if published is None:
        raise NotServed("No policy is published yet.", next_step="Deploy a model first.")
    policy = published.payload
    route = next((route for route in policy["routes"] if route["model"] == model), None)
    if route is None:
        raise NotServed(f"The gateway has no route {model}.", next_step="Deploy the model, or name another.")
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
        "gateway_policy": f"{published.epoch}.{published.serial}",
        "mask_policy": f"{mask['id']}@{mask['version']}" if mask else "",
    }


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
