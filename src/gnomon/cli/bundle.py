"""`gnomon bundle`: explain a signed bundle without a running control plane."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gnomon.contract.bundle import Policy, Roster
from gnomon.contract.signing import open_part
from gnomon.kit.errors import BadInput
from gnomon.kit.settings import Settings


@click.group()
def bundle() -> None:
    """策略包 / the signed bundle that the gateways obey."""


@bundle.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", type=click.Path(exists=True, path_type=Path), help="公钥文件 / public key file (key.pub)")
def check(file: Path, key: Path | None) -> None:
    """校验并解释 / verify the signature of FILE and say what it makes a gateway do."""
    public = _public_key(key or Settings().home / "bundle" / "key.pub")
    data = file.read_bytes()
    try:
        part = json.loads(data)["part"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{file.name} is not a bundle part.", next_step="Give policy.json or roster.json.") from error
    if part == "policy":
        _explain_policy(open_part("policy", data, public))
    else:
        _explain_roster(open_part("roster", data, public))


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(path.read_bytes(), validate=True))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} is not a public key: {error}", next_step="Name the gateway's bundle/key.pub with --key."
        ) from error


def _explain_policy(policy: Policy) -> None:
    click.echo(f"✓ policy {policy.epoch}.{policy.serial}  {_when(policy.issued_at)}")
    for route in policy.routes:
        click.echo(f"  {route.model}  mask={route.mask_policy}")
        for target in route.targets:
            click.echo(f"    {target.id}  weight {target.weight:g}  {target.model} @ {target.upstream}")
        if route.canary:
            click.echo(
                f"    canary {route.canary.target} {route.canary.share:g} until {_when(route.canary.watch_until)}"
            )


def _explain_roster(roster: Roster) -> None:
    click.echo(f"✓ roster {roster.epoch}.{roster.serial}  {_when(roster.issued_at)}")
    for key in roster.keys:
        click.echo(f"  key {key.id}  {key.caller} ({key.team})  {', '.join(key.models)}  {', '.join(key.scopes)}")
    for ban in roster.bans:
        click.echo(f"  ban {ban.kind} {ban.value[:16]}  until {_when(ban.until)}  {ban.reason}")


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
