"""`gnomon gateway`: one gateway alone, with a signed bundle and no control plane."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from gnomon.contract.bundle import Part
from gnomon.contract.signing import open_part, public_key
from gnomon.kit.errors import BadInput
from gnomon.kit.settings import Settings

_PARTS: tuple[Part, Part] = ("policy", "roster")


@click.command()
@click.option(
    "--bundle",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="策略包：目录或 gnomon bundle pack 的文件 / a folder with both parts, or a packed file",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="公钥文件 / public key file; key.pub beside the bundle if left out",
)
@click.option(
    "--upstream",
    default="",
    metavar="URL",
    help="代替策略包中的模型服务 / ask this model server instead of the bundle's",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), required=True)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="记录与状态的目录 / folder of records and state; <GNOMON_HOME>/gateway if left out",
)
def gateway(
    bundle: Path, key: Path | None, upstream: str, host: str, port: int, workers: int, home: Path | None
) -> None:
    """单独运行网关 / run the gateway alone: it obeys the signed bundle and needs no control plane."""
    settings = Settings()
    home = home or settings.home / "gateway"
    _place(bundle, key or beside_of(bundle), home / "bundle")
    arguments = ["--home", str(home), "--host", host, "--port", str(port), "--workers", str(workers)]
    arguments += ["--upstream", upstream] if upstream else []
    arguments += ["--trusted-proxies", settings.trusted_proxies] if settings.trusted_proxies else []
    if settings.gateway_tls_cert:
        arguments += ["--tls-cert", settings.gateway_tls_cert, "--tls-key", settings.gateway_tls_key]
    if settings.limits_url:
        os.environ["GNOMON_LIMITS_URL"] = settings.limits_url
    # Another program, not a call: only a process that begins so runs the compiled modules, and keeps no memory of ours.
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "gnomon.app.gateway", *arguments])  # noqa: S606 - no shell is wanted


def parts_of(bundle: Path) -> dict[Part, bytes]:
    """Both signed parts of a folder, of the folder of a part, or of one packed file. Raises BadInput."""
    try:
        found = {} if bundle.is_dir() else json.loads(bundle.read_bytes())
        if isinstance(found, dict) and found.keys() >= set(_PARTS):
            return {part: json.dumps(found[part]).encode() for part in _PARTS}
        folder = bundle if bundle.is_dir() else bundle.parent
        return {part: (folder / f"{part}.json").read_bytes() for part in _PARTS}
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{bundle} 不是策略包 / is no bundle: {error}",
            next_step="gnomon bundle pack <folder> <file>",
        ) from error


def read_key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error}", next_step="--key <key.pub>") from error


def beside_of(bundle: Path) -> Path:
    return (bundle if bundle.is_dir() else bundle.parent) / "key.pub"


def _place(bundle: Path, key: Path, folder: Path) -> None:
    """The verified parts lie where a gateway looks for them. Raises BadInput, or BadBundle for a wrong signature."""
    found, public = parts_of(bundle), public_key(read_key(key))
    for part in _PARTS:
        open_part(part, found[part], public)
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, Any] = {"key.pub": read_key(key), **{f"{part}.json": found[part] for part in _PARTS}}
    for name, data in contents.items():
        scratch = folder / f".{name}.{os.getpid()}"
        scratch.write_bytes(data)
        scratch.replace(folder / name)
