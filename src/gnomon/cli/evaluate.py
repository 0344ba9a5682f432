"""`gnomon evaluate`: runs, and their figures recomputed from stored answers."""

import time

import click

from gnomon.cli import session
from gnomon.kit.errors import GnomonError

POLL_S = 1.0


class FiguresDiffer(GnomonError):
    code = "figures_differ"


class TrialFailed(GnomonError):
    code = "masking_trial_failed"


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
    """重算并核对 / recompute every figure of a run, a comparison or a masking trial from its stored answers."""
    kind = {"comparison": "comparisons", "masking": "masking-trials"}.get(id.partition("_")[0], "runs")
    with session.client() as client:
        answer = client.get(f"/api/v1/evaluation/{kind}/{id}/verify")
    for difference in answer.get("differences", []):
        click.echo(f"✗ {difference}")
    if not answer["equal"]:
        raise FiguresDiffer(f"{id}: 存储的数字与重算结果不一致 / stored figures differ from the recomputed ones.")
    click.echo(f"✓ {id}: 一致 / every figure is what the stored answers give")


@evaluate.command()
@click.argument("suite")
@click.argument("model")
@click.option("--target", default="", help="目标 / A target of the route [default: the heaviest].")
@click.option("--policy", default="", help="脱敏策略 / Mask policy in force [default: the route's].")
@click.option("--purpose", type=click.Choice(["evaluation", "training"]), default="evaluation", show_default=True)
@click.option("--metric", default="accuracy", show_default=True, help="得分 / The score of which a share must be kept.")
def masking(suite: str, model: str, target: str, policy: str, purpose: str, metric: str) -> None:
    """测脱敏对应答质量的影响 / ask SUITE of MODEL as it is and masked; wait for the verdict.

    One side reaches the model server unmasked. A trial that is cut off goes on: gnomon api get
    evaluation/masking-trials/ID tells its state.
    """
    body = {"suite_id": suite, "model": model, "target_id": target, "policy": policy}
    with session.client() as client:
        trial = client.post("/api/v1/evaluation/masking-trials", body | {"mask_purpose": purpose, "metric": metric})
        click.echo(trial["id"])
        while trial["state"] in ("queued", "running"):
            time.sleep(POLL_S)
            trial = client.get(f"/api/v1/evaluation/masking-trials/{trial['id']}")
    if trial["state"] != "completed":
        raise TrialFailed(f"{trial['id']}: {trial['error']}")
    for sentence in trial["result"]["sentence"].values():
        click.echo(sentence)
