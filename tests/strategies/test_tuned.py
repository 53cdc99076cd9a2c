"""Hard transfer goes from the probe on: before a step, without one, and part of the way back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_pictures
import toys
from graftwork.api._rungs import make_strategy
from graftwork.features.out_of_fold import OutOfFold
from graftwork.model.model import Model
from graftwork.strategies import _trained
from graftwork.strategies._starts import start_settings
from graftwork.strategies._trained import trainable
from graftwork.strategies._tuned_rows import TunedRows
from graftwork.strategies._tuning import Tuning, blend
from graftwork.strategies.strategy import Choice, Job
from graftwork.training.optimizer import Optimizer

TEXTS, LABELS = toys.sentences(96)
NEW = [*toys.sentences(30, seed=5)[0], ""]
RATE = 3e-3
HALF = 3e-3  # layers that stand still are read from the store, in half precision
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "all layers": ("finetune", {"epochs": 2, "rate": RATE}),
    "the top layer": ("finetune", {"top": 1, "epochs": 2, "rate": RATE}),
    "adapters": ("lora", {"rank": 2, "epochs": 2, "rate": RATE}),
}


@pytest.fixture
def job(bert: Any, tmp_path: Path) -> Job:
    """A job whose probe reads the layer in the middle and the last, and is known."""
    made: Job = toys.job(toys.dataset({"text": TEXTS}, LABELS), {"base": bert}, tmp_path)
    readout = {"layers": [1, 2], "pooling": 0, "mix": "concat", "scale": "unit"}
    settings = {"backbone": "base", "readout": readout, "strength": 4.0, "balanced": False}
    made.shared["base"] = Choice("probe", settings, None)
    return made


@pytest.fixture
def probe(job: Job) -> Model:
    return make_strategy("probe", {}).build(job, job.shared["base"])


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Any:
    return make_strategy(*WAYS[request.param])


def built(strategy: Any, job: Job, epochs: int, share: float) -> Model:
    """The strategy's model with these choices forced."""
    settings = {**start_settings(job, "base"), "epochs": epochs, "share": share, "beside": 0.0}
    made: Model = strategy.build(job, Choice(strategy.declaration.name, settings, None))
    return made


def begun(strategy: Any, job: Job, probe: Model) -> Tuning:
    """What trains, before its first step."""
    return trainable(job, strategy.way(job), "base", start_settings(job, "base"), probe)[0]


def weights(model: Model) -> dict[str, np.ndarray]:
    """All numbers of base and head."""
    found = {n: p.detach().numpy() for n, p in model.backbones["base"].network.named_parameters()}
    linear = model.head.linear
    return {**found, "head": np.concatenate(linear.weights), "head.bias": linear.bias}


def test_without_a_pass_it_is_the_probe(way: Any, job: Job, probe: Model) -> None:
    model = built(way, job, epochs=0, share=1.0)
    np.testing.assert_array_equal(model.scores(NEW), probe.scores(NEW))
    assert model.backbones["base"].fingerprint() == job.backbones["base"].fingerprint()


def test_before_the_first_step_it_scores_as_the_probe(way: Any, job: Job, probe: Model) -> None:
    tuning = begun(way, job, probe)
    np.testing.assert_allclose(tuning.scores(tuning.rows), probe.scores(TEXTS), atol=HALF)
    unseen = toys.dataset({"text": NEW}, [LABELS[i] for i in range(len(NEW))])
    other = replace(job, dataset=unseen, rows=np.arange(len(NEW)))
    rows = TunedRows.of(other, tuning.tunable, tuning.readouts[0].readout)
    np.testing.assert_allclose(tuning.scores(rows), probe.scores(NEW), atol=HALF)


