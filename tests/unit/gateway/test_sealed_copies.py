"""A record holds what was replaced in it for control alone, and nothing where the policy wants no copies."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gnomon.contract.bundle import MaskPolicy, MaskRule
from gnomon.guard.sealed import opened_copy
from tests.fakes.bundle import make_home
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import Gateway

MASK = MaskPolicy(id="p", version="1", rules=(MaskRule(entity="*", operator="pseudonym"),))


def test_only_control_opens_what_a_record_holds(
    tmp_path: Path, upstream: Upstream, start: Callable[..., Gateway]
) -> None:
    private = X25519PrivateKey.generate()
    home = make_home(tmp_path, upstream_url=upstream.url, mask=MASK)
    key = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    home.publish(msgspec.structs.replace(home.policy, restore_key=key, restore_days=1.0))
    gateway = start(home)
    gateway.call("我是13812345678")
    gateway.call("你好")
    first, second = gateway.records()
    assert "13812345678" not in json.dumps(first)
    vault = opened_copy(base64.b64decode(first["sealed"]), private_key=private, now=time.time())
    assert vault.originals() == {"<PHONE_5678>": "13812345678"}
    assert "sealed" not in second


def test_without_a_key_there_are_no_copies(tmp_path: Path, upstream: Upstream, start: Callable[..., Gateway]) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, mask=MASK))
    gateway.call("我是13812345678")
    assert "sealed" not in gateway.records()[0]
