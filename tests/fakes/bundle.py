"""A home folder with a signed bundle, as control would have published it."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gnomon.contract.bundle import (
    Ban,
    Canary,
    GuessRule,
    Key,
    MaskPolicy,
    MaskRule,
    Policy,
    Quota,
    Roster,
    Route,
    SuccessRule,
    Target,
    Upstream,
)
from gnomon.contract.signing import sign_part

MASK = MaskPolicy(id="default", version="1", rules=(MaskRule(entity="*", operator="redact"),))
FAILURES = ("upstream_error", "upstream_unreachable", "timeout", "internal")
EXCLUDED = ("bad_request", "unauthorised", "forbidden", "banned", "limited", "blocked", "client_gone")


def secret(key_id: str) -> str:
    """The whole API key of a test key's id."""
    return f"gn-test_{key_id}_{'s' * 24}{key_id}"


def make_key(key_id: str = "aaaaaaaa", **changes: object) -> Key:
    base = Key(
        id=key_id,
        sha256=hashlib.sha256(secret(key_id).encode()).hexdigest(),
        caller=f"caller-{key_id}",
        team="business",
        models=("*",),
    )
    return msgspec.structs.replace(base, **changes)


@dataclass
class Home:
    """Publishes into `path`; every publication has a higher serial."""

    path: Path
    key: Ed25519PrivateKey
    policy: Policy
    roster: Roster
    secrets: dict[str, str] = field(default_factory=dict)

    def publish(self, policy: Policy | None = None, roster: Roster | None = None) -> None:
        """Write both parts, with a new serial for each that is given."""
        if policy is not None:
            self.policy = msgspec.structs.replace(policy, serial=self.policy.serial + 1)
        if roster is not None:
            self.roster = msgspec.structs.replace(roster, serial=self.roster.serial + 1)
        self.write("policy", sign_part("policy", self.policy, self.key))
        self.write("roster", sign_part("roster", self.roster, self.key))

    def write(self, part: str, data: bytes) -> None:
        folder = self.path / "bundle"
        scratch = folder / f"{part}.tmp"
        scratch.write_bytes(data)
        scratch.replace(folder / f"{part}.json")


def make_home(
    path: Path,
    *,
    upstream_url: str,
    keys: Sequence[Key] | None = None,
    bans: Sequence[Ban] = (),
    quotas: Sequence[Quota] = (),
    prices: tuple[float, float] = (0.0, 0.0),
    mask: MaskPolicy = MASK,
    routes: Sequence[Route] | None = None,
    upstreams: Sequence[Upstream] = (),
    canary: Canary | None = None,
    guess: GuessRule | None = None,
    timeout_s: float = 10.0,
    max_body_bytes: int = 1_048_576,
    regulated: bool = False,
) -> Home:
    """A home that serves the model `gnomon-chat` from `upstream_url`; the default key is `secret("aaaaaaaa")`."""
    (path / "bundle").mkdir(parents=True, exist_ok=True)
    signing = Ed25519PrivateKey.generate()
    (path / "bundle" / "key.pub").write_text(base64.b64encode(signing.public_key().public_bytes_raw()).decode())
    route = Route(
        model="gnomon-chat",
        targets=(
            Target(
                id="main", upstream="up", model="m", weight=1.0, version="v1", price_in=prices[0], price_out=prices[1]
            ),
            Target(id="shadow", upstream="up", model="m-next", weight=0.0, version="v2"),
        ),
        mask_policy=mask.id,
        canary=canary,
        timeout_s=timeout_s,
    )
    policy = Policy(
        epoch=1,
        serial=1,
        issued_at=1_700_000_000.0,
        upstreams=(Upstream(id="up", url=upstream_url), *upstreams),
        routes=tuple(routes) if routes is not None else (route,),
        mask_policies=(mask,),
        guess=guess or GuessRule(),
        success=SuccessRule(version="1", failures=FAILURES, excluded=EXCLUDED),
        max_body_bytes=max_body_bytes,
        regulated=regulated,
    )
    found = tuple(keys) if keys is not None else (make_key(),)
    roster = Roster(epoch=1, serial=1, issued_at=1_700_000_000.0, keys=found, bans=tuple(bans), quotas=tuple(quotas))
    home = Home(path, signing, policy, roster, {k.id: secret(k.id) for k in found})
    home.publish()
    return home