def test_a_share_of_the_way_is_a_line_between_the_probe_and_the_tuned(
    way: Any, job: Job, probe: Model
) -> None:
    back, half, whole = (built(way, job, epochs=2, share=share) for share in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(back.scores(NEW), probe.scores(NEW), atol=1e-5)
    assert np.abs(whole.scores(NEW) - probe.scores(NEW)).max() > 0.1
    start, middle, end = weights(back), weights(half), weights(whole)
    moved = [name for name in start if np.abs(end[name] - start[name]).max() > RATE / 10]
    assert {"head", "head.bias"} < set(moved)
    assert len(moved) > 6
    for name, value in weights(probe).items():
        np.testing.assert_array_equal(start[name], value, err_msg=name)
        between = (start[name] + end[name]) / 2
        np.testing.assert_allclose(middle[name], between, atol=1e-6, err_msg=name)


def test_blending_adapters_scales_the_change_and_not_its_factors(bert: Any) -> None:
    """Half of both factors would be a quarter of the change."""
    tunable = bert.low_rank(2, 4.0, seed=0)
    start = tunable.tensors()
    assert not any(np.any(v) for n, v in start.items() if ".lora_B." in n)
    rng = np.random.default_rng(0)
    end = {n: v + rng.standard_normal(v.shape).astype(np.float32) for n, v in start.items()}
    changes = {}
    for share in (0.0, 0.25, 1.0):
        tunable.put(blend(start, end, share))
        changes[share] = {name: value.numpy() for name, value in tunable.changes().items()}
    for name, whole in changes[1.0].items():
        assert np.abs(whole).max() > 0.1
        assert not changes[0.0][name].any()
        np.testing.assert_allclose(changes[0.25][name], whole / 4, atol=1e-6)


def test_the_midpoint_of_two_sets_of_weights() -> None:
    start = {"a": np.asarray([0.0, 2.0], np.float32), "b.lora_A.c": np.ones(2, np.float32)}
    end = {"a": np.asarray([1.0, -2.0], np.float32), "b.lora_A.c": np.full(2, 3, np.float32)}
    half = blend(start, end, 0.5)
    assert half["a"].tolist() == [0.5, 0.0]
    assert half["b.lora_A.c"].tolist() == [3.0, 3.0]
    assert blend(start, end, 0.0)["a"].tolist() == [0.0, 2.0]
    assert blend(start, end, 1.0)["a"].tolist() == [1.0, -2.0]


@pytest.mark.parametrize("decay", [1.0, 0.5])
def test_lower_layers_move_by_less(job: Job, probe: Model, decay: float) -> None:
    """The first step of Adam is as long as the rate, whatever the gradient is."""
    parameters = {"epochs": 1, "rate": RATE, "batch_rows": 4096, "layer_decay": decay}
    model = built(make_strategy("finetune", parameters), job, epochs=1, share=1.0)
    before, after = weights(probe), weights(model)

    def moved(words: str) -> float:
        names = [n for n in before if words in n and "bias" not in n]
        return float(np.median(np.abs(np.hstack([(after[n] - before[n]).ravel() for n in names]))))

    assert moved("head") == pytest.approx(RATE, rel=0.02)
    assert moved("layer.1.") == pytest.approx(RATE, rel=0.02)
    assert moved("layer.0.") == pytest.approx(RATE * decay, rel=0.02)
    assert moved("embeddings.") == 0.0


@pytest.mark.parametrize(
    ("rows", "asked", "batch", "rate"),
    [
        (96, {}, 32, 1e-4),
        (4000, {}, 64, 1.4142e-4),
        (4000, {"rate": 2e-5}, 64, 2e-5),
        (4000, {"batch_rows": 32}, 32, 1e-4),
        (96, {"batch_rows": 8}, 8, 5e-5),
    ],
)
def test_many_rows_come_in_larger_batches_at_a_higher_rate(
    job: Job, rows: int, asked: dict[str, Any], batch: int, rate: float
) -> None:
    many = replace(job, rows=np.arange(rows) % len(job.rows))
    options = make_strategy("finetune", asked).way(many).options  # type: ignore[attr-defined]
    assert options.batch_rows == batch
    assert options.rate == pytest.approx(rate, rel=1e-4)


def test_stages_of_a_picture_network_lie_the_deeper_the_earlier(tmp_path: Path) -> None:
    from graftwork.bases import load_backbone

    folder = toy_pictures.network("resnet20_cifar", tmp_path / "net")
    base = load_backbone("convnet", folder, placement=toys.placement())
    depths: dict[str, set[int]] = {}
    for name, _, depth in base.tunable().parameters():  # type: ignore[attr-defined]
        depths.setdefault(name.split(".")[0], set()).add(depth)
    found = [depths[stage] for stage in sorted(s for s in depths if s.startswith("layer"))]
    assert len(found) == 3
    assert all(max(upper) < min(lower) for lower, upper in pairwise(found))
    assert min(found[-1]) == 1


@pytest.fixture
def one_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pilot, as with many rows; its tuned weights are the choice, not the frozen start."""
    monkeypatch.setattr(_trained, "MOST_FOLDS", 1)
    tuned = lambda self: max(range(len(self.settings)), key=lambda i: self.settings[i]["epochs"])  # noqa: E731
    monkeypatch.setattr(OutOfFold, "best", tuned)


@pytest.mark.usefixtures("one_pilot")
def test_a_kept_pilot_is_the_model_that_was_judged(
    way: Any, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(job, folder=lambda name: tmp_path / name, checkpoint_seconds=0.0)
    choice = way.search(job, keep=True)
    found = choice.out_of_fold
    assert choice.learnt is not None
    assert set(choice.learnt) | set(job.rows[found.rows]) == set(job.rows)
    assert not set(choice.learnt) & set(job.rows[found.rows])
    assert f"learnt from {len(choice.learnt)} rows" in choice.words
    monkeypatch.setattr(Optimizer, "step", None)  # no step is made twice
    model = way.build(job, choice)
    said = model.predict(job.dataset.take(job.rows[found.rows])).probabilities
    np.testing.assert_allclose(said, found.best_probabilities, atol=HALF)
    assert not job.notes  # what a refit takes is foretold of all rows


@pytest.mark.usefixtures("one_pilot")
def test_a_kept_pilot_without_checkpoints_is_trained_again_to_the_same(job: Job) -> None:
    strategy = make_strategy(*WAYS["all layers"])
    choice = strategy.search(job, keep=True)  # type: ignore[call-arg]
    one, two = (strategy.build(job, choice) for _ in range(2))
    np.testing.assert_array_equal(one.scores(NEW), two.scores(NEW))
    said = one.predict(job.dataset.take(job.rows[choice.out_of_fold.rows])).probabilities
    np.testing.assert_allclose(said, choice.out_of_fold.best_probabilities, atol=HALF)


def test_of_several_pilots_none_is_kept(job: Job) -> None:
    strategy = make_strategy(*WAYS["all layers"])
    with pytest.raises(ValueError, match="of 2 pilots none is the one to keep"):
        strategy.search(job, keep=True)  # type: ignore[call-arg]


def test_epochs_whose_weights_are_gone_are_no_choice(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_trained, "MOST_FOLDS", 1)
    strategy = make_strategy("finetune", {"epochs": 6, "rate": RATE, "patience": 1})
    kept, free = (strategy.search(job, keep=keep) for keep in (True, False))  # type: ignore[call-arg]
    last = len(kept.facts["curves"][0]["losses"])
    assert last < 6  # it stopped early
    assert {told["epochs"] for told in kept.out_of_fold.settings} == {0, last}
    assert {told["epochs"] for told in free.out_of_fold.settings} > {0, last}
