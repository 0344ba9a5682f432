"""Watches the bundle folder: what is new and good is swapped in whole, what is not changes nothing and is loud."""

import base64
import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gnomon.contract.bundle import MaskPolicy, Policy, Roster
from gnomon.contract.signing import BadBundle, open_part
from gnomon.gateway.deadlines import Deadlines
from gnomon.gateway.guarding import Guard, Masker
from gnomon.gateway.snapshot import Snapshot, comments_policy, prepare, roster_fields, version_of
from gnomon.kit import log
from gnomon.kit.errors import GnomonError

_log = log.get(__name__)
_PARTS: tuple[Literal["policy"], Literal["roster"]] = ("policy", "roster")


class Loader:
    """Watches the bundle folder. `current` is the newest good snapshot, None until there is one."""

    def __init__(
        self, folder: Path, *, guard: Guard, mask_key: bytes, secrets_key: bytes = b"", upstream: str = ""
    ) -> None:
        self.current: Snapshot | None = None
        self.problems: dict[str, str] = {}  # part → why its newest file was refused
        self.refused = 0
        self.swaps = 0
        self._folder = folder
        self._watched = {name: str(folder / name) for name in ("policy.json", "roster.json", "key.pub")}
        self._guard = guard
        self._mask_key = mask_key
        self._secrets_key = secrets_key
        self._upstream = upstream  # the operator's word: asked instead of every model server of the policy
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._maskers: dict[MaskPolicy, Masker] = {}
        self._deadlines = Deadlines()
        self._policy: Policy | None = None
        self._roster: Roster | None = None

    def changed(self) -> bool:
        """Whether a file differs from the one last looked at (time, size, inode)."""
        return any(self._stamp(name) != self._seen.get(name) for name in self._watched)

    def load(self) -> None:
        """Take in what is new and good. The last good parts lie in `last/`, so that a restart finds them too."""
        for name in self._watched:
            stamp = self._stamp(name)
            if stamp is not None:
                self._seen[name] = stamp
            else:
                self._seen.pop(name, None)
        if self.current is None:
            self._offer("policy", self._folder / "last" / "policy.json", quiet=True)
            self._offer("roster", self._folder / "last" / "roster.json", quiet=True)
        for part in _PARTS:
            self._offer(part, self._folder / f"{part}.json")

    def fault(self, error: Exception) -> None:
        """Preparing what lies there failed in a way that nobody foresaw: what was in force stays in force."""
        self._refuse("policy", f"{type(error).__name__}: {error}")

    def _offer(self, part: Literal["policy", "roster"], path: Path, *, quiet: bool = False) -> None:
        try:
            data = path.read_bytes()
            self._take(part, data)
        except FileNotFoundError:
            if not quiet and getattr(self, f"_{part}") is None:
                self._refuse(part, f"{path} is not there.")
        except (GnomonError, OSError, ValueError) as error:
            if not quiet:
                self._refuse(part, str(error))
        else:
            self.problems.pop(part, None)
            if not quiet:
                self._keep(part, data)

    def _take(self, part: Literal["policy", "roster"], data: bytes) -> None:
        found = open_part(part, data, self._public_key())
        known: Policy | Roster | None = getattr(self, f"_{part}")
        if known is not None:
            if found == known:
                return
            if (found.epoch, found.serial) <= (known.epoch, known.serial):
                raise BadBundle(
                    f"The {part} {version_of(found)} is not newer than {version_of(known)}, which stays in force.",
                    next_step="Publish with a higher serial.",
                )
        policy = found if isinstance(found, Policy) else self._policy
        roster = found if isinstance(found, Roster) else self._roster
        if policy is not None and roster is not None:
            self.current = self._prepared(policy, roster)
            self.swaps += 1
            _log.info("bundle_taken", policy=version_of(policy), roster=version_of(roster))
        self._policy, self._roster = policy, roster

    def _prepared(self, policy: Policy, roster: Roster) -> Snapshot:
        if self.current is not None and policy is self._policy:
            return replace(self.current, **roster_fields(roster, self._deadlines))
        prepared = _redirected(policy, self._upstream)
        snapshot = prepare(
            prepared,
            roster,
            masker=self._masker,
            content=self._guard.content,
            deadlines=self._deadlines,
            secrets_key=self._secrets_key,
        )
        used = {*policy.mask_policies, comments_policy(policy)}
        self._maskers = {p: m for p, m in self._maskers.items() if p in used}
        return snapshot

    def _masker(self, policy: MaskPolicy) -> Masker:
        """The masker of this policy; one that did not change is not built again."""
        known = self._maskers.get(policy)
        if known is None:
            known = self._maskers[policy] = self._guard.masker(policy, self._mask_key)
        return known

    def _public_key(self) -> Ed25519PublicKey:
        raw = base64.b64decode((self._folder / "key.pub").read_text().strip(), validate=True)
        return Ed25519PublicKey.from_public_bytes(raw)

    def _refuse(self, part: str, why: str) -> None:
        self.refused += 1
        self.problems[part] = why
        _log.error("bundle_refused", part=part, why=why)

    def _keep(self, part: str, data: bytes) -> None:
        """Remember the last good part; failing to is loud but stops nothing."""
        kept = self._folder / "last" / f"{part}.json"
        try:
            if kept.exists() and kept.read_bytes() == data:
                return
            kept.parent.mkdir(exist_ok=True)
            scratch = kept.with_suffix(f".{os.getpid()}")
            scratch.write_bytes(data)
            scratch.replace(kept)
        except OSError as error:
            _log.error("bundle_not_kept", part=part, why=str(error))

    def _stamp(self, name: str) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._watched[name])
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _redirected(policy: Policy, url: str) -> Policy:
    if not url:
        return policy
    return msgspec.structs.replace(
        policy,
        # What control had sealed is for another server.
        upstreams=tuple(
            msgspec.structs.replace(upstream, url=url, secret="", server_name="", host="")
            for upstream in policy.upstreams
        ),
    )
