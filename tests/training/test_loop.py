"""The loop: every row once, the same weights however it is cut, and checkpoints that are sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Barrier, current_thread
from typing import Any, Self

import numpy as np
import pytest
import torch

from graftwork.errors import Interrupted, ParameterError, TrainingError
from graftwork.runs.progress import Progress
from graftwork.runtime.spread import Spread, in_one
from graftwork.training.batches import epoch_batches, paired_batches, shards
from graftwork.training.checkpoints import Checkpoints
from graftwork.training.curve import Curve, told_of
from graftwork.training.loop import train
from graftwork.training.optimizer import Optimizer
from graftwork.training.options import TrainOptions
from graftwork.training.schedule import rate_factor
from graftwork.training.trainee import Weights
from graftwork.training.workers import Workers

N, D = 90, 6
OPTIONS = TrainOptions(epochs=3, rate=0.05, batch_rows=8)


class Line:
    """A least-squares line in two groups of weights; its rows are drawn from a seed."""

    device = "cpu"

    def __init__(self, scale: float = 1.0) -> None:
        rng = np.random.default_rng(3)
        self.x = torch.from_numpy(rng.standard_normal((N, D)).astype(np.float32)) * scale
        self.y = self.x @ torch.arange(D, dtype=torch.float32) + 1.0
        self.lengths = rng.integers(1, 40, N)
        self.views = 1
        self.kinds = None
        self.slope = torch.nn.Parameter(torch.zeros(D))
        self.offset = torch.nn.Parameter(torch.zeros(1))

    def weights(self) -> Sequence[Weights]:
        return [
            Weights(("offset",), (self.offset,), 0, False),
            Weights(("slope",), (self.slope,), 1, True),
        ]

    def worker(self) -> Self:
        twin = type(self)()
        twin.x, twin.y = self.x, self.y
        twin.slope = torch.nn.Parameter(self.slope.detach())
        twin.offset = torch.nn.Parameter(self.offset.detach())
        return twin

    def renew(self, spread: Spread = in_one) -> None:
        """Workers share all weights."""

    def loss(self, rows: np.ndarray) -> Any:
        index = torch.from_numpy(rows)
        return ((self.x[index] @ self.slope + self.offset - self.y[index]) ** 2).sum()

    def flat(self) -> np.ndarray:
        return np.concatenate([self.offset.detach().numpy(), self.slope.detach().numpy()])


class Stopping(Progress):
    """Cancels itself after some advances."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def on_advance(self, step: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.cancel()


