"""A causal language model on torch with LoRA adapters by peft. Heavy: import it in the worker's thread only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging

from gnomon.app.modelserver.sampling import Scores
from gnomon.engine.models.torch_setup import dtype_named, prepare

logging.disable_progress_bar()


class TorchModel:
    """See `LanguageModel`. bf16 halves the time where the processor has bf16 instructions; "auto" finds out."""

    def __init__(self, folder: Path, *, threads: int, dtype: str) -> None:
        prepare(threads)
        self.dtype = dtype_named(dtype)
        self._folder = folder
        self._tokenizer = AutoTokenizer.from_pretrained(str(folder))
        self._causal: Any = self._base()
        self._peft: Any = None
        self._active: str | None = None
        self._loaded: set[str] = set()
        ends = self._causal.generation_config.eos_token_id
        self.end_tokens = frozenset(ends if isinstance(ends, list) else [ends])

    def encode(self, text: str, *, start: bool) -> list[int]:
        tokens: list[int] = self._tokenizer(text, add_special_tokens=start).input_ids
        return tokens

    def decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def begin(self, prompts: Sequence[Sequence[int]], adapter: str | None, *, goes_on: bool) -> "TorchCursor":
        return TorchCursor(self, prompts, adapter, goes_on=goes_on)

    def load_adapter(self, name: str, folder: Path) -> None:
        """`name` answers. When the files do not fit the model, the error leaves everything as it was."""
        try:
            self._inject(name, folder)
        except Exception:
            self._undo(name)
            raise
        for parameter_name, parameter in self._peft.named_parameters():
            if "lora_" in parameter_name:
                parameter.data = parameter.data.to(self.dtype)
        self._peft.eval()
        self._loaded.add(name)
        self._active = name
        self.switch(None)

    def _inject(self, name: str, folder: Path) -> None:
        if self._peft is None:
            self._peft = PeftModel.from_pretrained(
                self._causal, str(folder), adapter_name=name, autocast_adapter_dtype=False
            )
        else:
            self._peft.load_adapter(str(folder), adapter_name=name, autocast_adapter_dtype=False)

    def _undo(self, name: str) -> None:
        if self._peft is None:  # the base's layers may be half wrapped: take fresh ones
            self._causal = self._base()
        elif name in self._peft.peft_config:
            self._peft.delete_adapter(name)
        self._active = None if self._peft is None else name
        self.switch(None)

    def _base(self) -> Any:
        # For prompts of a few dozen tokens plain attention beats the fused kernel on CPUs by a fifth.
        return AutoModelForCausalLM.from_pretrained(
            str(self._folder), dtype=self.dtype, attn_implementation="eager"
        ).eval()

    def unload_adapter(self, name: str) -> None:
        self.switch(None)
        self._loaded.discard(name)
        if self._loaded:
            self._peft.delete_adapter(name)
            return
        self._causal = self._peft.unload()
        self._peft = None

    def switch(self, adapter: str | None) -> None:
        """The next forward pass goes through `adapter`, or through the base alone."""
        if adapter == self._active:
            return
        if adapter is None:
            self._peft.base_model.disable_adapter_layers()
        else:
            if self._active is None:
                self._peft.base_model.enable_adapter_layers()
            self._peft.set_adapter(adapter)
        self._active = adapter

    def forward(self, adapter: str | None, **inputs: Any) -> Any:
        """Last hidden states of the given inputs, (rows, positions, width)."""
        self.switch(adapter)
        with torch.inference_mode():
            return self._causal.model(**inputs).last_hidden_state

    @property
    def head(self) -> Any:
        """Output embeddings, (vocabulary, width)."""
        return self._causal.lm_head.weight


class TorchCursor:
    """See `Cursor`. Prompts are padded on the left, so that the last position is the newest token of every row."""

    def __init__(
        self, model: TorchModel, prompts: Sequence[Sequence[int]], adapter: str | None, *, goes_on: bool
    ) -> None:
        self._model = model
        self._adapter = adapter
        self._cache = DynamicCache() if goes_on else None
        width = max(len(prompt) for prompt in prompts)
        self._mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        tokens = torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts])
        self._last = self._pass(tokens, (self._mask.cumsum(1) - 1).clamp(min=0))

    def scores(self, allowed: Sequence[Sequence[int] | None]) -> list[Scores]:
        with torch.inference_mode():
            if all(tokens is None for tokens in allowed):
                return list(_numpy(self._last @ self._model.head.T))
            return [self._row_scores(row, tokens) for row, tokens in zip(self._last, allowed, strict=True)]

    def advance(self, rows: Sequence[int], tokens: Sequence[int]) -> None:
        if len(rows) < len(self._mask):
            keep = torch.tensor(list(rows))
            self._mask = self._mask[keep]
            if self._cache is not None:
                self._cache.batch_select_indices(keep)
        self._mask = torch.cat([self._mask, torch.ones((len(rows), 1), dtype=self._mask.dtype)], dim=1)
        self._last = self._pass(torch.tensor([[token] for token in tokens]), self._mask.sum(1, keepdim=True) - 1)

    def _pass(self, tokens: Any, positions: Any) -> Any:
        hidden = self._model.forward(
            self._adapter,
            input_ids=tokens,
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=self._cache is not None,
        )
        return hidden[:, -1]

    def _row_scores(self, row: Any, tokens: Sequence[int] | None) -> Scores:
        head = self._model.head
        return _numpy(row @ (head if tokens is None else head[torch.tensor(list(tokens))]).T)


def _numpy(tensor: Any) -> Scores:
    scores: Scores = tensor.float().numpy().astype(np.float32, copy=False)
    return scores
