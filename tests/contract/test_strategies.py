"""Every strategy through the same checks: it gives a model, always the same, and sees no test row.

A new strategy adds one row to `ROWS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_pictures
import toy_transformers
import toys
from graftwork.api._rungs import RunMemory, make_strategy
from graftwork.bases.hog import Hog
from graftwork.errors import GraftworkError, ParameterError, UnknownNameError
from graftwork.model.model import Model
from graftwork.registry import Declaration
from graftwork.runs.directory import RunDirectory
from graftwork.runs.plan import Plan
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine, Recipe
from graftwork.strategies import STRATEGIES
from graftwork.strategies.strategy import Choice


@dataclass(frozen=True)
class Row:
    """A strategy with the backbones that it reads, and parameters that it must refuse.

    `of`: what the rows are (`text`, `image`), and of images the kind of base, behind a colon.
    `slow`: its checks take longest; the same strategy on texts is among the quick ones.
    """

    name: str
    reads: tuple[str, ...] = ("base",)
    parameters: dict[str, Any] = field(default_factory=dict)
    wrong: tuple[dict[str, Any], ...] = ()
    misspelt: tuple[str, str] = ("", "")
    of: str = "text"
    slow: bool = False


ROWS = {
    "probe": Row(
        "probe",
        parameters={"readouts": 2},
        wrong=({"layer": 99}, {"layer": -1}, {"pooling": "median"}, {"readouts": 0}),
        misspelt=("readout", "readouts"),
    ),
    "probe on a table": Row("probe", ("plain",)),
    "probe of one layer": Row("probe", parameters={"layer": 1, "pooling": "mean"}),
    "hybrid": Row(
        "hybrid",
        ("base", "plain"),
        parameters={"finalists": 2},
        wrong=({"layer": 99}, {"layer": -1}, {"finalists": 0}),
        misspelt=("finalist", "finalists"),
    ),
    "finetune": Row(
        "finetune",
        parameters={"epochs": 2, "rate": 1e-3},
        wrong=({"top": 99}, {"top": 0}, {"epochs": 0}, {"rate": 0.0}),
        misspelt=("epoch", "epochs"),
    ),
    "finetune of the top layer": Row("finetune", parameters={"top": 1, "epochs": 2, "rate": 1e-3}),
    "contrast": Row(
        "contrast",
        parameters={"steps": 24, "rate": 2e-3},
        wrong=({"steps": 0}, {"rate": 0.0}, {"epochs": 0}),
        misspelt=("step", "steps"),
    ),
    "contrast on pictures": Row(
        "contrast",
        parameters={"steps": 12, "rate": 3e-3, "views": 1},
        of="image:convnet",
        slow=True,
    ),
    "lora": Row(
        "lora",
        parameters={"rank": 2, "epochs": 2, "rate": 1e-4},
        wrong=({"rank": 0}, {"alpha": 0.0}, {"epochs": -1}),
        misspelt=("ranks", "rank"),
    ),
    "scratch": Row(
        "scratch",
        parameters={"epochs": 12, "rate": 3e-3, "batch_rows": 8},
        wrong=({"epochs": 0}, {"rate": 2.0}),
        misspelt=("rates", "rate"),
    ),
    "probe on pictures": Row("probe", parameters={"readouts": 2}, of="image:convnet"),
    "probe on plain pictures": Row("probe", ("plain",), of="image:convnet"),
    "hybrid on pictures": Row("hybrid", ("base", "plain"), {"finalists": 2}, of="image:convnet"),
    "finetune on pictures, altered": Row(
        "finetune", parameters={"epochs": 2, "rate": 1e-3, "views": 1}, of="image:convnet"
    ),
    "finetune of the top layer on pictures, altered": Row(
        "finetune", parameters={"top": 1, "epochs": 2, "views": 1}, of="image:convnet"
    ),
    "lora on pictures": Row(
        "lora",
        parameters={"rank": 2, "epochs": 2, "rate": 1e-4},
        of="image:vision",
        slow=True,
    ),
    "scratch on pictures": Row(
        "scratch",
        parameters={"epochs": 8, "rate": 3e-3, "batch_rows": 8},
        of="image:convnet",
        slow=True,
    ),
}
SMALL_HOG = Hog(size=32, cell=8, bins=(4, 2, 2), grids=(1,))
TRAINED = {"contrast", "finetune", "lora", "scratch"}
N = 96
HELD = np.arange(N) % 4 == 3


@dataclass(frozen=True)
class Material:
    """Rows of one kind of input.

    Attributes:
        inputs, labels: N rows of three classes.
        new: rows that nothing was learnt from.
        poison: N rows that differ from `inputs` in each that is held back.
        second: N other inputs, for a second column, and as many as `new` of that kind.
    """

    inputs: list[Any]
    labels: list[str]
    new: list[Any]
    poison: list[Any]
    second: tuple[list[Any], list[Any]]

    def data(self, labels: list[str] | None = None, inputs: list[Any] | None = None) -> Any:
        return toys.dataset({"it": inputs or self.inputs}, labels or self.labels, test=HELD)


def _texts() -> Material:
    texts, labels = toys.sentences(N)
    new = [*toys.sentences(20, seed=7)[0], "", "退款 我要"]
    poison = [
        f"refund parcel password poison {i}" if held else text
        for i, (text, held) in enumerate(zip(texts, HELD, strict=True))
    ]
    second = [text.split()[0] for text in texts], [text[:5] for text in new]
    return Material(texts, labels, new, poison, second)


def _pictures() -> Material:
    made, labels = toy_pictures.patterns(N)
    new = [*toy_pictures.patterns(10, seed=7)[0], None]
    others = toy_pictures.patterns(N, seed=3)[0]
    poison = [o if held else p for p, o, held in zip(made, others, HELD, strict=True)]
    return Material(made, labels, new, poison, (others[::-1], [*others[:10], None]))


MATERIALS = {"text": _texts(), "image": _pictures()}


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.slow if row.slow else ()) for name, row in ROWS.items()
    ]
)
def row(request: pytest.FixtureRequest) -> Row:
    return ROWS[request.param]


@pytest.fixture
def material(row: Row) -> Material:
    return MATERIALS[row.of.split(":")[0]]


@pytest.fixture(scope="session")
def image_bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A small convolutional network and a small transformer, weights at random."""
    from graftwork.bases import load_backbone

    root = tmp_path_factory.mktemp("image-bases")
    return {
        "convnet": load_backbone(
            "convnet",
            toy_pictures.network("resnet20_cifar", root / "net"),
            placement=toys.placement(),
        ),
        "vision": load_backbone(
            "vision", toy_transformers.checkpoint("vit", root / "vit"), placement=toys.placement()
        ),
    }