class Scores:
    """A watcher with scores of its own."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = values
        self.seen: list[float] = []

    def score(self, epochs: int) -> float:
        self.seen.append(float(epochs))
        return self.values[epochs - 1]

    def state(self) -> dict[str, np.ndarray]:
        return {"seen": np.asarray(self.seen)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self.seen = state["seen"].tolist()


def trained(folder: Path | None = None, progress: Progress | None = None, **more: Any) -> Line:
    line = Line()
    kept = None if folder is None else Checkpoints(folder, {"of": "line"}, every=0.0)
    train(line, OPTIONS, seed=1, progress=progress, checkpoints=kept, **more)
    return line


def test_it_learns() -> None:
    line = Line()
    curve = train(line, TrainOptions(epochs=40, rate=0.2, batch_rows=8, clip=100.0), seed=1)
    np.testing.assert_allclose(line.flat(), [1, 0, 1, 2, 3, 4, 5], atol=0.1)
    assert curve.losses[-1] < curve.losses[0] / 100
    assert len(curve.seconds) == 40


def test_every_row_once_in_batches_of_like_length() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, 500)
    batches = epoch_batches(lengths, 32, seed=4, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    assert lengths.sum() / padded > 0.8  # random batches of 32: about a half
    again = epoch_batches(lengths, 32, seed=4, epoch=0)
    assert all((a == b).all() for a, b in zip(batches, again, strict=True))
    other = epoch_batches(lengths, 32, seed=4, epoch=1)
    assert [b.tolist() for b in other] != [b.tolist() for b in batches]


def test_one_long_row_gets_a_batch_of_its_own() -> None:
    batches = epoch_batches(np.asarray([5000, 3, 3, 3]), 2, 0, 0)
    assert [0] in [batch.tolist() for batch in batches]


def test_pairs_of_a_kind_stay_together_in_every_shard() -> None:
    rng = np.random.default_rng(1)
    lengths, kinds = rng.integers(3, 60, 303), rng.integers(0, 5, 303)
    batches = paired_batches(lengths, kinds, 32, seed=4, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(303))
    partnered = [
        sum(kind in np.delete(kinds[shard], i) for i, kind in enumerate(kinds[shard]))
        for batch in batches
        for shard in shards(batch, 2)
    ]
    assert sum(partnered) / 303 > 0.95  # but for odd ones, and pairs that a cut goes through
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    assert lengths.sum() / padded > 0.6
    again = paired_batches(lengths, kinds, 32, seed=4, epoch=0)
    assert all((a == b).all() for a, b in zip(batches, again, strict=True))
    other = paired_batches(lengths, kinds, 32, seed=4, epoch=1)
    pairs = [{frozenset(b[i : i + 2].tolist()) for b in made for i in range(0, len(b) - 1, 2)}
             for made in (batches, other)]  # fmt: skip
    assert len(pairs[0] & pairs[1]) < len(pairs[0]) / 4  # each epoch draws its own


@pytest.mark.parametrize(("labels", "parts"), [(2, 2), (2, 4), (4, 2), (8, 1)])
def test_whatever_a_batch_is_cut_into_meets_every_kind(labels: int, parts: int) -> None:
    """Without rows of another kind a loss that compares them would only draw all together."""
    kinds = np.repeat(np.arange(labels), 16 // labels)
    for epoch in range(20):
        (batch,) = paired_batches(np.full(16, 9), kinds, 32, 0, epoch)
        assert sorted(batch.tolist()) == list(range(16))
        for shard in shards(batch, parts):
            assert set(kinds[shard]) == set(range(labels))
            assert np.unique(kinds[shard], return_counts=True)[1].min() > 1


class WideLine(Line):
    """Besides the slope a weight so wide that torch would share its sums among its threads."""

    WIDE = 100_003

    def __init__(self) -> None:
        super().__init__()
        values = np.random.default_rng(5).standard_normal(self.WIDE).astype(np.float32)
        self.wide = torch.nn.Parameter(torch.from_numpy(values))
        self.scale = torch.from_numpy(values[::-1].copy())

    def weights(self) -> Sequence[Weights]:
        return [*super().weights(), Weights(("wide",), (self.wide,), 1, True)]

    def worker(self) -> Self:
        twin = super().worker()
        twin.wide = torch.nn.Parameter(self.wide.detach())
        return twin

    def loss(self, rows: np.ndarray) -> Any:
        more = (self.wide * self.scale).square().sum() * (1e-4 * (1 + int(rows[0])))
        return super().loss(rows) + more

    def flat(self) -> np.ndarray:
        return np.concatenate([super().flat(), self.wide.detach().numpy()])


@pytest.mark.parametrize("clip", [0.5, 1e6])
@pytest.mark.parametrize("copies", [2, 3])
def test_threads_change_nothing(copies: int, clip: float) -> None:
    """Neither the gradients nor, clipped or not, what a step makes of the weights with them."""
    results, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)  # as on a machine with so many cores
            line = WideLine()
            optimizer = Optimizer(line.weights(), replace(OPTIONS, clip=clip))
            losses = []
            with Workers(line, copies, threads) as workers:
                for _ in range(4):
                    losses.append(workers.gradients(shards(np.arange(N), 2 * copies), N))
                    optimizer.step(1.0, workers.spread)
            results.append((losses, line.flat().tobytes()))
    finally:
        torch.set_num_threads(before)
    assert results[0] == results[1]
    assert losses[-1] < losses[0]


def test_a_step_is_shared_out() -> None:
    """The norm, the clip and the moves: each is handed to the threads."""
    line = WideLine()
    optimizer = Optimizer(line.weights(), replace(OPTIONS, clip=1e-3))
    (line.loss(np.arange(N)) / N).backward()
    shared: list[list[int]] = []
    optimizer.step(1.0, lambda work, sizes: (shared.append(list(sizes)), in_one(work, sizes)))
    parameters = [p.numel() for p in optimizer.parameters]
    assert shared == [parameters, parameters, [part.size for part in optimizer.parts]]


def test_one_layer_alone_moves_in_two_parts() -> None:
    layer = [torch.nn.Parameter(torch.zeros(size)) for size in (8, 3, 4)]
    optimizer = Optimizer([Weights(("a", "b", "c"), tuple(layer), 1, True)], OPTIONS)
    assert [part.size for part in optimizer.parts] == [8, 7]


def test_a_parameter_in_two_groups_is_refused() -> None:
    """Two threads would move it at the same time."""
    line = Line()
    with pytest.raises(ValueError, match="two groups"):
        Optimizer([*line.weights(), Weights(("again",), (line.slope,), 2, True)], OPTIONS)


def test_a_step_without_gradients_moves_nothing() -> None:
    line = Line()
    before = line.flat()
    Optimizer(line.weights(), OPTIONS).step(1.0)
    np.testing.assert_array_equal(line.flat(), before)


def test_the_threads_share_the_parameters_out() -> None:
    threads: dict[str, list[int]] = {}
    with Workers(Line(), 2, 2) as workers:
        both = Barrier(2, timeout=30)  # each waits for the other: they are there at the same time

        def work(share: list[int]) -> None:
            both.wait()
            threads[current_thread().name] = share

        workers.spread(work, workers.sizes)
    assert sorted(threads.values()) == [[0], [1]]


@pytest.mark.parametrize("threads", [1, 2])
def test_pieces_of_a_batch_add_up_to_its_gradient(threads: int) -> None:
    line, whole = Line(), Line()
    with Workers(line, 2, threads) as workers:
        loss = workers.gradients(shards(np.arange(N), 6), N)
    (whole.loss(np.arange(N)) / N).backward()
    torch.testing.assert_close(line.slope.grad, whole.slope.grad)
    assert loss == pytest.approx(float(whole.loss(np.arange(N)).detach()) / N, rel=1e-5)


def test_one_set_of_gradients_is_held_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is cut into pieces because memory is short: each copy adds its pieces up itself."""
    line, held = Line(), []
    with Workers(line, 1, 1) as workers:
        copy = workers.copies[0]
        loss = copy.loss
        monkeypatch.setattr(copy, "loss", lambda rows: held.append(line.slope.grad) or loss(rows))
        workers.gradients(shards(np.arange(N), 4), N)
    assert held == [None] * 4
    assert line.slope.grad is not None


