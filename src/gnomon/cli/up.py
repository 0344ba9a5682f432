"""`gnomon up`: the platform for real use, in the foreground, nothing seeded."""

import http.client
import os
import socket
import threading
import time
from pathlib import Path

import click

from gnomon.kit.errors import BadInput, Conflict, GnomonError
from gnomon.kit.settings import Settings

_SQLITE = b"SQLite format 3\x00"  # how every SQLite 3 file begins


# Two people: one invites, the other says what those who are invited may do. A link works once.
FIRST = ("system_admin", "security_admin")
FIRST_LINK = {
    "admin": "首位系统管理员 admin 的一次性链接 / one-time link for the first system administrator:",
    "security": "首位安全管理员 security 的一次性链接（另一人）/ one-time link for the first security administrator:",
}


class HomeUnusable(BadInput):
    code = "home_unusable"


class PortTaken(Conflict):
    code = "port_taken"


class DatabaseUnusable(BadInput):
    code = "database_unusable"


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


def check_home(settings: Settings) -> None:
    """The home folder is there and ours to write in. Raises HomeUnusable."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        usable = os.access(settings.home, os.R_OK | os.W_OK | os.X_OK)
        reason = "没有读写权限 / not readable and writable"
    except OSError as error:
        usable, reason = False, error.strerror or str(error)
    if not usable:
        raise HomeUnusable(
            f"数据目录无法使用 / the home folder cannot be used: {settings.home} ({reason}).",
            next_step="GNOMON_HOME=<folder> gnomon up",
        )


def check_database(settings: Settings) -> None:
    """A database file of an earlier start is one. Raises DatabaseUnusable."""
    if not settings.database_url.startswith("sqlite:///"):
        return
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(str(path), error.strerror or str(error)) from error
    if start not in (b"", _SQLITE):
        raise _unusable(str(path), "不是 SQLite 数据库 / not a SQLite database")


def _unusable(which: str, reason: str) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"数据库无法使用 / the database cannot be used: {which} ({reason}).",
        next_step="从备份恢复，或设置 GNOMON_DATABASE / restore it from a backup, or set GNOMON_DATABASE.",
    )


def is_running(settings: Settings) -> bool:
    from gnomon.app.supervisor import status

    return bool(status(settings.home))


@click.command()
def up() -> None:
    """启动平台 / start the platform (console, gateway, collector, worker) and keep it running."""
    settings = Settings()
    check_home(settings)
    if is_running(settings):
        raise Conflict(f"平台已在运行 / it is running already: {settings.control_url}", next_step="gnomon status")
    check_ports(settings)
    check_database(settings)
    from gnomon.app.supervisor import Supervisor
    from gnomon.kit import log

    log.configure("warning", role="supervisor")
    links = {} if is_installed(settings) else _install(settings)
    threading.Thread(target=_announce, args=(settings, links), daemon=True).start()
    Supervisor(settings).run()


def is_installed(settings: Settings) -> bool:
    """Whether a first start got as far as a bundle, its last step. Later starts leave the rest to the control plane."""
    return (settings.home / "bundle" / "policy.json").exists()


def _install(settings: Settings) -> dict[str, str]:
    """Tables, matrix and first bundle are made; one-time tokens by login for the first administrators still wanted."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import DBAPIError

    from gnomon.app import setup  # only here: it loads every domain, which a later start need not wait for
    from gnomon.app.wiring import build

    try:
        setup.upgrade(settings.database_url)
    except DBAPIError as error:
        url = make_url(settings.database_url).render_as_string(hide_password=True)
        raise _unusable(url, str(error.orig).strip().splitlines()[0]) from error
    platform = build(settings)
    try:
        setup.install(platform, settings)
        return setup.first_administrators(platform)
    finally:
        platform.database.close()


def _lacks_people(settings: Settings) -> bool:
    """Whether a first administrator is wanted: an earlier start's link was lost or lapsed, or the post was lost."""
    from gnomon.control.people import queries as people
    from gnomon.kit.db import Database

    database = Database(settings.database_url)
    try:
        with database.read() as session:
            return bool(people.vacant(session, FIRST))
    finally:
        database.close()


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


def _announce(settings: Settings, links: dict[str, str]) -> None:
    if not wait_ready(settings, timeout_s=60):
        click.echo(f"控制台未就绪，见日志 / the console did not start, see {settings.home / 'log'}", err=True)
        return
    click.echo(f"控制台 / console   {settings.control_url}")
    click.echo(f"网关 / gateway     {settings.gateway_url}/v1")
    if not links and _lacks_people(settings):
        links = _install(settings)
    for login, token in links.items():
        click.echo(f"{FIRST_LINK[login]}\n  {settings.control_url}/invitation?token={token}")
    click.echo("Ctrl C 停止 / stops it")


def wait_ready(settings: Settings, *, timeout_s: float) -> bool:
    """Whether console and gateway answer before the timeout."""
    deadline = time.monotonic() + timeout_s
    waiting = [settings.control_port, settings.gateway_port]
    while waiting and time.monotonic() < deadline:
        if _answers(settings.host, waiting[0]):
            waiting.pop(0)
        else:
            time.sleep(0.05)
    return not waiting


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
