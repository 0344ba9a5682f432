"""The eight steps, and the table at the end."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gnomon.cli.demo import assess, cast, close, implement, operate, plan, verify
from gnomon.cli.demo.keeper import Keeper
from gnomon.cli.demo.stage import Stage
from gnomon.cli.demo.state import State
from gnomon.cli.demo.world import World
from gnomon.engine.models import gemma
from gnomon.engine.models.convert import convert
from gnomon.kit.settings import Settings

TERMS_WAIT_S = 5

STEPS: tuple[tuple[str, str, Callable[[World], None]], ...] = (
    ("运行", "Operate", operate.run),
    ("评估", "Assess", assess.run),
    ("方案", "Plan", plan.run),
    ("实施", "Implement", implement.run),
    ("验证", "Verify", verify.run),
    ("销号", "Close", close.run),
)


def tell(settings: Settings, state: State, keeper: Keeper, *, local_model: Path | None) -> None:
    """Run every step; raises at the first that cannot be verified. What was done before is found, not done again."""
    stage = Stage(total=len(STEPS) + 2)
    stage.step(1, "启动平台与真实模型", "Start the platform and a real model")
    folder = _model(stage, settings, local_model)
    stage.do("控制面、网关、采集、作业 control, gateway, collector, worker", keeper.start)
    world = World(settings, stage, state, folder)
    stage.step(2, "三个团队与管理者", "Three teams, and those who watch them")
    _people(world, keeper)
    for number, (zh, en, run) in enumerate(STEPS, 3):
        stage.step(number, zh, en)
        run(world)
    _table(world)


def _model(stage: Stage, settings: Settings, local: Path | None) -> Path:
    source = stage.do("核对模型 check the model's bytes", lambda: gemma.find(local))
    if source.kind == "package":
        stage.tell(gemma.TERMS["zh"])
        stage.tell(gemma.TERMS["en"])
        for left in range(TERMS_WAIT_S, 0, -1):
            stage.progress("继续即表示接受 going on accepts them", TERMS_WAIT_S - left, TERMS_WAIT_S, note="Ctrl C")
            time.sleep(1)
    cache = settings.home.parent / "cache"
    cache.mkdir(parents=True, exist_ok=True)

    def show(event: dict[str, object]) -> None:
        stage.progress("转换 convert", round(float(str(event.get("share", 0))) * 100), 100, note=str(event["step"]))

    return stage.do("准备权重 prepare weights", lambda: convert(cache, show, source=source))


def _people(world: World, keeper: Keeper) -> None:
    """Two administrators come by the one-time links; everybody else by invitation. Passwords are printed once."""
    if "tokens" in world.state:
        return
    tokens: dict[str, str] = world.state.get("hired", {})

    def hired(name: str, password: str, token: str) -> None:
        tokens[name] = token
        world.state["hired"] = tokens
        passwords[name] = password

    passwords: dict[str, str] = {}
    try:
        made = cast.hire(world.settings.control_url, keeper.first_links, world.stage.do, hired=hired, tokens=tokens)
    finally:
        for name, password in passwords.items():
            world.stage.tell(f"{cast.login_of(name):<8} {password}")
    world.state["people"] = made.people
    world.state["tokens"] = made.tokens


def _table(world: World) -> None:
    """Step and time, before and after with interval, what was fixed and broken, the board, where the reports lie."""
    click.secho("\n步骤 step                                      秒 s", bold=True)
    for timing in world.stage.timings:
        click.echo(f"{timing.step:<44} {timing.seconds:7.1f}")
    lin = world.as_("lin")
    runs = {key: lin.get(f"/api/v1/evaluation/runs/{world.state[key]}/report") for key in ("run_baseline", "run_after")}
    click.secho("\n指标 metric        整改前 before              整改后 after", bold=True)
    for name in ("accuracy", "macro_f1"):
        before, after = (_figure(runs[key], name) for key in ("run_baseline", "run_after"))
        if before and after:
            click.echo(f"{name:<16}   {before:<26} {after}")
    result = world.state["verdict"]["comparisons"][0]["result"]
    flips = result["flips"]
    click.echo(f"改对 fixed {flips['fixed']}，改错 broken {flips['broken']}，McNemar p = {result['test']['p']:.2g}")
    click.echo(f"回滚 back {world.state['back_s']:.2f} s，前滚 forward {world.state['forward_s']:.2f} s")
    evidence = lin.get("/api/v1/evidence/count")["count"]
    click.echo(f"证据 evidence {evidence} 件，条款 clauses {world.state['board']}")
    for path in world.state["reports"]:
        click.echo(f"报告 report  {path}")


def _figure(report: dict[str, Any], name: str) -> str:
    found = next((figure for figure in report["figures"] if figure["name"] == name), None)
    return assess.told(found) if found else ""
