"""Where a machine differs from what was declared. What could not be looked at is "not_measured", never fitting."""

from collections.abc import Mapping, Sequence
from typing import Any

from gnomon.contract.verdicts import State

Mismatch = dict[str, Any]
# What the model server (app/modelserver) cannot run without: a pinned list with less says nothing about it.
SERVER_PACKAGES = ("torch", "transformers", "peft", "safetensors", "tokenizers", "fastapi", "uvicorn")
INSTALL_RECORD = "packages.install_record"  # how a plan accepts an environment that no recorded run of pip made


def mismatches(declared: Mapping[str, Any], found: Mapping[str, Any]) -> list[Mismatch]:
    """One row per declared item that the machine does not have: {item, wanted, found, state}; sizes in GiB."""
    rows = [
        *_at_least(
            declared, found, ("cpu_cores", "cpu_cores"), ("memory_gb", "memory_gb"), ("disk_gb", "disk_free_gb")
        ),
        *_beginning(declared, found, ("os", "python")),
        *_contained("cpu_flags", declared.get("cpu_flags", []), found.get("cpu_flags")),
        *_contained("fonts", declared.get("fonts", []), found.get("fonts")),
        *_ports(declared.get("ports", []), found.get("ports_taken")),
        *_packages(declared.get("packages", {}), found.get("packages", {})),
        *_containers(declared.get("containers", []), found.get("containers")),
    ]
    if declared.get("gpu"):
        rows += _gpu(declared["gpu"], found.get("gpus"))
    return rows


def unpinned(packages: Mapping[str, str]) -> list[str]:
    """Those packages of the model server for which no version is pinned."""
    return [name for name in SERVER_PACKAGES if not packages.get(name, "").strip()]


def same_version(wanted: str, found: str) -> bool:
    """Whether `found` is `wanted`; a local build tag ("+cpu") counts only where it was asked for."""
    return found == wanted or ("+" not in wanted and found.split("+")[0] == wanted)


def _row(item: str, wanted: Any, found: Any) -> Mismatch:
    state = State.NOT_MEASURED if found is None else State.NOT_MET
    return {"item": item, "wanted": wanted, "found": found, "state": state.value}


def _at_least(declared: Mapping[str, Any], found: Mapping[str, Any], *pairs: tuple[str, str]) -> list[Mismatch]:
    rows = []
    for item, key in pairs:
        wanted, have = declared.get(item, 0), found.get(key)
        if wanted and (have is None or have < wanted):
            rows.append(_row(item, wanted, have))
    return rows


def _beginning(declared: Mapping[str, Any], found: Mapping[str, Any], items: Sequence[str]) -> list[Mismatch]:
    rows = []
    for item in items:
        wanted, have = declared.get(item, ""), found.get(item)
        if wanted and (have is None or not str(have).lower().startswith(str(wanted).lower())):
            rows.append(_row(item, wanted, have))
    return rows


def _contained(item: str, wanted: Sequence[str], have: Sequence[str] | None) -> list[Mismatch]:
    if have is None:
        return [_row(f"{item}.{name}", name, None) for name in wanted]
    present = {name.lower() for name in have}
    return [_row(f"{item}.{name}", name, "absent") for name in wanted if name.lower() not in present]


def _ports(wanted: Sequence[int], taken: Sequence[int] | None) -> list[Mismatch]:
    if taken is None:
        return [_row(f"ports.{port}", "free", None) for port in wanted]
    return [_row(f"ports.{port}", "free", "taken") for port in wanted if port in taken]


def _packages(wanted: Mapping[str, str], found: Mapping[str, str | None]) -> list[Mismatch]:
    rows = []
    for name, version in sorted(wanted.items()):
        have = found.get(name)
        if have is None or not same_version(version, have):
            rows.append(_row(f"packages.{name}", version, have or "absent"))
    return rows


def _containers(wanted: Sequence[str], have: Sequence[str] | None) -> list[Mismatch]:
    if not wanted or (have is not None and set(wanted) & set(have)):
        return []
    return [_row("containers", " | ".join(wanted), None if have is None else ", ".join(have) or "absent")]


def _gpu(wanted: Mapping[str, Any], gpus: Sequence[Mapping[str, Any]] | None) -> list[Mismatch]:
    if gpus is None:
        return [_row("gpu", dict(wanted), None)]
    fitting = [
        gpu
        for gpu in gpus
        if wanted.get("model", "").lower() in str(gpu["name"]).lower()
        and gpu["memory_gb"] >= wanted.get("memory_gb", 0)
    ]
    return (
        [] if len(fitting) >= wanted["count"] else [_row("gpu", dict(wanted), [dict(gpu) for gpu in gpus] or "absent")]
    )
