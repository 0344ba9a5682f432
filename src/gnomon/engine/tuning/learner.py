"""The model with its adapter being learned: one step, one validation. Heavy.

The adapter computes in the model's own dtype (bf16 is three times as fast) from float32 master weights: steps of the
optimiser are smaller than bf16 can tell apart.
"""

from collections.abc import Sequence
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from gnomon.engine.models.torch_setup import dtype_named
from gnomon.engine.tuning.examples import Example, Labels
from gnomon.engine.tuning.spec import TuningSpec

logging.disable_progress_bar()
_PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_VALIDATION_BATCH = 32


class Learner:
    def __init__(self, spec: TuningSpec) -> None:
        torch.manual_seed(spec.seed)
        self._spec = spec
        self.dtype = dtype_named(spec.dtype)
        self._tokenizer = AutoTokenizer.from_pretrained(str(spec.model))
        self._base: Any = AutoModelForCausalLM.from_pretrained(
            str(spec.model), dtype=self.dtype, attn_implementation="eager"
        )
        config = LoraConfig(
            r=spec.rank,
            lora_alpha=spec.alpha,
            lora_dropout=0.0,
            target_modules=_PROJECTIONS,
            task_type="CAUSAL_LM",
        )
        self._peft: Any = get_peft_model(self._base, config, autocast_adapter_dtype=True)
        learned = [(name, parameter) for name, parameter in self._peft.named_parameters() if parameter.requires_grad]
        self.masters = {name: parameter.detach().clone().float() for name, parameter in learned}
        self._copies = dict(learned)
        for parameter in self._copies.values():
            parameter.data = parameter.data.to(self.dtype)
        self.optimiser = torch.optim.AdamW(list(self.masters.values()), lr=spec.learning_rate, weight_decay=0.0)

    @property
    def end_token(self) -> int:
        ends = self._base.generation_config.eos_token_id
        return int(ends[0] if isinstance(ends, list) else ends)

    def encode(self, text: str, start: bool) -> list[int]:
        tokens: list[int] = self._tokenizer(text, add_special_tokens=start).input_ids
        return tokens

    def restore(self, weights: dict[str, Any], optimiser: dict[str, Any]) -> None:
        """Goes on from a checkpoint's weights and optimiser."""
        for name, weight in weights.items():
            self.masters[name].copy_(weight)
        self.optimiser.load_state_dict(optimiser)
        self._publish()

    def step(self, examples: Sequence[Example], rate: float) -> float:
        """One step on a batch; returns its loss: mean over rows of the summed negative log-likelihood of the answer."""
        targets = torch.tensor([token for example in examples for token in example.answer])
        hidden = self._answer_states(examples)
        # Logits only where an answer is due: a vocabulary of 262,144 at every position would cost more than the model.
        logits = hidden @ self._base.lm_head.weight.detach().T
        loss = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum") / len(examples)
        loss.backward()
        for name, copy in self._copies.items():
            self.masters[name].grad = copy.grad.float()
            copy.grad = None
        torch.nn.utils.clip_grad_norm_(list(self.masters.values()), self._spec.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._publish()
        return float(loss.item())

    def accuracy(self, examples: Sequence[Example], labels: Labels) -> float:
        """Share of rows whose own label is the likeliest of all."""
        ordered = sorted(examples, key=lambda example: len(example.prompt))
        right = 0
        with torch.inference_mode():
            for start in range(0, len(ordered), _VALIDATION_BATCH):
                some = ordered[start : start + _VALIDATION_BATCH]
                best = self._likelihoods(some, labels).argmax(1)
                right += int((best == torch.tensor([example.label for example in some])).sum())
        return right / len(ordered)

    def save(self, folder: Any, base_name: str) -> None:
        """Writes the adapter from the float32 masters, in PEFT's format."""
        for name, copy in self._copies.items():
            copy.data = self.masters[name].clone()
        self._peft.peft_config["default"].base_model_name_or_path = base_name
        self._peft.save_pretrained(str(folder), save_embedding_layers=False)

    def _publish(self) -> None:
        with torch.no_grad():
            for name, copy in self._copies.items():
                copy.copy_(self.masters[name])

    def _answer_states(self, examples: Sequence[Example]) -> Any:
        """Hidden states at every position that precedes an answer token, one row each, in the order of the targets."""
        hidden = self._hidden([example.inputs for example in examples])
        places = [
            (row, len(example.prompt) - 1 + offset)
            for row, example in enumerate(examples)
            for offset in range(len(example.answer))
        ]
        return hidden[[row for row, _ in places], [position for _, position in places]]

    def _likelihoods(self, examples: Sequence[Example], labels: Labels) -> Any:
        """(rows, choices): log-likelihood of each choice up to a constant of the row."""
        head = self._base.lm_head.weight
        first = labels.first_tokens
        if first is not None:
            hidden = self._hidden([example.prompt for example in examples])
            last = hidden[range(len(examples)), [len(example.prompt) - 1 for example in examples]]
            return last @ head[first].T
        columns = []
        for place, tokens in enumerate(labels.tokens):
            asked = [Example(example.prompt, tokens, place) for example in examples]
            logits = (self._answer_states(asked) @ head.T).float().log_softmax(1)
            targets = torch.tensor(list(tokens) * len(asked))
            picked = logits[range(len(targets)), targets]
            columns.append(picked.reshape(len(asked), len(tokens)).sum(1))
        return torch.stack(columns, dim=1)

    def _hidden(self, sequences: Sequence[Sequence[int]]) -> Any:
        width = max(len(sequence) for sequence in sequences)
        tokens = torch.tensor([list(sequence) + [0] * (width - len(sequence)) for sequence in sequences])
        mask = torch.tensor([[1] * len(sequence) + [0] * (width - len(sequence)) for sequence in sequences])
        return self._base.model(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
