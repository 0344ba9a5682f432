"""`gnomon evaluate`: runs, and their figures recomputed from stored answers."""

import click

from gnomon.cli import session
from gnomon.kit.errors import GnomonError


class FiguresDiffer(GnomonError):
    code = "figures_differ"


@click.group()
def evaluate() -> None:
    """评测 / evaluation."""


@evaluate.command()
def runs() -> None:
    """列出评测 / list the runs."""
    with session.client() as client:
        for run in client.get("/api/v1/evaluation/runs"):
            click.echo(f"{run['id']}  {run['state']:<10} {run['purpose']:<12} {run['model']}@{run['target_id']}")


@evaluate.command()
@click.argument("id")
def verify(id: str) -> None:
    """重算并核对 / recompute every figure of a run, or a comparison, from its stored answers."""
    kind = "comparisons" if id.startswith("comparison") else "runs"
    with session.client() as client:
        answer = client.get(f"/api/v1/evaluation/{kind}/{id}/verify")
    for difference in answer.get("differences", []):
        click.echo(f"✗ {difference}")
    if not answer["equal"]:
        raise FiguresDiffer(f"{id}: 存储的数字与重算结果不一致 / stored figures differ from the recomputed ones.")
    click.echo(f"✓ {id}: 一致 / every figure is what the stored answers give")
