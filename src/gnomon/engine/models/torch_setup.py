"""Torch made ready for a machine whose cores other processes need too. Heavy: import it where torch is wanted."""

import os
import time
from typing import Any


def prepare_environment() -> None:
    """Call it before torch or transformers is first imported in the process: later it changes nothing.

    Waiting threads sleep: spinning, torch's default, costs up to 1.7 times the processor time on shared cores and
    gains nothing. Nothing is looked up on a hub: everything is local, and a lookup would wait for its timeout.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")


def prepare(threads: int) -> Any:
    """Torch, computing with `threads` threads (0: one a core)."""
    prepare_environment()
    import torch

    torch.set_num_threads(threads or len(os.sched_getaffinity(0)))
    return torch


def dtype_named(name: str) -> Any:
    """The torch dtype "bfloat16" or "float32"; for "auto" whichever this processor multiplies faster."""
    import torch

    return faster_dtype() if name == "auto" else getattr(torch, name)


def faster_dtype() -> Any:
    """bfloat16 or float32 by trying both (takes about 50 ms)."""
    import torch

    def seconds(dtype: Any) -> float:
        left, right = torch.ones(256, 640, dtype=dtype), torch.ones(640, 2048, dtype=dtype)
        left @ right
        start = time.perf_counter()
        for _ in range(10):
            left @ right
        return time.perf_counter() - start

    return torch.bfloat16 if seconds(torch.bfloat16) < seconds(torch.float32) else torch.float32
