"""`gnomon bundle`: explain a signed bundle without a running control plane."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from gnomon.cli import route_rules
from gnomon.cli.gateway import beside_of, parts_of, read_key
from gnomon.contract.bundle import (
    ContentPolicy,
    GuessRule,
    Key,
    MaskPolicy,
    Part,
    Policy,
    Quota,
    Roster,
    SuccessRule,
)
from gnomon.contract.signing import open_part, public_key
from gnomon.kit.errors import BadInput
from gnomon.kit.settings import Settings

_UNITS = {
    "requests_per_second": "requests/s",
    "requests_per_minute": "requests/min",
    "tokens_per_minute": "tokens/min",
    "concurrency": "at once",
    "tokens_per_day": "tokens/day",
    "cost_per_day": "cost/day",
}


@click.group()
def bundle() -> None:
    """策略包 / the signed bundle that the gateways obey."""


@bundle.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="公钥文件 / public key file; this installation's if left out, else key.pub beside FILE",
)
def check(file: Path, key: Path | None) -> None:
    """校验并解释 / verify FILE (a part, both packed, or a folder) as a gateway would, and say what it makes it do."""
    public = public_key(read_key(key or _known_key(file)))
    parts = parts_of(file) if file.is_dir() else _parts(file)
    policy = open_part("policy", parts["policy"], public) if "policy" in parts else None
    roster = open_part("roster", parts["roster"], public) if "roster" in parts else None
    _prepare(policy, roster)
    if policy is not None:
        _explain_policy(policy)
    if roster is not None:
        _explain_roster(roster)


def _known_key(file: Path) -> Path:
    ours, beside = Settings().home / "bundle" / "key.pub", beside_of(file)
    return beside if beside.is_file() and not ours.is_file() else ours


def _parts(file: Path) -> dict[Part, bytes]:
    data = file.read_bytes()
    try:
        found = json.loads(data)
        part: Any = "both" if {"policy", "roster"} <= found.keys() else found["part"]
    except (ValueError, AttributeError, KeyError) as error:
        raise BadInput(f"{file.name} is not a bundle part.", next_step="Give policy.json or roster.json.") from error
    return parts_of(file) if part == "both" else {part: data}


def _prepare(policy: Policy | None, roster: Roster | None) -> None:
    """Raises BadBundle for what a gateway would refuse; model servers' secrets are sealed to it, and so not tried."""
    from gnomon.app.gateway import guard  # only here: the guard takes a moment to load
    from gnomon.gateway.snapshot import prepare

    made = guard()
    nothing = Policy(
        epoch=0,
        serial=0,
        issued_at=0.0,
        upstreams=(),
        routes=(),
        mask_policies=(),
        guess=GuessRule(),
        success=SuccessRule(version="", failures=(), excluded=()),
    )
    policy = policy or nothing
    open_to_all = tuple(msgspec.structs.replace(one, secret="", secret_env="") for one in policy.upstreams)
    prepare(
        msgspec.structs.replace(policy, upstreams=open_to_all),
        roster or Roster(epoch=0, serial=0, issued_at=0.0, keys=(), bans=()),
        masker=lambda mask: made.masker(mask, bytes(32)),
        content=made.content,
    )


@bundle.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def pack(folder: Path, file: Path) -> None:
    """合成单个文件 / put both signed parts of FOLDER into one FILE, for `gnomon gateway --bundle`."""
    parts = {part: json.loads(data) for part, data in parts_of(folder).items()}
    file.write_text(json.dumps(parts, ensure_ascii=False))
    click.echo(f"✓ {file}")


def _explain_policy(policy: Policy) -> None:
    click.echo(f"✓ policy {policy.epoch}.{policy.serial}  {_when(policy.issued_at)}")
    _explain_rules(policy)
    click.echo(f"  {route_rules.breaker(policy.breaker)}")
    for upstream in policy.upstreams:
        click.echo(f"  {route_rules.upstream(upstream)}")
    for route in policy.routes:
        judged = f"  content={route.content_policy}" if route.content_policy else ""
        click.echo(f"  {route.model}  mask={route.mask_policy}{judged}")
        for target in route.targets:
            click.echo(f"    {route_rules.target(target)}")
        if route.canary:
            canary = route.canary
            click.echo(f"    灰度，至 / canary {canary.target} {canary.share:g} until {_when(canary.watch_until)}")
        for line in route_rules.lines(route):
            click.echo(f"    {line}")

    for mask in policy.mask_policies:
        _explain_mask(mask)
    for content in policy.content_policies:
        _explain_content(content)


def _explain_rules(policy: Policy) -> None:
    if policy.regulated:
        click.echo("  无法记录即拒绝 / refuses what it cannot record")
    click.echo(f"  请求体最大 / bodies of at most {policy.max_body_bytes:,} bytes")
    rule = policy.guess
    click.echo(
        f"  {rule.window_s:g} s 内猜错密钥 {rule.count} 次，来源封禁 {rule.ban_s:g} s"
        f" / bans an address for {rule.ban_s:g} s after {rule.count} wrong keys within {rule.window_s:g} s"
    )


def _explain_mask(policy: MaskPolicy) -> None:
    click.echo(f"  脱敏策略 / masking policy {policy.id} {policy.version}  {policy.speed}")
    for rule in policy.rules:
        told = [f"{rule.entity}  {rule.operator}", rule.direction, rule.format, ", ".join(rule.fields)]
        click.echo("    " + "  ".join(word for word in told if word and word != "both"))


def _explain_content(policy: ContentPolicy) -> None:
    exempt = ", ".join(policy.exempt_roles) or "-"
    click.echo(f"  内容策略，豁免角色 / content policy {policy.id} {policy.version}  exempt: {exempt}")
    for rule in policy.rules:
        limits = (("标记 flag", rule.flag_at), ("拦截 block", rule.block_at))
        told = [f"{action} from {at:g}" for action, at in limits if at <= 1] or ["从不记录 / recorded never"]
        click.echo(f"    {rule.category}  {rule.direction}  {', '.join(told)}")


def _explain_roster(roster: Roster) -> None:
    click.echo(f"✓ roster {roster.epoch}.{roster.serial}  {_when(roster.issued_at)}")
    for key in roster.keys:
        told = [
            f"密钥 key {key.id}",
            f"{key.caller} ({key.team})",
            ", ".join(key.models),
            ", ".join(key.scopes),
            _limits(key),
        ]
        click.echo("  " + "  ".join(word for word in told if word))
    for quota in roster.quotas:
        click.echo(f"  配额 quota {quota.kind} {quota.value}  {_limits(quota)}")
    for ban in roster.bans:
        click.echo(f"  封禁，至 / ban {ban.kind} {ban.value[:16]}  until {_when(ban.until)}  {ban.reason}")
    for throttle in roster.throttles:
        click.echo(
            f"  限流，至 / throttle {throttle.key}  {throttle.requests_per_minute}/min  until {_when(throttle.until)}"
        )


def _limits(of: Key | Quota) -> str:
    """Only the limits that there are."""
    return "  ".join(f"{getattr(of, name):g} {unit}" for name, unit in _UNITS.items() if getattr(of, name, 0))


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
