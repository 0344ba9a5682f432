"""A platform with an object store of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gnomon.control.catalog import actions, jobs  # noqa: F401 - registers actions and jobs
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.settings import Settings
from gnomon.kit.work import ACTIONS, Platform
from tests.fakes.platform import CAST, make_platform


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(services, "_shared", {})
    services.fill(settings=Settings(home=tmp_path), blobs=Blobs(f"file://{tmp_path}/store"))
    posts = sorted({post for _, _, held in CAST.values() for post in held})
    reads = ["model.view", "dataset.view"]
    made = make_platform(tmp_path, permissions=dict.fromkeys([*ACTIONS, *reads], posts))
    yield made
    made.database.close()
