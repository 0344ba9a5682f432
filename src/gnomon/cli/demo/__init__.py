"""`gnomon demo`: the whole loop on a real model, as a client of the public API.

Every step announces itself, verifies what it claims, and can be resumed after an interruption.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import click

from gnomon.kit.errors import Conflict
from gnomon.kit.settings import Settings


@click.command()
@click.option(
    "--once",
    is_flag=True,
    help="做完即退出 / exit when done; 0 only if every step was verified",
)
@click.option("--resume", "how", flag_value="resume", help="继续上次的演示 / go on where the last one was interrupted")
@click.option("--clean", "how", flag_value="clean", help="清空后重来 / start clean")
@click.option("--model", type=click.Path(exists=True, path_type=Path), help="本地模型（HF 目录或 GGUF）/ a local model")
@click.option("--port", type=int, default=8420, show_default=True, help="控制台端口 / console; the gateway is next")
def demo(once: bool, how: str | None, model: Path | None, port: int) -> None:
    """演示完整闭环：上线、评估、整改、验证、销号 / the whole loop on a real model, in about ten minutes."""
    from gnomon.cli.demo import keeper, narrative
    from gnomon.cli.demo.state import State
    from gnomon.cli.up import check_ports, is_running

    settings = _settings(port)
    if is_running(settings):
        raise Conflict(
            "演示平台已在运行 / a demo is running already.", next_step=f"Stop it, or look at {settings.control_url}"
        )
    check_ports(settings)
    if _choose(settings.home, how, once=once) == "clean":
        keeper.wipe(settings.home)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = State(settings.home / "demo.json")
    holder = keeper.Keeper(settings, _environment(settings))
    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl C: the platform is a group of its own and would go on
        signal.signal(number, signal.default_int_handler)
    try:
        narrative.tell(settings, state, holder, local_model=model)
        click.echo(f"\n总用时 total {time.monotonic() - started:.0f} s")
        if not once:
            _stay_open(settings)
    except KeyboardInterrupt:
        click.echo("\n已中断，可继续 / interrupted; go on with: gnomon demo --resume")
        sys.exit(130)
    finally:
        holder.stop()


def _settings(port: int) -> Settings:
    home = Path(os.environ.get("GNOMON_HOME", str(Path.home() / ".gnomon" / "home"))).parent / "demo"
    return Settings(home=home, control_port=port, gateway_port=port + 1, environment="demo")


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "GNOMON_HOME": str(settings.home),
        "GNOMON_CONTROL_PORT": str(settings.control_port),
        "GNOMON_GATEWAY_PORT": str(settings.gateway_port),
        "GNOMON_ENVIRONMENT": "demo",
    }


def _choose(home: Path, how: str | None, *, once: bool) -> str:
    """What to do with an interrupted demo: as the option says, else ask, else (nobody to ask) start clean."""
    if how or not (home / "demo.json").exists():
        return how or "clean"
    if once or not sys.stdin.isatty():
        return "clean"
    answer = click.prompt(
        "上次演示未完成：继续 (r) 或重来 (c) / an earlier demo: resume (r) or start clean (c)",
        type=click.Choice(["r", "c"]),
        default="r",
    )
    return "resume" if answer == "r" else "clean"


def _stay_open(settings: Settings) -> None:
    click.secho(f"\n控制台保持开启 / the console stays open:  {settings.control_url}", bold=True)
    click.echo("Ctrl C 结束 / ends it")
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)
