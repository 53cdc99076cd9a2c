"""The training loop: batches by length, AdamW, checkpoints; the same weights however it is cut.

A training that was interrupted or killed goes on from its newest sound checkpoint to the very
weights of an uninterrupted one: the order of rows comes from the seed, there is no dropout, and
gradients are added in a fixed order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graftwork.errors import Interrupted, TrainingError
from graftwork.runs.progress import Progress, Step
from graftwork.runtime.devices import keep_kernels
from graftwork.runtime.threads import cores
from graftwork.training.batches import epoch_batches, paired_batches, shards
from graftwork.training.checkpoints import Checkpoints
from graftwork.training.curve import Curve, told_of
from graftwork.training.optimizer import Optimizer
from graftwork.training.options import TrainOptions
from graftwork.training.processes import Processes
from graftwork.training.schedule import rate_factor
from graftwork.training.trainee import Trainee, Watcher
from graftwork.training.workers import Workers, flat_gradients

__all__ = ["follow", "train"]

WATCHED = "watched."
SHOW_SECONDS = 0.5
PARTS = {"cpu": 2, "cuda": 1}  # shards of a batch; more than two would be too small on a CPU


def train(
    trainee: Trainee,
    options: TrainOptions,
    *,
    seed: int,
    epochs: int | None = None,
    progress: Progress | None = None,
    title: str = "training",
    checkpoints: Checkpoints | None = None,
    watcher: Watcher | None = None,
    patience: int | None = None,
    told: Callable[[str, float, int], None] | None = None,
) -> Curve:
    """Train until the last epoch, or until scores stop rising.

    Args:
        trainee: its weights are changed in place.
        options: `options.epochs` is what the schedule is made for.
        seed: of the order of rows.
        epochs: passes to make of those (a refit stops where the choice was made).
        progress: shown to the user; the place where a cancelled training stops.
        title: words for the progress bar.
        checkpoints: where it is kept and gone on from.
        watcher: scores the weights after every epoch.
        patience: stop after so many epochs without a better score; None: never.
        told: given ``loss`` or ``score``, its value and the number of the epoch, as they come.

    Returns:
        losses, scores and seconds, epoch by epoch.

    Raises:
        TrainingError: the loss is not a number any more.
        Interrupted: cancelled; a checkpoint was written first.
    """
    made = _Training(trainee, options, seed, progress or Progress(), checkpoints, told)
    return made.run(epochs or options.epochs, title, watcher, patience)


def follow(
    processes: Processes,
    trainee: Trainee,
    options: TrainOptions,
    seed: int,
    step: int,
    state: dict[str, np.ndarray],
) -> None:
    """Take part in a training that another process leads, from its step `step` on."""
    keep_kernels()
    made = _Training(trainee, options, seed, Progress(), None)
    made.optimizer.restore(state, step)
    made.step = step
    batches = [batch for epoch in made.batches for batch in epoch]
    with made.workers() as workers:
        while processes.go():
            made.one(workers, batches[made.step])
            made.step += 1


@dataclass
class _Training:
    """One training on its way."""

    trainee: Trainee
    options: TrainOptions
    seed: int
    progress: Progress
    checkpoints: Checkpoints | None
    told: Callable[[str, float, int], None] | None = None

    def __post_init__(self) -> None:
        self.optimizer = Optimizer(self.trainee.weights(), self.options)
        self.batches = _plan_epochs(self.trainee, self.options, self.seed)
        self.ends = np.cumsum([len(epoch) for epoch in self.batches]).tolist()
        self.curve = Curve()
        self.step = 0
        self.loss = 0.0  # summed over the rows of the epoch so far
        self.spent = 0.0  # seconds of the epoch so far
        self.recent: list[float] = []  # loss of every step of this session
        self.shown = float("-inf")  # when the user was told last how it goes
        self.processes = Processes.here()

    def run(self, epochs: int, title: str, watcher: Watcher | None, patience: int | None) -> Curve:
        self.watcher = watcher
        self._go_on()
        lead = self.processes
        lead.send((self.trainee, self.options, self.seed, self.step, self.optimizer.state()))
        with self.progress.step(title, self.ends[epochs - 1]) as bar, self.workers() as workers:
            bar.advance(self.step)
            try:
                while not self._watched(patience) and len(self.curve.losses) < epochs:
                    self._epoch(workers, bar)
            except Interrupted:
                self._keep()
                raise
            finally:
                lead.go(False)
        if self.checkpoints is not None and self.checkpoints.aged():
            self._keep()  # what comes after may be killed too
        self.curve.steps = self.step
        return self.curve

    def workers(self) -> Workers:
        """Copies of what trains: as many as suit the device, or as there are processes."""
        copies = max(PARTS[self.trainee.device], self.processes.world)
        return Workers(self.trainee, copies, cores() if self.trainee.device == "cpu" else 1)

    def _watched(self, patience: int | None) -> bool:
        """Score the epoch that was just done; whether to stop early."""
        if self.watcher is None:
            return False
        if len(self.curve.scores) < len(self.curve.losses):
            self.curve.scores.append(self.watcher.score(len(self.curve.losses)))
            self._tell("score", self.curve.scores)
        return patience is not None and _stale(self.curve.scores, patience)

    def _epoch(self, workers: Workers, bar: Step) -> None:
        number = len(self.curve.losses)
        first = self.ends[number - 1] if number else 0
        batches = self.batches[number]
        while self.step - first < len(batches):
            bar.progress.check()
            begun = time.perf_counter()
            self.processes.go()
            self.one(workers, batches[self.step - first])
            self.step += 1
            self.spent += time.perf_counter() - begun
            if self.checkpoints is not None and self.checkpoints.due():
                self._keep()
            self._show(bar, last=self.step - first == len(batches))
            bar.advance()
        self.curve.losses.append(self.loss / len(self.trainee.lengths))
        self._tell("loss", self.curve.losses)
        self.curve.seconds.append(self.spent)
        self.loss, self.spent = 0.0, 0.0

    def _show(self, bar: Step, last: bool) -> None:
        """Now and then, as it looks at every step so far, and after the last step of an epoch."""
        now = time.perf_counter()
        if last or now - self.shown >= SHOW_SECONDS:
            bar.show(told_of(self.curve, self.recent))
            self.shown = now

    def _tell(self, name: str, values: list[float]) -> None:
        if self.told is not None:
            self.told(name, values[-1], len(values))

    def one(self, workers: Workers, batch: np.ndarray) -> None:
        """One step on this process's shards of a batch."""
        parts = len(workers.copies) * self.options.accumulate
        mine = shards(batch, parts)[self.processes.rank :: self.processes.world]
        loss = workers.gradients(mine, len(batch))
        if self.processes.world > 1:
            loss = self._exchange(loss)
        if not np.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} at step {self.step + 1}: the learning rate "
                f"{self.options.rate:g} is too high for this base"
            )
        self.optimizer.step(rate_factor(self.step, self.ends[-1], self.options), workers.spread)
        self.loss += loss * len(batch)
        self.recent.append(loss)

    def _exchange(self, loss: float) -> float:
        """Add up gradients and loss of all processes."""
        import torch

        parameters = self.optimizer.parameters
        # gloo adds up in the memory of the machine, wherever the weights are
        flat = torch.cat([flat_gradients(parameters).cpu(), torch.tensor([loss])])
        self.processes.add(flat)
        start = 0
        for parameter in parameters:
            stop = start + parameter.numel()
            parameter.grad = flat[start:stop].reshape(parameter.shape).to(parameter.device)
            start = stop
        return float(flat[-1])

    def _go_on(self) -> None:
        """Take up the newest checkpoint, if there is one."""
        kept = self.checkpoints.newest(self.progress) if self.checkpoints is not None else None
        if kept is None:
            return
        self.optimizer.restore(kept.tensors, kept.step)
        self.step = kept.step
        self.loss, self.spent = float(kept.facts["loss"]), float(kept.facts["spent"])
        for name in ("losses", "scores", "seconds"):
            setattr(self.curve, name, list(kept.facts[name]))
        if self.watcher is not None:
            extra = {k[len(WATCHED) :]: v for k, v in kept.tensors.items() if k.startswith(WATCHED)}
            self.watcher.restore(extra)

    def _keep(self) -> None:
        if self.checkpoints is None:
            return
        facts = {
            "losses": self.curve.losses,
            "scores": self.curve.scores,
            "seconds": self.curve.seconds,
            "loss": self.loss,
            "spent": self.spent,
        }
        tensors = self.optimizer.state()
        if self.watcher is not None:
            tensors |= {f"{WATCHED}{name}": v for name, v in self.watcher.state().items()}
        self.checkpoints.write(self.step, facts, tensors)


def _stale(scores: list[float], patience: int) -> bool:
    best = int(np.argmax(scores)) if scores else 0
    return len(scores) - 1 - best >= patience


def _plan_epochs(trainee: Trainee, options: TrainOptions, seed: int) -> list[list[np.ndarray]]:
    """The batches of every epoch of the schedule, each of the next view of all rows."""
    lengths, kinds, each = trainee.lengths, trainee.kinds, options.batch_rows
    return [
        [
            batch + epoch % trainee.views * len(lengths)
            for batch in (
                epoch_batches(lengths, each, seed, epoch)
                if kinds is None
                else paired_batches(lengths, kinds, each, seed, epoch)
            )
        ]
        for epoch in range(options.epochs)
    ]
