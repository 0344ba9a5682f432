"""What may be chosen of a fine-tuning. Apart from the trainer, so that who asks for one loads no training stack."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class HyperParameters(BaseModel):
    """What whoever asks for a training may choose: nothing that names a file or a machine's other contents.

    Defaults are the measured ones (docs/benchmarks/model.md).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rank: int = Field(default=16, ge=1, le=256)
    alpha: int = Field(default=32, ge=1, le=65_536)
    steps: int = Field(default=100, ge=1, le=100_000)
    batch: int = Field(default=16, ge=1, le=512)
    learning_rate: float = Field(default=3e-4, gt=0, lt=1)
    warmup_steps: int = Field(default=10, ge=0, le=100_000)
    clip: float = Field(default=1.0, gt=0)
    seed: int = Field(default=1, ge=0, lt=2**53)
    max_tokens: int = Field(default=256, ge=8, le=131_072)  # a row's prompt and label together
    threads: int = Field(default=0, ge=0, le=1024)  # 0: one a core
    dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    checkpoint_every: int = Field(default=10, ge=1, le=100_000)
    validate_every: int = Field(default=50, ge=1, le=100_000)
