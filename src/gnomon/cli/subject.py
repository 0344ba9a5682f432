"""`gnomon subject`: what is stored about a person - found, handed out, erased - as requests on the control plane."""

import base64
import io
import json
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gnomon.cli import session
from gnomon.cli.client import Client
from gnomon.contract.signing import key_id
from gnomon.kit.archives import DAMAGED
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.errors import BadInput, GnomonError

POLL_S = 0.5
_PATH = "/api/v1/privacy/subjects"
_HOW = ["in_person", "document", "account", "authorisation"]


class SubjectFailed(GnomonError):
    code = "subject_failed"


class BadPackage(BadInput):
    code = "bad_package"


@click.group()
def subject() -> None:
    """个人权利 / rights of persons: find, export, erase."""


@subject.command("open")
@click.option(
    "--wants", type=click.Choice(["find", "export", "erase"]), required=True, help="请求事项 / What is asked."
)
@click.option("--representative", is_flag=True, help="由代理人提出 / A representative asks.")
@click.option("--contact", default="", help="答复送达处 / Where the answer goes; sealed.")
def open_request(wants: str, representative: bool, contact: str) -> None:
    """登记请求 / register a request; identifiers come from standard input, a line each: KIND VALUE.

    For example: CN_MOBILE 13812345678. They never stand on the command line, and no command shows them again.
    """
    body = {
        "wants": wants,
        "asked_by": "representative" if representative else "person",
        "contact": contact,
        "identifiers": [_identifier(line) for line in sys.stdin if line.strip()],
    }
    with session.client() as client:
        row = client.post(_PATH, body)
    click.echo(f"{row['number']}  {row['due_at']}")


@subject.command("list")
def listed() -> None:
    """列出请求 / list the requests."""
    with session.client() as client:
        for row in client.get(_PATH):
            click.echo(f"{row['number']}  {row['state']:<10} {row['wants']:<6} {row['due_at']}")


@subject.command()
@click.argument("number")
@click.argument("how", type=click.Choice(_HOW))
def verify(number: str, how: str) -> None:
    """核实身份 / say how it was made sure who asks."""
    with session.client() as client:
        _show(client.post(f"{_PATH}/{number}/identity", {"how": how}))


@subject.command()
@click.option("--new", is_flag=True, help="换一把新密钥 / Make a new key, which is used from now on.")
def keys(new: bool) -> None:
    """索引密钥 / keys of the index of persons, oldest first, by name; the last one is in use.

    Gateways take a new key with their next start. An older key goes by itself once nothing is noted under it.
    """
    with session.client() as client:
        told = client.post(f"{_PATH}/keys") if new else client.get(f"{_PATH}/keys")
    for number, name in enumerate(told["keys"], 1):
        click.echo(f"{name}{'  使用中 / in use' if number == len(told['keys']) else ''}")


@subject.command()
@click.argument("number")
def find(number: str) -> None:
    """查找 / search everything that is stored; wait, and print where something is."""
    with session.client() as client:
        client.post(f"{_PATH}/{number}/search")
        row = _wait(client, number, lambda row: row["state"] != "searching")
    if row["state"] != "found":
        raise SubjectFailed(f"{number}: 查找未完成 / the search broke down.", next_step="gnomon subject find NUMBER")
    for holder, count in sorted(row["found"]["by_holder"].items()):
        click.echo(f"{holder}: {count}")
    for place in row["places"]:
        click.echo(f"  {place['holder']}  {place['ref']}  {','.join(place['entities'])}")
    possible = sum(row["found"]["possible"].values())
    if possible:
        click.echo(f"仅可能有关 / only possibly about the person: {possible}")
    if unread := row["found"].get("unread", []):
        click.echo(f"查找不完整，{len(unread)} 处无法读取 / not whole: {len(unread)} could not be read", err=True)
        for one in unread:
            click.echo(f"  {one['holder']}  {one['ref']}  {one['why']}", err=True)


