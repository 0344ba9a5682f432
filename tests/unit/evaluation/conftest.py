"""A platform with a published policy, a store, and a gateway that answers in process."""

from pathlib import Path

import httpx
import pytest

from gnomon.control.evaluation import jobs
from gnomon.engine.stats import resampling
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform
from tests.fakes.platform import make_platform
from tests.unit.evaluation.gateway import FakeGateway, publish


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    services.fill(
        settings=Settings(home=tmp_path), blobs=Blobs(f"file://{tmp_path}/store"), platform_key="gn-test_platform_key"
    )
    platform = make_platform(tmp_path)
    publish(platform)
    return platform


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    fake = FakeGateway()
    # A hundredth of the draws: what the figures are worth is shown by the tests of the statistics.
    monkeypatch.setitem(resampling.bootstrap.__kwdefaults__, "draws", 100)
    monkeypatch.setattr(jobs, "transport", httpx.MockTransport(fake))
    return fake
