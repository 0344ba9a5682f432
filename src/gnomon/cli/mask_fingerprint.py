"""`gnomon mask fingerprint`: what a policy must know of a document to keep it in, and not a word of it."""

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import yaml

from gnomon.cli.mask_files import Reading, sources
from gnomon.contract.verdicts import Masked
from gnomon.guard.fingerprints import LONGEST, SHINGLE, SHORTEST, fingerprint
from gnomon.kit.errors import BadInput


@click.command(name="fingerprint")
@click.argument("documents", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--entity", default="TRADE_SECRET", show_default=True, help="实体名 / Entity that a rule can name.")
@click.option("--label", default="商业秘密", show_default=True, help="占位符里的词 / Word in the placeholder.")
@click.option(
    "--shingle", default=SHINGLE, show_default=True, type=click.IntRange(SHORTEST, LONGEST), help="片段字数 / Length."
)
@click.option(
    "--public", multiple=True, type=click.Path(path_type=Path), help="公开文本，其套话不算 / Boilerplate to leave out."
)
def fingerprint_command(
    documents: tuple[Path, ...], entity: str, label: str, shingle: int, public: tuple[Path, ...]
) -> None:
    """生成文档指纹，写进脱敏策略 / Write the fingerprint of documents, as YAML for a masking policy."""
    salt = secrets.token_bytes(16)
    hashes = fingerprint(text_of(documents), salt=salt, shingle=shingle, public=text_of(public))
    if not hashes:
        raise BadInput("Nothing of the documents is secret.", next_step="Give longer ones, or less that is public.")
    known = {"entity": entity, "label": label, "salt": salt.hex(), "shingle": shingle, "hashes": hashes}
    click.echo(yaml.safe_dump({"fingerprints": [known]}, allow_unicode=True, sort_keys=False, width=10**9), nl=False)


def text_of(paths: tuple[Path, ...]) -> str:
    """All text in these files, of whatever kind."""
    seen: list[str] = []

    def keep(text: str, _field: str) -> Masked:
        seen.append(text)
        return Masked(text)

    def lines(of: Iterable[str]) -> Iterator[str]:
        seen.extend(of)
        return iter(())

    reading = Reading(keep, lines, pass_unread=True)
    for source in sources(paths, "") if paths else ():
        reading.through(source, lambda _data: None)
        seen.append("\n")
    return "".join(seen)
