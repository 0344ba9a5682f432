"""`gnomon doctor`: what this machine has, and what is missing for what."""

import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import click
import psutil

from gnomon import native
from gnomon.kit.settings import Settings
from gnomon.native import modules


@dataclass(frozen=True, slots=True)
class Finding:
    """One look at the machine: `needed_for` says what does not work without it."""

    name: str
    ok: bool
    found: str
    needed_for: str
    remedy: str = ""


def look(settings: Settings) -> list[Finding]:
    """Every check, in the order in which a newcomer would trip over them."""
    return [check(settings) for check in CHECKS]


def _python(_: Settings) -> Finding:
    ok = (3, 11) <= sys.version_info < (3, 14)
    return Finding("Python", ok, platform.python_version(), "一切 / everything", "Python 3.11-3.13")


def _memory(_: Settings) -> Finding:
    total = psutil.virtual_memory().total / 2**30
    return Finding(
        "内存 / memory", total >= 4, f"{total:.1f} GiB", "demo（训练峰值约 4 GiB / training peaks at 4 GiB）", "≥ 6 GiB"
    )


def _disk(settings: Settings) -> Finding:
    where = settings.home if settings.home.exists() else settings.home.parent
    while not where.exists():
        where = where.parent
    free = shutil.disk_usage(where).free / 2**30
    return Finding("磁盘 / disk", free >= 5, f"{free:.1f} GiB", "demo, 备份 / backups", "≥ 5 GiB")


def _port(name: str) -> Callable[[Settings], Finding]:
    def check(settings: Settings) -> Finding:
        number = getattr(settings, name)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, number))
                free = True
            except OSError:
                free = False
        return Finding(
            f"端口 / port {number}", free, "free" if free else "taken", "gnomon up", f"GNOMON_{name.upper()}=<port>"
        )

    return check


def _package(module: str, needed_for: str, remedy: str) -> Callable[[Settings], Finding]:
    def check(_: Settings) -> Finding:
        ok = importlib.util.find_spec(module) is not None
        return Finding(module, ok, "installed" if ok else "missing", needed_for, remedy)

    return check


def _library(name: str, needed_for: str, package: str) -> Callable[[Settings], Finding]:
    def check(_: Settings) -> Finding:
        from ctypes.util import find_library

        found = find_library(name)
        return Finding(name, bool(found), found or "missing", needed_for, f"apt-get install {package}")

    return check


def _shared_limits(settings: Settings) -> Finding:
    if not settings.limits_url:
        found, ok = "one host", True
    else:
        from redis import Redis, RedisError  # only here: most installations need no such client

        try:
            with Redis.from_url(settings.limits_url, socket_timeout=1, socket_connect_timeout=1) as client:
                ok = bool(client.ping())
            found = "reachable"
        except RedisError as error:
            found, ok = type(error).__name__, False
    return Finding("限额 / limits", ok, found, "多台主机共用限额 / limits across hosts", "GNOMON_LIMITS_URL=<url>")


def _fonts(_: Settings) -> Finding:
    fc_list = shutil.which("fc-list")
    found = subprocess.run([fc_list, ":lang=zh-cn", "family"], capture_output=True, text=True).stdout if fc_list else ""
    first = found.splitlines()[0] if found else "missing"
    return Finding(
        "中文字体 / Chinese fonts", bool(found), first, "PDF, Word 图表 / charts", "apt-get install fonts-noto-cjk"
    )


def _modules(_: Settings) -> Finding:
    wanted = os.environ.get(native.VARIABLE, "") in ("", "0")
    built = modules.target().is_dir()
    return Finding(
        "网关热点模块 / gateway modules",
        wanted and built,
        "compiled" if wanted and built else "pure Python: not built" if wanted else f"pure Python: {native.VARIABLE}",
        "可选，网关速度 / optional, the gateway's speed",
        "./gnomon（需 / needs cc, python3-dev）",
    )


def _native(_: Settings) -> Finding:
    missing = [name for name in native.names() if native.load(name) is None]
    return Finding(
        "C 扩展 / C extension",
        not missing,
        f"pure Python: {', '.join(missing)}" if missing else "built",
        "可选，速度 / optional, speed",
        "apt-get install gcc libc6-dev python3-dev, ./gnomon",
    )


def _gpu(_: Settings) -> Finding:
    smi = shutil.which("nvidia-smi")
    found = subprocess.run([smi, "-L"], capture_output=True, text=True).stdout.strip() if smi else ""
    return Finding("GPU", True, found or "none", "可选 / optional: faster training")


CHECKS: list[Callable[[Settings], Finding]] = [
    _python,
    _memory,
    _disk,
    _port("control_port"),
    _port("gateway_port"),
    _shared_limits,
    _library("pango-1.0", "PDF", "libpango-1.0-0"),
    _fonts,
    _package("torch", "demo 真实模型与微调 / real model and fine-tuning", "./gnomon demo installs it"),
    _package("transformers", "demo", "./gnomon demo installs it"),
    _native,
    _modules,
    _package("pytest", "gnomon test", "./gnomon test installs it"),
    _gpu,
]


@click.command()
def doctor() -> None:
    """检查本机 / check this machine: what is missing for what."""
    findings = look(Settings())
    for finding in findings:
        mark = "✓" if finding.ok else "✗"
        click.echo(f"{mark} {finding.name:<28} {finding.found:<28} {finding.needed_for}")
        if not finding.ok and finding.remedy:
            click.echo(f"    → {finding.remedy}")
    missing = sum(not finding.ok for finding in findings)
    click.echo(f"{len(findings) - missing}/{len(findings)} 正常 / ok")
    if missing:
        raise SystemExit(1)
