"""What `gnomon mask` masks by: a policy of the rulebook by its id, or a YAML file; and its keys."""

import os
import secrets
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gnomon.contract.masking import MaskPolicy
from gnomon.guard.packaged import packaged_policy, policy_of
from gnomon.guard.policy import BadMaskPolicy
from gnomon.kit import keys
from gnomon.kit.errors import BadInput

KEY_VARIABLE = "GNOMON_MASK_KEY"


def read_policy(name: str | Path | None) -> MaskPolicy:
    """The policy of that id in the rulebook, or in that YAML file; the rulebook's default one when none is named.

    Raises BadMaskPolicy on anything that is not a policy.
    """
    path = Path(name) if name is not None else None
    if path is not None and (path.suffix in (".yaml", ".yml") or path.exists()):
        return policy_of(_yaml(path, _read(path)), str(path))
    return packaged_policy(None if name is None else str(name))


def mask_key() -> bytes:
    """The key of pseudonyms, from GNOMON_MASK_KEY; a random one without it, which links no run to another."""
    return given_key() or secrets.token_bytes(32)


def given_key() -> bytes | None:
    """The key in GNOMON_MASK_KEY, None when there is none. Raises BadInput when it is no hexadecimal."""
    text = os.environ.get(KEY_VARIABLE, "")
    try:
        return bytes.fromhex(text) or None
    except ValueError as error:
        raise BadInput(f"{KEY_VARIABLE} is not hexadecimal.", next_step="Give 64 hex digits.") from error


def map_key(path: Path | None, *, make: bool) -> bytes:
    """The key of sealed maps in that file, made if absent and wanted; it belongs elsewhere than the maps."""
    if path is None:
        raise BadInput("A sealed map needs a key.", next_step="Name the file of the key with --map-key.")
    if not make and not path.exists():
        raise BadInput(f"The key file {path} is not there.", next_step="Give the key that the map was sealed with.")
    return keys.secret_key(path)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.", next_step="Check the path.") from error


def _yaml(name: str | Path, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadMaskPolicy(f"{name} is not YAML: {error}", next_step="Correct the file.") from error


def named(policy: MaskPolicy, names: str | None) -> MaskPolicy:
    """The policy at the speed that `--names` asks for: fast, deep, or a trained tagger's file."""
    if names is None:
        return policy
    if names not in ("fast", "deep"):
        os.environ["GNOMON_NAMES_FILE"] = names
    return msgspec.structs.replace(policy, speed="deep" if names == "deep" else "names")
