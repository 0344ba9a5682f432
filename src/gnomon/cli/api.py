"""`gnomon api`: the whole API from a shell."""

import json
from typing import Any

import click

from gnomon.cli import session
from gnomon.cli.client import Client
from gnomon.kit.errors import BadInput
from gnomon.kit.settings import Settings


@click.group()
def api() -> None:
    """以命令行调用接口 / call the API: sign-in, get, post, put."""


@api.command("sign-in")
@click.argument("login")
@click.password_option("--password", prompt="密码 / password", confirmation_prompt=False)
def sign_in(login: str, password: str) -> None:
    """登录 / sign in; the session is kept for later commands."""
    with Client(Settings().control_url) as client:
        session.remember(client.sign_in(login, password).token)
    click.echo(f"已登录 / signed in: {login}")


@api.command()
@click.argument("path")
@click.argument("params", nargs=-1)
def get(path: str, params: tuple[str, ...]) -> None:
    """GET /api/v1/PATH with PARAMS as name=value."""
    pairs = _pairs(params)
    with session.client() as client:
        _show(client.get(f"/api/v1/{path.lstrip('/')}", **pairs))


@api.command()
@click.argument("path")
@click.argument("body", default="{}")
def post(path: str, body: str) -> None:
    """POST BODY (JSON) to /api/v1/PATH."""
    value = _json(body)
    with session.client() as client:
        _show(client.post(f"/api/v1/{path.lstrip('/')}", value))


@api.command()
@click.argument("path")
@click.argument("body")
def put(path: str, body: str) -> None:
    """PUT BODY (JSON) to /api/v1/PATH."""
    value = _json(body)
    with session.client() as client:
        _show(client.put(f"/api/v1/{path.lstrip('/')}", value))


def _pairs(params: tuple[str, ...]) -> dict[str, str]:
    for param in params:
        if "=" not in param:
            raise BadInput(
                f"参数须为 名称=值 / a parameter is name=value: {param}",
                next_step="gnomon api get jobs name=tuning.train",
            )
    return dict(param.split("=", 1) for param in params)


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"正文不是 JSON / the body is not JSON: {error}", next_step='gnomon api post PATH \'{"name": "value"}\''
        ) from error


def _show(answer: object) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
