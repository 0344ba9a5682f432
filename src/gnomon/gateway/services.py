"""What the story of a request needs; made once per worker in `app/gateway`."""

from dataclasses import dataclass

from gnomon.contract.ports import Limits
from gnomon.gateway.admission import Admission
from gnomon.gateway.guarding import Guard
from gnomon.gateway.metrics import Metrics
from gnomon.gateway.recorder import Recorder
from gnomon.gateway.snapshot import Loader
from gnomon.gateway.upstream import Pool


@dataclass(frozen=True, slots=True)
class Services:
    loader: Loader
    admission: Admission
    limits: Limits
    recorder: Recorder
    metrics: Metrics
    guard: Guard
    pool: Pool
