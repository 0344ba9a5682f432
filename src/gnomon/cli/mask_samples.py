"""`gnomon mask samples`: labelled texts of our own, for who has none, and to compare with anybody else's tool."""

import click

from gnomon.cli.mask_files import dumped, to_stdout
from gnomon.engine.disguises import samples as made


@click.command()
@click.option("--each", default=20, show_default=True, help="每种实体、每种写法的条数 / Texts of each entity and way.")
@click.option("--seed", default="1", show_default=True, help="同一种子得同样的文本 / The same seed, the same texts.")
def samples(each: int, seed: str) -> None:
    """生成带标注的样本（全部虚构）/ Write labelled samples as JSONL, all made up: every entity in every disguise.

    For `gnomon mask measure`. A tenth as many again have no values.
    """
    for sample in made(seed, each=each):
        to_stdout(dumped(sample).encode() + b"\n")
