"""What the operator decides about a model server."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Defaults were measured on two cores (docs/benchmarks/model.md)."""

    model: Path
    served_name: str = "base"
    adapters: Path | None = None  # adapters are loaded from inside this folder only
    state: Path | None = None  # remembers the loaded adapters over a restart
    host: str = "127.0.0.1"
    port: int = 0
    threads: int = 0  # 0: one a core
    dtype: str = "auto"  # "bfloat16" | "float32" | "auto": whichever multiplies faster here
    gap_ms: float = 4.0  # an idle worker starts a batch when nothing has arrived for this long …
    gather_ms: float = 25.0  # … or this long after the first request
    max_batch: int = 16
    max_sessions: int = 4  # batches generating at once, taking turns token by token
    max_queue: int = 512
    max_length: int = 2048  # tokens of prompt and answer together
    max_body_bytes: int = 1 << 20
    api_key: str = ""
