"""What a process of the control plane shares: settings, the object store, ports. Wiring fills it once at start."""

from datetime import date, datetime
from typing import Any

from gnomon.kit import clock
from gnomon.kit.blobs import Blobs
from gnomon.kit.errors import Unavailable
from gnomon.kit.settings import Settings

_shared: dict[str, Any] = {}


def fill(**services: Any) -> None:
    """Called by wiring (and by tests) before anything else runs."""
    _shared.update(services)


def get(name: str) -> Any:
    """The service, e.g. `records` or `runner` (contract.ports.Runner). Raises Unavailable if it is not wired."""
    if name not in _shared:
        raise Unavailable(f"The service {name} is not wired in this process.", next_step="Start it with `gnomon up`.")
    return _shared[name]


def settings() -> Settings:
    found: Settings = get("settings")
    return found


def today(now: datetime) -> date:
    """The calendar day of `now` where the installation is (setting `timezone`)."""
    return clock.today(now, settings().timezone)


def blobs() -> Blobs:
    found: Blobs = get("blobs")
    return found


def platform_key() -> str:
    """The API key with which the platform itself asks the gateway (functional tests, evaluation)."""
    found: str = get("platform_key")
    return found