@pytest.fixture
def known(row: Row, bert: Any, lexical: Any, image_bases: dict[str, Any]) -> dict[str, Any]:
    """The backbones that rows of this kind can be read by."""
    if row.of == "text":
        return {"base": bert, "plain": lexical}
    return {"base": image_bases[row.of.split(":")[1]], "plain": SMALL_HOG}


Jobs = Callable[..., Any]


@pytest.fixture
def jobs(row: Row, material: Material, known: dict[str, Any], tmp_path: Path) -> Jobs:
    """`jobs("one")`: a job of the row's backbones with a feature store of its own."""

    def make(name: str, data: Any = None, **settings: Any) -> Any:
        given = data if data is not None else material.data()
        given = dataclasses.replace(given, modality=row.of.split(":")[0])
        return toys.job(given, {key: known[key] for key in row.reads}, tmp_path / name, **settings)

    return make


@dataclass(frozen=True)
class Learnt:
    """What a strategy makes of its material; tests share it, and change nothing of it."""

    job: Any
    choice: Choice
    model: Model


@pytest.fixture(scope="module")
def made() -> dict[str, Learnt]:
    return {}


@pytest.fixture
def learnt(request: pytest.FixtureRequest, row: Row, jobs: Jobs, made: dict[str, Learnt]) -> Learnt:
    name = request.node.callspec.params["row"]
    if name not in made:
        strategy, job = make_strategy(row.name, row.parameters), jobs("learnt")
        choice = strategy.search(job)
        made[name] = Learnt(job, choice, strategy.build(job, choice))
    return made[name]


def parts(model: Model) -> dict[str, np.ndarray]:
    """All numbers of a model that were learnt, by place."""
    out: dict[str, np.ndarray] = {}
    for name, head in model.heads.items():
        out[f"{name}.bias"] = head.linear.bias
        for i, (block, weight) in enumerate(zip(head.blocks, head.linear.weights, strict=True)):
            out[f"{name}.{i}.weight"] = weight
            out[f"{name}.{i}.factor"] = np.asarray(block.weight)
            if block.readout is not None:
                out[f"{name}.{i}.mean"] = block.readout.mean
                out[f"{name}.{i}.scale"] = block.readout.factor
    return out


