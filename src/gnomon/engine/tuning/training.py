"""One training from first step to written adapter, with its checkpoints. Heavy."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gnomon.engine.tuning import checkpoint
from gnomon.engine.tuning.checkpoint import State
from gnomon.engine.tuning.examples import examples_of, labels_of
from gnomon.engine.tuning.learner import Learner
from gnomon.engine.tuning.schedule import batches, learning_rate
from gnomon.engine.tuning.spec import LabelledText, TuningSpec, recipe_of

Report = Callable[[dict[str, Any]], None]


class Training:
    """`state` tells how far it is and what was measured."""

    def __init__(
        self, spec: TuningSpec, folder: Path, *, rows: list[LabelledText], held_out: list[LabelledText]
    ) -> None:
        recipe = recipe_of(spec)
        self._spec = spec
        self._folder = folder
        self._learner = Learner(spec)
        self._labels = labels_of(recipe, self._learner.encode, self._learner.end_token)
        encode = self._learner.encode
        self._examples = examples_of(rows, recipe, self._labels, encode=encode, max_tokens=spec.max_tokens)
        self._held_out = examples_of(held_out, recipe, self._labels, encode=encode, max_tokens=spec.max_tokens)
        lengths = [len(example.inputs) for example in self._examples]
        self._plan = batches(lengths, steps=spec.steps, batch=spec.batch, seed=spec.seed)
        self.state = checkpoint.load(folder, spec.identity) or State()
        if self.state.step:
            self._learner.restore(self.state.weights, self.state.optimiser)

    def run(self, report: Report) -> None:
        """Every remaining step is done and reported; a checkpoint lies in the folder every so often."""
        wall, cpu = time.monotonic() - self.state.wall_seconds, time.process_time() - self.state.cpu_seconds
        first = self.state.step
        for step in range(first, self._spec.steps):
            entry = self._step(step)
            self.state.step = step + 1
            self.state.wall_seconds, self.state.cpu_seconds = time.monotonic() - wall, time.process_time() - cpu
            entry["seconds"] = round(self.state.wall_seconds, 2)
            entry["eta_s"] = round(self.state.wall_seconds / (step + 1) * (self._spec.steps - step - 1), 1)
            self.state.curve.append(entry)
            if (step + 1) % self._spec.checkpoint_every == 0:
                self._checkpoint()
            report(entry)

    def write(self, adapter: Path, base_name: str) -> None:
        """The folder `adapter` holds the learned weights in PEFT's format."""
        self._learner.save(adapter, base_name)
        (adapter / "README.md").unlink(missing_ok=True)  # peft's empty model card

    @property
    def dtype(self) -> str:
        return str(self._learner.dtype).removeprefix("torch.")

    def _step(self, step: int) -> dict[str, Any]:
        spec = self._spec
        chosen = [self._examples[row] for row in self._plan[step]]
        rate = learning_rate(step, steps=spec.steps, warmup=spec.warmup_steps, peak=spec.learning_rate)
        loss = self._learner.step(chosen, rate)
        entry: dict[str, Any] = {
            "step": step + 1,
            "steps": spec.steps,
            "loss": round(loss, 5),
            "lr": rate,
            "tokens": sum(len(example.inputs) for example in chosen),
        }
        if self._held_out and ((step + 1) % spec.validate_every == 0 or step + 1 == spec.steps):
            entry["validation_accuracy"] = round(self._learner.accuracy(self._held_out, self._labels), 4)
        return entry

    def _checkpoint(self) -> None:
        self.state.weights = self._learner.masters
        self.state.optimiser = self._learner.optimiser.state_dict()
        checkpoint.save(self._folder, self._spec.identity, self.state)
