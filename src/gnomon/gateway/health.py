"""Whether this worker can serve, and if not, why: what /readyz says."""

from dataclasses import dataclass
from typing import Any

from gnomon.gateway.guarding import Guard
from gnomon.gateway.loader import Loader
from gnomon.gateway.recorder import Recorder
from gnomon.gateway.snapshot import Snapshot
from gnomon.kit import log

_log = log.get(__name__)
_SAMPLE = "13800138000"  # a mobile number of the form that every masking policy redacts in comments
_LOOK_S = 10.0


@dataclass(slots=True)
class Health:
    """`leaving`: it was told to stop. `guard_problem`: why texts would not be masked; empty while they are."""

    leaving: bool = False
    guard_problem: str = ""
    _seen: object = None  # the policy with which the guard was last tried
    _next: float = 0.0

    def look(self, guard: Guard, snapshot: Snapshot | None, now: float) -> None:
        """Try the guard now and then, and whenever there is a new policy: what it must mask, it masks."""
        if snapshot is None or (snapshot.policy is self._seen and now < self._next):
            return
        self._seen, self._next = snapshot.policy, now + _LOOK_S
        problem = _trial(guard, snapshot)
        if problem and not self.guard_problem:
            _log.error("guard_broken", why=problem)
        self.guard_problem = problem

    def told(self, loader: Loader, recorder: Recorder) -> tuple[bool, dict[str, Any]]:
        """(ready, what to say). A full spool alone takes nobody's answer away, unless the policy demands records."""
        snapshot = loader.current
        why = {
            "no_bundle": snapshot is None,
            "draining": self.leaving,
            "guard_broken": bool(self.guard_problem),
            "unrecorded": recorder.failing and snapshot is not None and snapshot.policy.regulated,
        }
        reasons = [name for name, holds in why.items() if holds]
        return not reasons, {
            "ready": not reasons,
            "state": reasons[0] if reasons else "ready",
            "reasons": reasons,
            "policy": snapshot.policy_version if snapshot else None,
            "roster": snapshot.roster_version if snapshot else None,
            "regulated": snapshot.policy.regulated if snapshot else None,
            "problems": {**loader.problems, **({"guard": self.guard_problem} if self.guard_problem else {})},
            "spool": "failing" if recorder.failing else "ok",
            "records_lost": recorder.lost,
        }


def _trial(guard: Guard, snapshot: Snapshot) -> str:
    try:
        masked = snapshot.comments.mask(f"手机 {_SAMPLE}", "input", guard.vault(""))
    except Exception as error:  # noqa: BLE001 - whatever it is, requests would meet it too
        return f"{type(error).__name__}: {error}"[:200]
    return "the guard let a mobile number pass" if _SAMPLE in masked.text else ""
