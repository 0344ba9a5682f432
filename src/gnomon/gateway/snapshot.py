"""The bundle as the gateway uses it: verified, prepared, then swapped as one reference.

A request keeps the snapshot it began with.
"""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gnomon.contract.bundle import Key, MaskPolicy, Policy, Roster, Route, Target, Upstream
from gnomon.contract.signing import BadBundle, open_part
from gnomon.gateway.guarding import Guard, Masker
from gnomon.kit import log

_log = log.get(__name__)
_PARTS: tuple[Literal["policy"], Literal["roster"]] = ("policy", "roster")


@dataclass(frozen=True, slots=True)
class PreparedTarget:
    """A target with all that a request to it needs, made once."""

    target: Target
    upstream: Upstream
    host: str
    port: int
    tls: bool
    base: str  # path before /chat/completions
    headers: bytes  # host, authorization and the fixed headers, each line ended


@dataclass(frozen=True, slots=True)
class PreparedRoute:
    route: Route
    targets: dict[str, PreparedTarget]
    weighted: tuple[PreparedTarget, ...]
    masker: Masker
    policy: MaskPolicy
    restores: bool  # some rule makes pseudonyms, so there may be something to restore


@dataclass(frozen=True, slots=True)
class Snapshot:
    policy: Policy
    roster: Roster
    policy_version: str
    roster_version: str
    routes: dict[str, PreparedRoute]
    keys: dict[str, Key]
    banned_keys: dict[str, float]
    banned_addresses: dict[str, float]
    lifted: dict[str, float]  # digest of an address → bans of ours up to then are over


def prepare(policy: Policy, roster: Roster, *, masker: Callable[[MaskPolicy], Masker]) -> Snapshot:
    """Everything that can fail happens here. Raises BadBundle when the parts do not fit together."""
    upstreams = {u.id: u for u in policy.upstreams}
    masks = {m.id: m for m in policy.mask_policies}
    routes = {r.model: _route(r, upstreams, masks, masker) for r in policy.routes}
    return Snapshot(policy=policy, policy_version=_version(policy), routes=routes, **_roster_fields(roster))


def _roster_fields(roster: Roster) -> dict[str, Any]:
    bans = sorted(roster.bans, key=lambda ban: ban.until)  # of two on one value the longer holds
    return {
        "roster": roster,
        "roster_version": _version(roster),
        "keys": {k.id: k for k in roster.keys},
        "banned_keys": {b.value: b.until for b in bans if b.kind == "key"},
        "banned_addresses": {b.value: b.until for b in bans if b.kind == "address"},
        "lifted": {lift.address: lift.since for lift in roster.lifts},
    }


def _version(part: Policy | Roster) -> str:
    return f"{part.epoch}.{part.serial}"


def _route(
    route: Route, upstreams: dict[str, Upstream], masks: dict[str, MaskPolicy], masker: Callable[[MaskPolicy], Masker]
) -> PreparedRoute:
    policy = masks.get(route.mask_policy)
    if policy is None:
        raise _misfit(f"Route {route.model} names the unknown masking policy {route.mask_policy!r}.")
    targets = {}
    for target in route.targets:
        if target.upstream not in upstreams:
            raise _misfit(f"Target {target.id} names the unknown upstream {target.upstream!r}.")
        targets[target.id] = _target(target, upstreams[target.upstream])
    if route.canary and route.canary.target not in targets:
        raise _misfit(f"Canary {route.canary.id} names the unknown target {route.canary.target!r}.")
    return PreparedRoute(
        route=route,
        targets=targets,
        weighted=tuple(t for t in targets.values() if t.target.weight > 0),
        masker=masker(policy),
        policy=policy,
        restores=any(rule.operator == "pseudonym" for rule in policy.rules),
    )


def _target(target: Target, upstream: Upstream) -> PreparedTarget:
    url = urlsplit(upstream.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise _misfit(f"Upstream {upstream.id} has the URL {upstream.url!r}, which is neither http:// nor https://.")
    secret = os.environ.get(upstream.secret_env, "") if upstream.secret_env else ""
    if upstream.secret_env and not secret:
        _log.warning("upstream_secret_missing", upstream=upstream.id, variable=upstream.secret_env)
    lines = [f"host: {url.netloc}", "content-type: application/json", "accept-encoding: identity"]
    if secret:
        lines.append(f"authorization: Bearer {secret}")
    return PreparedTarget(
        target=target,
        upstream=upstream,
        host=url.hostname,
        port=url.port or (443 if url.scheme == "https" else 80),
        tls=url.scheme == "https",
        base=url.path.rstrip("/"),
        headers="".join(f"{line}\r\n" for line in lines).encode("latin-1"),
    )


def _misfit(message: str) -> BadBundle:
    return BadBundle(message, next_step="Publish a bundle whose parts fit together.")


class Loader:
    """Watches the bundle folder. `current` is the newest good snapshot, None until there is one."""

    def __init__(self, folder: Path, *, guard: Guard, mask_key: bytes) -> None:
        self.current: Snapshot | None = None
        self.problems: dict[str, str] = {}  # part → why its newest file was refused
        self.refused = 0
        self.swaps = 0
        self._folder = folder
        self._guard = guard
        self._mask_key = mask_key
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._maskers: dict[MaskPolicy, Masker] = {}
        self._policy: Policy | None = None
        self._roster: Roster | None = None

    def changed(self) -> bool:
        """Whether a file differs from the one last looked at (time, size, inode)."""
        return any(self._stamp(name) != self._seen.get(name) for name in ("policy.json", "roster.json", "key.pub"))

    def load(self) -> None:
        """Take in what is new and good. The last good parts lie in `last/`, so that a restart finds them too."""
        for name in ("policy.json", "roster.json", "key.pub"):
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

    def _offer(self, part: Literal["policy", "roster"], path: Path, *, quiet: bool = False) -> None:
        try:
            data = path.read_bytes()
            self._take(part, data)
        except FileNotFoundError:
            if not quiet and getattr(self, f"_{part}") is None:
                self._refuse(part, f"{path} is not there.")
        except (BadBundle, OSError, ValueError) as error:
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
                    f"The {part} {_version(found)} is not newer than {_version(known)}, which stays in force.",
                    next_step="Publish with a higher serial.",
                )
        policy = found if isinstance(found, Policy) else self._policy
        roster = found if isinstance(found, Roster) else self._roster
        if policy is not None and roster is not None:
            self.current = self._prepared(policy, roster)
            self.swaps += 1
            _log.info("bundle_taken", policy=_version(policy), roster=_version(roster))
        self._policy, self._roster = policy, roster

    def _prepared(self, policy: Policy, roster: Roster) -> Snapshot:
        if self.current is not None and policy is self._policy:
            return replace(self.current, **_roster_fields(roster))
        snapshot = prepare(policy, roster, masker=self._masker)
        used = set(policy.mask_policies)
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
            found = os.stat(self._folder / name)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
