"""The description of the gateway's own API, as it is served at /openapi.json."""

import functools
from importlib import resources

import msgspec
import yaml


@functools.cache
def document() -> bytes:
    """OpenAPI 3.1 as JSON. Read when it is first asked for, which takes some milliseconds."""
    text = resources.files("gnomon.gateway").joinpath("openapi.yaml").read_text()
    return msgspec.json.encode(yaml.load(text, yaml.CSafeLoader))
