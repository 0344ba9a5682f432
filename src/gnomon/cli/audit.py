"""`gnomon audit`: check the trail, on the server or from an exported file."""

import json
from typing import TextIO

import click

from gnomon.cli import session
from gnomon.control.audit import rules
from gnomon.kit.errors import BadInput, GnomonError

VERIFICATION = "/api/v1/audit/exports/verification"
NDJSON = {"content-type": "application/x-ndjson"}


class ChainBroken(GnomonError):
    code = "audit_chain_broken"


class ExportRefused(GnomonError):
    code = "audit_export_refused"


class SealingStopped(GnomonError):
    code = "audit_sealing_stopped"


@click.group()
def audit() -> None:
    """审计记录 / the audit trail."""


@audit.command()
@click.argument("file", required=False, type=click.File("r", encoding="utf-8"))
@click.option("--record", is_flag=True, help="校验结果留作证据 / the server verifies FILE too and keeps evidence of it")
def verify(file: TextIO | None, record: bool) -> None:
    """校验审计链 / verify the chain: of FILE (made by `export`, needs no server) or on the server."""
    if record:
        _record(file)
        return
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


def _record(file: TextIO | None) -> None:
    """The server has verified the file, and keeps what it showed. Raises ExportRefused unless it is met."""
    if file is None:
        raise BadInput("--record needs a FILE.", next_step="gnomon audit export FILE")
    with session.client() as client:
        answer = client.upload(VERIFICATION, file.buffer, method="POST", headers=NDJSON)
    if answer["state"] != "met":
        raise ExportRefused(
            f"已留证，未通过 / kept as evidence, and not met: {answer['problem']}",
            next_step="Export the chain again, and compare with the last signed checkpoint that was kept elsewhere.",
            evidence=answer["evidence"],
        )
    click.echo(f"✓ {answer['records']} 条，与所存的链相符 / entries, as stored, evidence {answer['evidence']}")


def _links(file: TextIO) -> list[rules.Link]:
    links: list[rules.Link] = []
    try:
        for line in file:
            links.append(rules.Link(**json.loads(line)))  # noqa: PERF401 - their number says which line is wrong
    except (ValueError, TypeError) as error:  # a line that is not UTF-8, not JSON, or not a link
        raise BadInput(f"Line {len(links) + 1} is not an audit record.", next_step="Export the chain again.") from error
    return links