def assert_same(one: Model, other: Model, inputs: Any) -> None:
    first, second = parts(one), parts(other)
    assert first.keys() == second.keys()
    for name in first:
        assert np.array_equal(first[name], second[name]), name
    assert one.graph == other.graph
    for name, backbone in one.backbones.items():
        assert backbone.fingerprint() == other.backbones[name].fingerprint()
    assert np.array_equal(one.predict(inputs).probabilities, other.predict(inputs).probabilities)


def test_every_strategy_has_a_row():
    assert {row.name for row in ROWS.values()} == set(STRATEGIES.names())


def test_declares_itself_and_its_parameters(row):
    kind = STRATEGIES.get(row.name)
    assert isinstance(kind.declaration, Declaration)
    assert kind.declaration.title
    assert kind.declaration.source
    assert all(parameter.metadata["help"] for parameter in dataclasses.fields(kind))


def test_gives_a_model_that_learnt_something(row, learnt, material):
    job, choice, model = learnt.job, learnt.choice, learnt.model
    assert choice.strategy == row.name
    found = choice.out_of_fold
    judged = job.rows if found.rows is None else job.rows[found.rows]
    assert found.predicted.shape[1] == len(judged)
    assert len(np.unique(judged)) == len(judged)
    assert (found.rows is not None) == (row.name in TRAINED)
    assert isinstance(model, Model)
    assert model.classes == ("account", "delivery", "refund")
    test = [value for value, held in zip(material.inputs, HELD, strict=True) if held]
    truth = [label for label, held in zip(material.labels, HELD, strict=True) if held]
    found = model.predict(test)
    assert np.allclose(found.probabilities.sum(axis=1), 1)
    assert np.mean([a == b for a, b in zip(found.labels, truth, strict=True)]) > 0.6
    assert model.facts["strategy"] == row.name
    assert len(model.predict([])) == 0
    assert len(model.predict([], store=job.store)) == 0
    stored = model.predict(test, store=job.store)
    np.testing.assert_allclose(stored.probabilities, found.probabilities, atol=1e-3)


def test_two_runs_are_equal(row, jobs, learnt, material):
    again = make_strategy(row.name, row.parameters).transfer(jobs("again"))
    assert_same(learnt.model, again, material.new)


def test_saved_and_loaded_are_equal(learnt, material, tmp_path):
    model = learnt.model
    model.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model", placement=toys.placement())
    assert_same(model, loaded, material.new)
    assert loaded.facts == model.facts


def test_resumed_from_the_run_directory_is_equal(row, jobs, learnt, material, tmp_path):
    job, choice = learnt.job, learnt.choice
    plan = Plan(Recipe(), {"train": "a" * 64})
    with RunDirectory.open(tmp_path / "run", plan, Machine()) as run:
        RunMemory(run).remember("rung", choice, 1.5)
    with RunDirectory.open(tmp_path / "run", plan, Machine()) as run:
        recalled = RunMemory(run).recall("rung")
        assert recalled is not None
        again, seconds = recalled
    assert seconds == 1.5
    assert again.settings == choice.settings
    halves = np.arange(len(job.rows)) % 2 == 0
    if choice.out_of_fold.rows is not None:
        halves = halves[choice.out_of_fold.rows]
        assert np.array_equal(again.out_of_fold.rows, choice.out_of_fold.rows)
    assert again.facts == choice.facts
    assert np.array_equal(
        again.out_of_fold.cross_fitted(halves), choice.out_of_fold.cross_fitted(halves)
    )
    built = make_strategy(row.name, row.parameters).build(jobs("another store"), again)
    assert_same(built, learnt.model, material.new)


def test_never_sees_a_test_row(row, jobs, learnt, material):
    labels = [
        "poison" if held else label for label, held in zip(material.labels, HELD, strict=True)
    ]
    job = jobs("poisoned", material.data(labels, material.poison))
    poisoned = make_strategy(row.name, row.parameters).transfer(job)
    assert_same(learnt.model, poisoned, material.new)


def test_several_inputs_stay_apart(row, jobs, material, tmp_path):
    subjects, new_subjects = material.second
    bodies: list[Any] = [None if i % 10 == 0 else v for i, v in enumerate(material.inputs)]
    data = toys.dataset({"body": bodies, "a subject": subjects}, material.labels, test=HELD)
    model = make_strategy(row.name, row.parameters).transfer(jobs("two inputs", data))
    assert set(model.graph.inputs) == {"body", "a subject"}
    assert len(model.head.blocks) == 2 * len(row.reads)
    new = {"a subject": new_subjects, "body": material.new}
    model.save(tmp_path / "model")
    assert_same(model, Model.load(tmp_path / "model", placement=toys.placement()), new)
    turned = {"a subject": new["body"], "body": new["a subject"]}
    assert np.abs(model.predict(new).probabilities - model.predict(turned).probabilities).max() > 0
    with pytest.raises(GraftworkError, match="a subject"):
        model.predict({"body": material.new})


