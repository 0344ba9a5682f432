"""Who is signed in on the command line: a token in the home folder, readable by its owner alone."""

import json
import os
from pathlib import Path

from gnomon.cli.client import Client
from gnomon.kit.errors import SignInNeeded
from gnomon.kit.settings import Settings


def client() -> Client:
    """The API as the person of `gnomon api sign-in` (or GNOMON_TOKEN). Raises SignInNeeded."""
    settings = Settings()
    token = os.environ.get("GNOMON_TOKEN", "")
    path = token_file(settings)
    if not token and path.exists():
        token = str(json.loads(path.read_text()).get("token", ""))
    if not token:
        raise SignInNeeded("未登录 / nobody is signed in.", next_step="gnomon api sign-in LOGIN")
    return Client(settings.control_url, token=token)


def remember(token: str) -> None:
    path = token_file(Settings())
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"token": token}, file)


def token_file(settings: Settings) -> Path:
    return settings.home / "cli-session.json"
