"""Keys that were revoked or have expired and are still presented: counted apart from guesses, and told to control."""

import time

from gnomon.contract.traffic import DefenceNotice
from gnomon.gateway.deadlines import ticks
from gnomon.gateway.recorder import Recorder
from gnomon.kit.ids import new_id

_TELL_S = 3600.0  # a job that runs every second is told of once an hour
_MOST = 10_000  # of keys that are remembered; past it all are told of anew


class StaleKeys:
    """Belongs to one worker. `presented` counts them all."""

    def __init__(self, recorder: Recorder) -> None:
        self.presented = 0
        self._recorder = recorder
        self._seen: dict[str, tuple[float, int]] = {}  # id → when control was told, how often it came since

    def note(self, key_id: str) -> None:
        """Control hears of the key now, or has heard of it within the hour."""
        self.presented += 1
        now = ticks()
        told, count = self._seen.get(key_id, (now - _TELL_S, 0))
        if now - told < _TELL_S:
            self._seen[key_id] = (told, count + 1)
            return
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[key_id] = (now, 0)
        facts = {"level": 1.0, "count": float(count + 1)}
        self._recorder.notice(
            DefenceNotice(
                id=new_id("notice"),
                at=time.time(),
                kind="suspicion",
                subject=f"key:{key_id}",
                reason="stale_key",
                facts=facts,
            )
        )