@subject.command()
@click.argument("number")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="写到此文件 / File [default: NUMBER.zip].")
def export(number: str, out: Path | None) -> None:
    """制作并领取副本 / make the person's copy, fetch it and check its signature."""
    target = out or Path(f"{number}.zip")
    with session.client() as client:
        before = client.get(f"{_PATH}/{number}")["package"].get("at", "")
        client.post(f"{_PATH}/{number}/package")
        row = _wait(client, number, lambda row: row["package"].get("at", "") != before)
        data = client.read(f"{_PATH}/{number}/package/read")
    told = checked(data)
    if row["package"]["sha256"] != digest_bytes(data):
        raise BadPackage(
            f"{number}: 内容与登记的摘要不符 / the copy differs from its digest.", next_step="Fetch it again."
        )
    target.touch(mode=0o600)
    target.write_bytes(data)
    click.echo(f"✓ {target}  {told['key_id']}")


@subject.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def check(file: Path) -> None:
    """验证副本 / check a copy's signature and the digest of every file in it; needs no running platform."""
    told = checked(file.read_bytes())
    click.echo(f"✓ {told['request']}  {told['made_at']}  {told['key_id']}  {len(told['files'])}")


@subject.command()
@click.argument("number")
@click.option("--wait", is_flag=True, help="等到删净 / Wait until it is approved and done.")
def erase(number: str, wait: bool) -> None:
    """提交删除审批 / ask for the erasure; it begins with a second person's yes."""
    with session.client() as client:
        row = client.post(f"{_PATH}/{number}/erasure")
        click.echo(f"{number}: {row['state']}  {row['approval_id']}")
        if not wait:
            return
        row = _wait(client, number, lambda row: row["state"] not in ("approving", "approved", "erasing"))
    if row["state"] != "done":
        raise SubjectFailed(f"{number}: {row['state']}", next_step="gnomon subject show NUMBER")
    _show(row)
    click.echo(json.dumps(row["outcome"], ensure_ascii=False, indent=2))


@subject.command()
@click.argument("number")
def show(number: str) -> None:
    """查看请求 / one request with what was found and what became of it."""
    with session.client() as client:
        click.echo(json.dumps(client.get(f"{_PATH}/{number}"), ensure_ascii=False, indent=2))


@subject.command()
@click.argument("number")
def close(number: str) -> None:
    """办结 / the person has the answer."""
    with session.client() as client:
        _show(client.post(f"{_PATH}/{number}/close"))


def checked(data: bytes) -> dict[str, Any]:
    """The manifest of a copy. Raises BadPackage when a byte, a file or the signature is not what it should be."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        manifest, signature = archive.read("manifest.json"), base64.b64decode(archive.read("manifest.sig"))
        told: dict[str, Any] = json.loads(manifest)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(told["public_key"]))
        key.verify(signature, manifest)
        found = {
            name: digest_bytes(archive.read(name)) for name in archive.namelist() if not name.startswith("manifest.")
        }
    except (*DAMAGED, KeyError, TypeError, InvalidSignature) as error:
        raise _bad(type(error).__name__) from error
    if found != told["files"] or key_id(key) != told["key_id"]:
        raise _bad("manifest")
    return told


def _bad(why: str) -> BadPackage:
    return BadPackage(
        f"副本不完整或被改动 / the copy is not whole, or was changed ({why}).", next_step="Fetch it again."
    )


def _identifier(line: str) -> dict[str, str]:
    kind, _, value = line.strip().partition(" ")
    if not value.strip():
        # the line is not repeated: it may hold an identifier
        raise BadInput("每行应为：种类 值 / a line is KIND VALUE.", next_step="CN_MOBILE 13812345678")
    return {"entity": kind, "value": value.strip()}


def _wait(client: Client, number: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        row: dict[str, Any] = client.get(f"{_PATH}/{number}")
        if done(row):
            return row
        time.sleep(POLL_S)


def _show(row: dict[str, Any]) -> None:
    click.echo(f"{row['number']}: {row['state']}")
