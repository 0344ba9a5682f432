"""`gnomon up`: the platform for real use, in the foreground, nothing seeded."""

import socket
import threading
import time

import click
import httpx

from gnomon.kit.errors import Conflict, GnomonError
from gnomon.kit.settings import Settings


class PortTaken(Conflict):
    code = "port_taken"


def check_ports(settings: Settings) -> None:
    """Raise PortTaken when somebody else listens where we want to."""
    for name, port in (("control_port", settings.control_port), ("gateway_port", settings.gateway_port)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                raise PortTaken(
                    f"端口 {port} 已被占用 / port {port} is taken.",
                    next_step=f"GNOMON_{name.upper()}=<port> gnomon up",
                ) from error


def is_running(settings: Settings) -> bool:
    from gnomon.app.supervisor import status

    return bool(status(settings.home))


@click.command()
def up() -> None:
    """启动平台 / start the platform (console, gateway, collector, worker) and keep it running."""
    settings = Settings()
    if is_running(settings):
        raise Conflict(f"平台已在运行 / it is running already: {settings.control_url}", next_step="gnomon status")
    check_ports(settings)
    from gnomon.app import setup
    from gnomon.app.supervisor import Supervisor
    from gnomon.app.wiring import build
    from gnomon.kit import log

    log.configure("warning", role="supervisor")
    setup.upgrade(settings.database_url)
    platform = build(settings)
    setup.install(platform, settings)
    token = setup.first_administrator(platform)
    platform.database.close()
    threading.Thread(target=_announce, args=(settings, token), daemon=True).start()
    Supervisor(settings).run()


@click.command()
def status() -> None:
    """各进程状态 / what runs."""
    from gnomon.app import supervisor

    settings = Settings()
    found = supervisor.status(settings.home)
    if not found:
        raise GnomonError("平台未运行 / the platform is not running.", next_step="gnomon up")
    click.echo(f"supervisor  pid {found['pid']}  {settings.control_url}")
    for name, role in found["roles"].items():
        state = f"pid {role['pid']}" if role["pid"] else "starting"
        click.echo(f"{name:<12} {state}  restarts {role['deaths']}")


def _announce(settings: Settings, token: str | None) -> None:
    if not wait_ready(settings, timeout_s=60):
        click.echo(f"控制台未就绪，见日志 / the console did not start, see {settings.home / 'log'}", err=True)
        return
    click.echo(f"控制台 / console   {settings.control_url}")
    click.echo(f"网关 / gateway     {settings.gateway_url}/v1")
    if token:
        click.echo(
            f"首位管理员（链接用一次即失效）/ first administrator, one-time link:\n  "
            f"{settings.control_url}/invitation?token={token}"
        )
    click.echo("Ctrl C 停止 / stops it")


def wait_ready(settings: Settings, *, timeout_s: float) -> bool:
    """Whether console and gateway answer before the timeout."""
    deadline = time.monotonic() + timeout_s
    waiting = [f"{settings.control_url}/livez", f"{settings.gateway_url}/livez"]
    while waiting and time.monotonic() < deadline:
        try:
            if httpx.get(waiting[0], timeout=1).is_success:
                waiting.pop(0)
                continue
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return not waiting