def test_trained_weights_are_kept_and_always_the_same(row, jobs, learnt, material, known, tmp_path):
    if row.name not in TRAINED:
        pytest.skip("trains no network")
    strategy = make_strategy(row.name, row.parameters)
    choice = learnt.choice
    share = 1.0 if row.name == "scratch" else 0.5
    forced = Choice(row.name, {**choice.settings, "epochs": 2, "share": share}, None)
    one, other = strategy.build(jobs("one"), forced), strategy.build(jobs("two"), forced)
    assert one.backbones["base"].fingerprint() != known["base"].fingerprint()
    assert one.facts["trained_parameters"] > one.head.n_parameters
    assert_same(one, other, material.new)
    one.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model", placement=toys.placement())
    assert_same(one, loaded, material.inputs)


def test_balanced_classes_lift_the_rare_one(row, jobs, material):
    labels = material.labels
    rare = [i for i, label in enumerate(labels) if label == "refund"][6:]
    kept = np.setdiff1d(np.arange(N), rare)
    data = toys.dataset({"it": [material.inputs[i] for i in kept]}, [labels[i] for i in kept])
    strategy = make_strategy(row.name, row.parameters)
    odds = {}
    for weight in ("none", "balanced"):
        job = jobs(weight, data, class_weight=weight)
        choice = strategy.search(job)
        assert choice.settings["balanced"] is (weight == "balanced")
        settings = {**choice.settings, "strength": 1.0}
        model = strategy.build(job, Choice(row.name, settings, None))
        probabilities = model.predict(material.new).probabilities
        odds[weight] = probabilities[:, model.classes.index("refund")].mean()
    assert odds["balanced"] > odds["none"]


class Steps(Progress):
    """Keeps the length of each first step of choosing."""

    def __init__(self) -> None:
        super().__init__()
        self.totals: list[int | None] = []

    def on_start(self, step: Any) -> None:
        if step.title.startswith("choosing"):
            self.totals.append(step.total)


def test_auto_weights_classes_where_the_metric_averages_over_them(row, jobs):
    tried = {}
    for metric in ("accuracy", "macro_f1"):
        steps = Steps()
        job = jobs(metric, metric=metric, progress=steps)
        choice = make_strategy(row.name, row.parameters).search(job)
        tried[metric] = steps.totals[0] if steps.totals else None
        if metric == "accuracy":
            assert choice.settings["balanced"] is False
    if row.name in TRAINED:  # follow their probe
        assert choice.settings["balanced"] is False
    elif row.name == "hybrid":  # follows its probe; alone it weights
        assert choice.settings["balanced"] is True
    else:
        assert tried["macro_f1"] == 2 * tried["accuracy"]


@pytest.mark.parametrize(
    ("name", "wrong"), [(row.name, wrong) for row in ROWS.values() for wrong in row.wrong]
)
def test_refuses_wrong_values(name, wrong, bert, lexical, tmp_path):
    known = {"base": bert, "plain": lexical}
    reads = next(row.reads for row in ROWS.values() if row.name == name)
    job = toys.job(MATERIALS["text"].data(), {key: known[key] for key in reads}, tmp_path)
    with pytest.raises((ParameterError, UnknownNameError)) as caught:
        make_strategy(name, wrong).search(job)
    (key, value) = next(iter(wrong.items()))
    assert key in str(caught.value)
    assert str(value) in str(caught.value)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.misspelt[0]])
def test_refuses_unknown_parameters_with_the_nearest_spelling(name):
    wrong, right = ROWS[name].misspelt
    with pytest.raises(ParameterError, match=f"did you mean '{right}'"):
        make_strategy(ROWS[name].name, {wrong: 3})


def test_nearest_strategy():
    with pytest.raises(UnknownNameError, match="did you mean 'probe'"):
        STRATEGIES.get("prob")
    assert STRATEGIES.get("soft") is STRATEGIES.get("probe")


def test_the_folder_imports_nothing_heavy(imports_nothing_heavy):
    imports_nothing_heavy("graftwork.strategies", "STRATEGIES")
