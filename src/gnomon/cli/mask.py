"""`gnomon mask`: de-identify what passes through, show what would be masked, measure how well it works.

Needs no running platform. The pseudonym key is read from GNOMON_MASK_KEY (hex, at least 16 bytes); without it a random
key is used, so that placeholders do not link one run to another.
"""

from typing import Any

import click

from gnomon.cli.mask_fingerprint import fingerprint_command
from gnomon.cli.mask_keys import keys
from gnomon.cli.mask_measure import measure
from gnomon.cli.mask_policy import read_policy
from gnomon.cli.mask_run import run
from gnomon.cli.mask_samples import samples
from gnomon.cli.mask_train import train
from gnomon.cli.mask_utility import utility
from gnomon.kit.errors import GnomonError


class _OneErrorLine(click.Group):
    """Expected errors become one line and exit code 2. A first word that is no verb is a file: `mask` needs no verb."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        verbs = set(self.commands)
        if not any(arg in verbs or arg == "--help" for arg in args[:1]):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GnomonError as error:
            click.echo(f"{error.code}: {error.message} {error.next_step}".strip(), err=True)
            ctx.exit(2)


@click.group(cls=_OneErrorLine, name="mask")
def mask() -> None:
    """脱敏 / De-identify text: `gnomon mask [FILES]`, `gnomon mask measure DATA.jsonl`.

    Without a verb, reads files, folders or standard input and writes them masked.
    """


mask.add_command(run)
mask.add_command(measure)
mask.add_command(fingerprint_command)
mask.add_command(samples)
mask.add_command(keys)
mask.add_command(train)
mask.add_command(utility)

__all__ = ["mask", "read_policy"]