def test_accumulating_learns_the_same() -> None:
    at_once, in_pieces = Line(), Line()
    train(at_once, OPTIONS, seed=1)
    train(in_pieces, replace(OPTIONS, accumulate=3), seed=1)
    np.testing.assert_allclose(in_pieces.flat(), at_once.flat(), rtol=1e-4, atol=1e-5)


class Shown(Progress):
    """Keeps what is shown of how it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[str] = []

    def on_advance(self, step: Any) -> None:
        self.statuses.append(step.status)


def test_how_it_goes_is_shown_while_it_goes() -> None:
    shown = Shown()
    trained(progress=shown, watcher=Scores([0.5, 0.625, 0.75]))
    assert shown.statuses[1].startswith("loss █")
    assert shown.statuses[-1].endswith("score 0.625")  # of the epoch before
    assert told_of(Curve(), [8.0, 4.0, 0.0]) == "loss █▅▁ 0.000"
    assert len(told_of(Curve(), [1.0] * 99).split()[1]) == 16


def test_shards_add_up_to_the_whole_gradient() -> None:
    line = Line()
    with Workers(line, 2, 1) as workers:
        workers.gradients(shards(np.arange(N), 2), N)
    whole = Line()
    (whole.loss(np.arange(N)) / N).backward()
    torch.testing.assert_close(line.slope.grad, whole.slope.grad)


@pytest.mark.parametrize("after", [1, 2, 9, 14, 15, 27])
def test_an_interrupted_training_ends_in_the_same_weights(after: int, tmp_path: Path) -> None:
    expected, watcher = trained(watcher=Scores([1, 2, 3])), Scores([1, 2, 3])
    with pytest.raises(Interrupted):
        trained(tmp_path, Stopping(after), watcher=Scores([1, 2, 3]))
    line = trained(tmp_path, watcher=watcher)
    assert line.flat().tobytes() == expected.flat().tobytes()
    assert watcher.seen == [1, 2, 3]


def test_a_flipped_bit_is_said_and_the_checkpoint_before_is_used(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        trained(tmp_path, Stopping(12))
    newest = sorted(tmp_path.glob("step-*"))[-1]
    content = bytearray((newest / "state.safetensors").read_bytes())
    content[-3] ^= 1
    (newest / "state.safetensors").write_bytes(bytes(content))
    told: list[str] = []
    progress = Progress()
    progress.on_say = told.append  # type: ignore[method-assign]
    line = trained(tmp_path, progress)
    assert line.flat().tobytes() == trained().flat().tobytes()
    assert any("damaged" in words and newest.name in words for words in told)


def test_a_checkpoint_of_another_plan_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        trained(tmp_path, Stopping(12))
    assert Checkpoints(tmp_path, {"of": "another"}).newest(Progress()) is None
    assert Checkpoints(tmp_path, {"of": "line"}).newest(Progress()) is not None


def test_few_checkpoints_are_kept(tmp_path: Path) -> None:
    trained(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_it_stops_early_when_scores_stop_rising() -> None:
    line = Line()
    options = TrainOptions(epochs=6, rate=0.05, batch_rows=8)
    curve = train(line, options, seed=0, watcher=Scores([5, 4, 3, 9, 9, 9]), patience=2)
    assert curve.scores == [5, 4, 3]


def test_a_loss_that_is_no_number_is_an_error() -> None:
    line = Line(scale=1e30)
    with pytest.raises(TrainingError, match="learning rate"):
        train(line, OPTIONS, seed=0)


def test_the_rate_rises_and_falls() -> None:
    options = TrainOptions(warmup=0.1)
    rates = [rate_factor(step, 100, options) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0
    assert int(np.argmax(rates)) in (9, 10)
    assert rates[-1] < 0.02
    cosine = [rate_factor(step, 100, TrainOptions(schedule="cosine")) for step in range(100)]
    assert cosine[-1] < 0.02
    assert cosine[30] > rates[30]


def one_step(line: Line, options: TrainOptions, loudness: float = 1.0) -> Optimizer:
    """One step on the loss of all rows, made louder."""
    optimizer = Optimizer(line.weights(), options)
    (loudness * line.loss(np.arange(N)) / N).backward()
    optimizer.step(1.0)
    return optimizer


def gradient_of(optimizer: Optimizer) -> np.ndarray:
    """The gradient that the first step was made with: its mean is a tenth of it."""
    state = optimizer.state()
    return np.concatenate([state["mean.offset"], state["mean.slope"]]) / 0.1


def test_a_gradient_longer_than_the_clip_is_cut_to_it_and_a_shorter_one_is_not() -> None:
    free = gradient_of(one_step(Line(), replace(OPTIONS, clip=1e6)))
    length = np.linalg.norm(free)
    assert length > 2
    for clip in (1e-3, 1.0, length / 2):
        cut = gradient_of(one_step(Line(), replace(OPTIONS, clip=clip)))
        assert np.linalg.norm(cut) == pytest.approx(clip, rel=1e-4)  # of all groups together
        np.testing.assert_allclose(cut / clip, free / length, rtol=1e-4)  # the way is kept
    whole = gradient_of(one_step(Line(), replace(OPTIONS, clip=length * 1.1)))
    np.testing.assert_array_equal(whole, free)


def test_clipping_holds_a_loud_batch_down() -> None:
    """What one batch of outliers does to the moments is bounded; without a clip it is not."""
    loud, quiet = (
        gradient_of(one_step(Line(), OPTIONS, loudness=loudness)) for loudness in (1e6, 1e3)
    )
    np.testing.assert_allclose(loud, quiet, rtol=1e-3)
    ends = {}
    for clip in (1e-2, 1.0, 1e6):
        line = Line()
        train(line, replace(OPTIONS, clip=clip), seed=1)
        ends[clip] = line.flat()
    assert np.abs(ends[1e-2] - ends[1e6]).max() > 1e-3
    assert np.abs(ends[1.0] - ends[1e6]).max() > 1e-3


def test_rates_fall_with_every_layer_from_the_head() -> None:
    layers = [torch.nn.Parameter(torch.zeros(4)) for _ in range(4)]
    groups = [Weights((str(d),), (p,), d, False) for d, p in enumerate(layers)]
    options = TrainOptions(rate=0.01, head_rate=3.0, layer_decay=0.5, clip=1e6)
    optimizer = Optimizer(groups, options)
    for factor in (1.0, 0.1):  # the schedule scales all alike
        before = [p.detach().clone() for p in layers]
        for p in layers:
            p.grad = torch.full((4,), 2.0)
        optimizer.step(factor)
        moved = [float((b - p.detach()).mean()) for b, p in zip(before, layers, strict=True)]
        assert moved == pytest.approx([factor * r for r in (0.03, 0.01, 0.005, 0.0025)], rel=1e-3)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"rate": 0.0}, {"schedule": "steps"}, {"warmup": 1.0}, {"clip": 0.0}]
)
def test_options_that_no_training_can_go_by(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        TrainOptions(**wrong)


def test_each_worker_has_one_thread_and_the_caller_keeps_its_own() -> None:
    """Two threads in each of two workers fight for two cores: six times as slow with bfloat16."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with Workers(Line(), 2, 2) as workers:
            assert workers._pool is not None
            assert list(workers._pool.map(lambda _: torch.get_num_threads(), range(4))) == [1] * 4
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


class CudaLine(Line):
    """The same on a GPU."""

    device = "cuda"

    def __init__(self) -> None:
        super().__init__()
        self.x, self.y = self.x.cuda(), self.y.cuda()
        self.slope, self.offset = (
            torch.nn.Parameter(each.detach().cuda()) for each in (self.slope, self.offset)
        )


@pytest.mark.gpu
def test_a_cut_training_goes_on_on_the_gpu(tmp_path: Path) -> None:
    """The state of the optimizer goes to a file and back to where the weights are."""
    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device here")
    whole, first, second = CudaLine(), CudaLine(), CudaLine()
    train(whole, OPTIONS, seed=1)
    kept = Checkpoints(tmp_path, {"of": "line"}, every=0.0)
    with pytest.raises(Interrupted):
        train(first, OPTIONS, seed=1, progress=Stopping(7), checkpoints=kept)
    train(second, OPTIONS, seed=1, checkpoints=Checkpoints(tmp_path, {"of": "line"}, every=0.0))
    for one, other in ((whole.slope, second.slope), (whole.offset, second.offset)):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
