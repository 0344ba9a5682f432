"""What goes to a model server besides the question is one line a header, whatever bundle and environment say."""

from pathlib import Path

import msgspec
import pytest

from gnomon.app.gateway import guard
from gnomon.contract.bundle import Upstream
from gnomon.contract.signing import BadBundle
from gnomon.gateway.snapshot import Snapshot, prepare
from tests.fakes.bundle import make_home

GUARD = guard()


def prepared(path: Path, **changes: str) -> Snapshot:
    home = make_home(path, upstream_url="http://127.0.0.1:9/v1")
    upstream: Upstream = msgspec.structs.replace(home.policy.upstreams[0], **changes)
    policy = msgspec.structs.replace(home.policy, upstreams=(upstream,))
    return prepare(policy, home.roster, masker=lambda one: GUARD.masker(one, b"k" * 32))


@pytest.mark.parametrize("host", ["m\r\nx-more: 1", "m\n", "m\x00", "m\x7f"])
def test_a_bundle_that_would_write_another_header_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(BadBundle, match="control character"):
        prepared(tmp_path, host=host)


def test_the_line_break_at_the_end_of_a_secrets_file_is_no_part_of_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", "sk-one\n")
    target = prepared(tmp_path, secret_env="MODEL_KEY").routes["gnomon-chat"].targets["main"]
    assert target.headers.endswith(b"authorization: Bearer sk-one\r\n")


def test_a_secret_of_two_lines_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", "sk-one\r\nx-more: 1")
    with pytest.raises(BadBundle, match="control character"):
        prepared(tmp_path, secret_env="MODEL_KEY")
