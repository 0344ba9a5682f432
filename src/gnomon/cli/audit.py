"""`gnomon audit`: check the trail, on the server or from an exported file."""

import json
from typing import TextIO

import click

from gnomon.cli import session
from gnomon.control.audit import rules
from gnomon.kit.errors import BadInput, GnomonError


class ChainBroken(GnomonError):
    code = "audit_chain_broken"


class SealingStopped(GnomonError):
    code = "audit_sealing_stopped"


@click.group()
def audit() -> None:
    """审计记录 / the audit trail."""


@audit.command()
@click.argument("file", required=False, type=click.File("r", encoding="utf-8"))
def verify(file: TextIO | None) -> None:
    """校验审计链 / verify the chain: of FILE (made by `export`, needs no server) or on the server."""
    if file is None:
        with session.client() as client:
            answer = client.get("/api/v1/audit/verify")
        verdict = rules.ChainVerdict(*(answer[name] for name in ("ok", "length", "head", "problem", "at_seq")))
    else:
        links = _links(file)
        if not links:
            raise BadInput(f"{file.name} holds no audit record.", next_step="Export the chain again.")
        verdict = rules.verify(links)
    if not verdict.ok and verdict.at_seq is None:
        raise SealingStopped(
            f"审计链完整，但封存已停滞 / the chain holds, but sealing has stopped: {verdict.problem}",
            next_step="gnomon status",
        )
    if not verdict.ok:
        raise ChainBroken(
            f"审计链在第 {verdict.at_seq} 条断开 / the chain breaks at {verdict.at_seq}: {verdict.problem}",
            next_step="Compare with the last signed checkpoint that was kept elsewhere.",
        )
    click.echo(f"✓ {verdict.length} 条，链首尾完整 / entries, chain intact, head {verdict.head[:16]}")


@audit.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True))
def export(file: str) -> None:
    """导出审计链 / export the chain to FILE as JSON lines."""
    with session.client() as client, open(file, "wb") as out:
        out.write(client.download("/api/v1/audit/export"))
    click.echo(file)


def _links(file: TextIO) -> list[rules.Link]:
    links: list[rules.Link] = []
    try:
        for line in file:
            links.append(rules.Link(**json.loads(line)))  # noqa: PERF401 - their number says which line is wrong
    except (ValueError, TypeError) as error:  # a line that is not UTF-8, not JSON, or not a link
        raise BadInput(f"Line {len(links) + 1} is not an audit record.", next_step="Export the chain again.") from error
    return links
