"""The ladder with rungs that train: forecast, budget, headroom, fair comparison, decisions kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.api._rungs import few_labels, make_strategy, rungs_of
from graftwork.bases.hog import Hog
from graftwork.errors import RunError, TrainingError
from graftwork.planning.budget import Budget
from graftwork.planning.gain import wanted_of_kept
from graftwork.planning.gate import Gate
from graftwork.planning.ladder import UNTUNED, climb
from graftwork.planning.rung import Rung
from graftwork.runs.recipe import Recipe
from graftwork.strategies.probe import Probe
from graftwork.strategies.strategy import Choice

N = 480
TEXTS, LABELS = toys.sentences(N)
TWO = ("probe", "finetune")  # the shortest ladder on which something is tuned


@dataclass
class Kept:
    """A memory in memory."""

    rungs: dict[str, tuple[Choice, float]] = field(default_factory=dict)
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def recall(self, rung: str) -> tuple[Choice, float] | None:
        return self.rungs.get(rung)

    def remember(self, rung: str, choice: Choice, seconds: float) -> None:
        self.rungs[rung] = choice, seconds

    def decided(self, rung: str) -> dict[str, Any] | None:
        return self.decisions.get(rung)

    def decide(self, rung: str, decision: dict[str, Any]) -> None:
        self.decisions[rung] = decision


@pytest.fixture
def job(bert: Any, lexical: Any, tmp_path: Path) -> Any:
    data = toys.dataset({"text": TEXTS}, LABELS)
    return toys.job(data, {"lexical": lexical, "base": bert}, tmp_path)


@pytest.fixture
def rungs(bert: Any) -> list[Rung]:
    recipe = Recipe(parameters={"epochs": 2, "rate": 1e-3, "layer": 2})
    return rungs_of(recipe, bert, "lexical")[0]


def test_a_large_base_is_adapted_not_tuned_in_whole(
    bert: Any, rungs: list[Rung], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = bert.describe()
    monkeypatch.setattr(type(bert), "describe", lambda self: facts | {"parameters": 330_000_000})
    large = rungs_of(Recipe(), bert, "lexical")[0]
    assert [rung.name for rung in large] == ["lexical", "probe", "hybrid", "top", "lora"]
    monkeypatch.setattr("graftwork.strategies.lora._no_peft", lambda: True)
    why = large[-1].strategy.refuses(bert)  # type: ignore[attr-defined]
    assert why is not None
    assert "pip install 'graftwork[lora]'" in why


def test_the_rungs_of_auto_go_from_cheap_to_costly(rungs: list[Rung]) -> None:
    assert [rung.name for rung in rungs] == ["lexical", "probe", "hybrid", "top", "finetune"]
    assert [rung.builds_on for rung in rungs[3:]] == ["probe", "probe"]
    assert rungs[3].title == "top 1 layers tuned"


def test_a_spent_budget_still_ends_with_an_answer(job: Any, rungs: list[Rung]) -> None:
    found = climb(job, rungs, min_gain=0.005, budget=Budget(1.0, before=2.0))
    assert [result.rung.name for result in found.results] == ["lexical"]
    assert found.chosen.rung.name == "lexical"
    assert {row["name"] for row in found.passed} == {"probe", "hybrid", "top", "finetune"}
    assert all("budget" in row["reason"] for row in found.passed), found.passed


def test_what_would_take_longer_than_what_is_left_is_not_tried(
    job: Any, rungs: list[Rung], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(rungs[3].strategy)
    told = {"pilot": 50.0, "refit": 60.0, "epoch": 20.0, "pilot_epoch": 10.0, "states": 0.0}
    monkeypatch.setattr(kind, "forecast", lambda self, job, rows: told)
    memory = Kept()
    found = climb(job, rungs, min_gain=0.005, budget=Budget(100.0), memory=memory)
    assert [row["name"] for row in found.passed] == ["top", "finetune"]
    assert "about 2 min, and " in found.passed[0]["reason"]
    assert found.passed[0]["forecast"] == told
    again = climb(job, rungs, min_gain=0.005, budget=Budget(1e6), memory=memory)
    assert again.passed == found.passed  # decided once, whatever the clock says later


@pytest.fixture
def one_pilot(job: Any, rungs: list[Rung], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The job of a run, whose trials of all layers fit a budget of which a refit is too long.

    With many rows one fold judges; here as few as there are.
    """
    monkeypatch.setattr("graftwork.strategies._trained.MOST_FOLDS", 1)
    monkeypatch.setattr("graftwork.planning.gate.LEAST_JUDGED", 50)
    monkeypatch.setattr("graftwork.planning.gate.HOPED", 1.0)  # the toy has nothing left to gain
    monkeypatch.setattr("graftwork.planning.gate.missing", lambda *_: 0.5)
    told = {"pilot": 50.0, "refit": 600.0, "epoch": 200.0, "pilot_epoch": 10.0, "states": 0.0}
    kind = type(rungs[4].strategy)
    monkeypatch.setattr(kind, "forecast", lambda self, job, rows: told)
    return replace(job, folder=lambda name: tmp_path / name)


def test_with_time_for_a_trial_alone_its_model_is_kept(
    one_pilot: Any, rungs: list[Rung], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = one_pilot
    wanted: list[float] = []
    pays = "graftwork.planning.ladder.pays"
    monkeypatch.setattr(pays, lambda gain, least: wanted.append(least) or False)
    monkeypatch.setattr("graftwork.planning.ladder.wanted_of_kept", lambda *_: 0.01)
    memory, ladder = Kept(), [rungs[0], rungs[1], rungs[4]]
    climb(job, ladder, min_gain=0.005, budget=Budget(300.0), memory=memory)
    decision = memory.decisions["finetune"]
    assert decision["kept"] is True
    assert "enough for a trial of 2 epochs (about 50 s)" in decision["reason"]
    assert set(wanted) == {0.005, 0.01}
    choice = memory.rungs["finetune"][0]
    assert (choice.learnt is None) == (choice.settings["epochs"] == 0)
    replayed = Kept()
    spent, timely = Budget(1.0, before=2.0), memory.decisions
    climb(job, ladder, min_gain=0.005, budget=spent, memory=replayed, timely=timely)
    assert replayed.decisions["finetune"]["kept"] is True
    later = Kept()
    climb(job, ladder, min_gain=0.005, budget=Budget(40.0), memory=later)
    assert not later.decisions["finetune"]["go"]


@pytest.mark.parametrize(("seconds", "epochs"), [(51.0, 4), (41.0, 3), (31.0, 2), (29.0, None)])
def test_a_trial_has_as_many_epochs_as_there_is_time_for(
    one_pilot: Any, rungs: list[Rung], seconds: float, epochs: int | None
) -> None:
    long = replace(rungs[4], strategy=replace(rungs[4].strategy, epochs=4))  # type: ignore[type-var]
    gate = Gate(one_pilot, 0.005, None, Budget(seconds), N, None, {})
    best: Any = SimpleNamespace(
        rung=rungs[1], score={"value": 0.5}, choice=SimpleNamespace(learnt=None)
    )
    found = gate.decide(long, best)
    assert found.get("epochs") == epochs
    assert found["go"] is (epochs is not None)
    again = Gate(one_pilot, 0.005, None, None, N, None, {"finetune": found})
    if epochs is not None:  # a run that is replayed decided so
        assert again.decide(long, best)["epochs"] == epochs


def test_none_is_kept_that_would_be_trained_twice(one_pilot: Any, rungs: list[Rung]) -> None:
    """Without a run there is no folder for its checkpoints."""
    ladder, memory = [rungs[0], rungs[1], rungs[4]], Kept()
    job = replace(one_pilot, folder=None)
    climb(job, ladder, min_gain=0.005, budget=Budget(300.0), memory=memory)
    assert not memory.decisions["finetune"]["go"]


def test_replayed_where_two_pilots_judge_none_is_kept(
    one_pilot: Any, rungs: list[Rung], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graftwork.strategies._trained.MOST_FOLDS", 2)
    ladder, memory = [rungs[0], rungs[1], rungs[4]], Kept()
    timely = {"finetune": {"go": True, "kept": True, "clock": True}}
    climb(one_pilot, ladder, min_gain=0.005, memory=memory, timely=timely)
    assert memory.decisions["finetune"]["go"]
    assert "kept" not in memory.decisions["finetune"]
    assert memory.rungs["finetune"][0].learnt is None


@pytest.mark.parametrize(
    ("budget", "learnt", "go"), [(90.0, None, False), (120.0, None, True), (90.0, [1], True)]
)
def test_a_trial_leaves_time_for_what_the_rung_below_still_needs(
    one_pilot: Any, rungs: list[Rung], budget: float, learnt: Any, go: bool
) -> None:
    """50 s for the trial, 60 s for the final training of the top layers, unless they are kept."""
    gate = Gate(one_pilot, 0.005, None, Budget(budget), N, None, {})
    best: Any = SimpleNamespace(
        rung=rungs[3],
        choice=SimpleNamespace(learnt=learnt),
        score={"value": 0.5},
        forecast={"refit": 60.0},
    )
    assert gate.decide(rungs[4], best)["go"] is go


def test_a_forecast_that_finds_no_time_is_made_again(
    one_pilot: Any, rungs: list[Rung], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = ("pilot", "refit", "epoch", "pilot_epoch", "states")
    seconds = iter([100.0, 10.0, 1000.0])  # the last is no noise: it counts at once
    told = (dict.fromkeys(parts, each) for each in seconds)
    monkeypatch.setattr(type(rungs[4].strategy), "forecast", lambda self, job, rows: next(told))
    gate = Gate(one_pilot, 0.005, None, Budget(100.0), N, None, {})
    best: Any = SimpleNamespace(
        rung=rungs[1], score={"value": 0.5}, choice=SimpleNamespace(learnt=None)
    )
    found = gate.decide(rungs[4], best)
    assert found["go"]
    assert "kept" not in found
    assert found["forecast"]["pilot"] == 10.0
    assert not gate.decide(rungs[4], best)["go"]
    assert next(seconds, None) is None


def test_what_was_kept_of_other_rows_is_refused(job: Any, rungs: list[Rung]) -> None:
    memory = Kept()
    climb(job, rungs[:2], min_gain=0.005, memory=memory)
    climb(job, rungs[:2], min_gain=0.005, memory=memory)
    other = replace(job, rows=job.rows[::-1][: N - 1].copy(), folds=job.folds[: N - 1])
    with pytest.raises(RunError, match="is of other rows than this version draws"):
        climb(other, rungs[:2], min_gain=0.005, memory=memory)


@pytest.mark.parametrize(
    ("score", "share", "wanted"),
    [(0.6, 0.8, 0.0088), (0.6, 0.5, 0.0268), (0.9, 0.8, 0.005), (0.9, 0.1, 0.0206),
     (0.6, 1.0, 0.005), (None, 0.5, 0.005)],
)  # fmt: skip
def test_a_kept_trial_must_gain_what_its_missing_rows_would(
    score: float | None, share: float, wanted: float
) -> None:
    best: Any = SimpleNamespace(score={"value": score}, choice=SimpleNamespace(learnt=None))
    assert wanted_of_kept(best, "accuracy", 0.005, share) == pytest.approx(wanted, abs=1e-4)
    best.choice.learnt = [0]  # nor will that of the rung below learn from more
    assert wanted_of_kept(best, "accuracy", 0.005, share) == 0.005


@pytest.mark.parametrize(
    ("score", "share", "hopeful"),
    [(0.83, 0.8, True), (0.97, 0.8, False), (0.83, 0.3, False), (None, 0.8, True),
     (0.83, None, False)],
)  # fmt: skip
def test_a_trial_is_kept_only_where_there_is_much_to_gain(
    job: Any, score: float | None, share: float | None, hopeful: bool
) -> None:
    """Tuning brings a tenth of what is missing; a point, or what missing rows bring, is wanted."""
    gate = Gate(job, 0.005, None, None, N, None, {})
    best: Any = SimpleNamespace(score={"value": score}, choice=SimpleNamespace(learnt=None))
    assert gate._hopeful(best, share) is hopeful


def test_of_many_rows_a_trial_learns_from_a_smaller_share(
    one_pilot: Any, rungs: list[Rung]
) -> None:
    few, many = (Gate(one_pilot, 0.005, None, None, n, None, {}) for n in (N, 10 * N))
    share = few.kept_share(rungs[4])
    assert share == pytest.approx(2 / 3, abs=0.02)  # of three folds one judges
    assert many.kept_share(rungs[4]) == pytest.approx(share / 10)
    assert many.kept_share(rungs[1]) is None


def test_a_forecast_tells_every_part(job: Any, rungs: list[Rung], bert: Any) -> None:
    for rung in rungs[3:]:
        told = rung.strategy.forecast(replace(job, backbones={"base": bert}), 2 * N)  # type: ignore[attr-defined]
        assert set(told) == {"states", "pilot_epoch", "epoch", "pilot", "refit"}
        assert told["epoch"] > told["pilot_epoch"] > 0
        assert (told["states"] > 0) == (rung.name == "top")


def test_the_only_rung_of_a_base_without_layers_was_not_asked_for(lexical: Any) -> None:
    rungs, end_on = rungs_of(Recipe(), lexical, "lexical")
    assert [rung.name for rung in rungs] == ["lexical"]
    assert end_on is None
    assert rungs_of(Recipe(strategy="probe"), lexical, "lexical")[1] == "lexical"


def test_few_rows_are_not_enough_for_a_pilot(bert: Any, lexical: Any, tmp_path: Path) -> None:
    data = toys.dataset({"text": TEXTS[:90]}, LABELS[:90])
    small = toys.job(data, {"lexical": lexical, "base": bert}, tmp_path)
    rungs = rungs_of(Recipe(), bert, "lexical")[0]
    found = climb(small, rungs, min_gain=0.005)
    assert [row["name"] for row in found.passed] == ["top", "finetune"]
    assert all("too few" in row["reason"] for row in found.passed)


def few(bert: Any, lexical: Any, folder: Path) -> Any:
    """A job of 24 rows, eight a label."""
    texts, truth = toys.sentences(N)
    place = [
        i for name in sorted(toys.TOPICS) for i in np.flatnonzero(np.asarray(truth) == name)[:8]
    ]
    data = toys.dataset({"text": [texts[i] for i in place]}, [truth[i] for i in place])
    return toys.job(data, {"lexical": lexical, "base": bert}, folder)


def test_with_few_labels_what_does_better_as_a_rule_is_taken(
    bert: Any, lexical: Any, tmp_path: Path
) -> None:
    """No gain can be seen on 24 rows, nor that there is nothing left to gain."""
    job = few(bert, lexical, tmp_path)
    assert few_labels(job, bert)
    recipe = Recipe(parameters={"steps": 3})
    rungs, end_on = rungs_of(recipe, bert, "lexical", few=True)
    assert [rung.name for rung in rungs] == ["lexical", "probe", "contrast"]
    # words alone know these texts by heart, and the toy base is shown to be worse: without them
    found = climb(job, rungs[1:], min_gain=0.005, end_on=end_on)
    assert found.chosen is found.transfer is found.results[-1]
    assert found.chosen.taken
    gain = found.chosen.gain
    assert gain is not None
    if "as a rule" not in found.chosen.reason:  # it may even be seen
        assert gain["value"] > gain["error"] > 0
    whole = climb(job, rungs, min_gain=0.005)
    assert whole.chosen.rung.name == "lexical"
    assert whole.results[1].gain is not None
    assert whole.results[1].gain["high"] < 0


def test_the_rule_is_one_for_texts_and_bases_that_can_be_tuned(
    job: Any, bert: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few_of(rows: int, base: Any) -> bool:
        return few_labels(replace(job, rows=job.rows[:rows]), base)

    assert [few_of(rows, bert) for rows in (5, 6, 299, 300)] == [False, True, True, False]
    assert not few_of(299, Hog())
    facts = bert.describe()
    monkeypatch.setattr(type(bert), "describe", lambda self: facts | {"parameters": 330_000_000})
    assert not few_of(299, bert)


@pytest.mark.parametrize(("high", "taken"), [(-0.01, False), (0.0, True), (None, True)])
def test_a_rule_does_not_hold_against_what_is_shown(
    high: float | None, taken: bool, bert: Any, lexical: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    job = few(bert, lexical, tmp_path)
    rungs, _ = rungs_of(Recipe(parameters={"steps": 3}), bert, "lexical", few=True)
    value = None if high is None else high - 0.1
    told = {"value": value, "low": value, "high": high, "error": value and 0.05}
    monkeypatch.setattr("graftwork.planning.ladder._Ladder._gain", lambda *_: told)
    found = climb(job, rungs, min_gain=0.005)
    assert [result.taken for result in found.results] == [True, taken, taken]
    assert ("as a rule" in found.results[1].reason) is taken
    last = found.results[-1].reason
    assert ("as a rule with so few labels" in last) is taken, last


def test_what_builds_on_a_rung_that_fell_has_no_rule(
    bert: Any, lexical: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where frozen features are worse than words alone, tuning must show a gain over the words."""
    job = few(bert, lexical, tmp_path)
    rungs, _ = rungs_of(Recipe(parameters={"steps": 3}), bert, "lexical", few=True)
    gains = iter([-0.2, 0.0])

    def told(*_: Any) -> dict[str, float]:
        value = next(gains, 0.0)
        return {"value": value, "low": value - 0.1, "high": value + 0.1, "error": 0.05}

    monkeypatch.setattr("graftwork.planning.ladder._Ladder._gain", told)
    found = climb(job, rungs, min_gain=0.005)
    assert [result.taken for result in found.results] == [True, False, False]
    assert found.chosen.rung.name == "lexical"


def test_the_ladder_ends_where_little_is_left_to_gain(job: Any, rungs: list[Rung]) -> None:
    found = climb(job, rungs, min_gain=0.9)  # no score leaves room for 90 points
    assert [result.rung.name for result in found.results] == ["lexical", "probe", "hybrid"]
    assert [row["name"] for row in found.passed] == ["top", "finetune"]
    assert all("left to gain" in row["reason"] for row in found.passed)
    assert found.chosen.rung.name == "lexical"


@pytest.mark.parametrize(("rate", "helps"), [(3e-3, True), (1e-7, False)])
def test_tuning_is_taken_because_it_gains(
    rate: float, helps: bool, bert: Any, lexical: Any, tmp_path: Path
) -> None:
    """On labels that want it; with a rate at which nothing moves it is tried and left."""
    texts, labels = toys.contrary(300)
    data = toys.dataset({"text": texts}, labels)
    job = toys.job(data, {"lexical": lexical, "base": bert}, tmp_path)
    recipe = Recipe(parameters={"epochs": 5, "rate": rate, "batch_rows": 16})
    rungs = [rung for rung in rungs_of(recipe, bert, "lexical")[0] if rung.name in TWO]
    found = climb(job, rungs, min_gain=0.005, budget=Budget(1e6))
    assert found.passed == []
    probe, tuned = found.results
    assert tuned.taken is helps
    assert found.chosen is found.transfer is (tuned if helps else probe)
    # what it gains is the difference to its own start, on the rows that the pilot was judged on
    out_of_fold = tuned.choice.out_of_fold
    assert out_of_fold is not None
    begun = (out_of_fold.predicted[0] == out_of_fold.truth).mean()
    ended = (tuned.predicted == job.codes())[tuned.judged].mean()
    assert tuned.gain is not None
    assert tuned.gain["value"] == pytest.approx(ended - begun)
    if helps:
        assert tuned.choice.settings["epochs"] > 0
        assert ended - begun > max(0.1, tuned.gain["error"] or 0)
        assert tuned.reason == f"gains {100 * (ended - begun):.1f} points over {probe.rung.title}"
    else:
        assert ended == begun
        assert tuned.reason.startswith(f"gains only 0.0 points over {probe.rung.title}, less than")
        asked = climb(job, rungs, min_gain=0.005, budget=Budget(1e6), end_on="finetune")
        assert asked.chosen.rung.name == "finetune"
        assert asked.chosen.reason == f"asked for; {UNTUNED}"


def test_a_pilot_that_went_all_the_way_back_is_not_taken(
    bert: Any, lexical: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the halves' own choices gain is no gain of the frozen start, which would be kept."""
    texts, labels = toys.contrary(300)
    data = toys.dataset({"text": texts}, labels)
    job = toys.job(data, {"lexical": lexical, "base": bert}, tmp_path)
    recipe = Recipe(parameters={"epochs": 1, "rate": 1e-7})
    rungs = [rung for rung in rungs_of(recipe, bert, "lexical")[0] if rung.name in TWO]
    gained = {"value": 0.2, "low": 0.1, "high": 0.3, "error": 0.05}
    monkeypatch.setattr("graftwork.planning.ladder._Ladder._gain", lambda *_: gained)
    said: list[str] = []
    monkeypatch.setattr(job.progress, "say", said.append)
    found = climb(job, rungs, min_gain=0.005, budget=Budget(1e6))
    tuned = found.results[-1]
    assert tuned.choice.settings["epochs"] == 0
    assert not tuned.taken
    assert tuned.reason == UNTUNED
    assert found.chosen.rung.name == found.transfer.rung.name == "probe"
    assert f"on {tuned.judged.sum()} rows of a pilot" in said[-1]


def test_auto_stops_where_nothing_is_left_to_gain(
    bert: Any, lexical: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the settings that everyone begins with: no step of training is made."""
    names = list(toys.TOPICS)
    labels = [names[i % 3] for i in range(300)]
    texts = [f"{toys.TOPICS[label][0]} {toys.FILLER[i % 11]} {i}" for i, label in enumerate(labels)]
    data = toys.dataset({"text": texts}, labels)
    job = toys.job(data, {"lexical": lexical, "base": bert}, tmp_path)
    recipe = Recipe()
    rungs = rungs_of(recipe, bert, "lexical")[0]
    measured: list[str] = []
    kind = type(rungs[-1].strategy)
    monkeypatch.setattr(kind, "forecast", lambda self, *_: measured.append("forecast"))
    monkeypatch.setattr(kind, "search", lambda self, *_: measured.append("search"))
    found = climb(job, rungs, min_gain=recipe.min_gain, budget=Budget(900.0))
    assert [result.rung.name for result in found.results] == ["lexical", "probe", "hybrid"]
    assert found.chosen.rung.name == "lexical"
    assert found.chosen.score["value"] == 1.0
    assert [row["name"] for row in found.passed] == ["top", "finetune"]
    for row in found.passed:
        assert row["reason"] == "at 1.000 there is less than 0.5 points left to gain"
    assert measured == []


def test_a_training_that_breaks_down_ends_its_rung_alone(job: Any, rungs: list[Rung]) -> None:
    kind = type(rungs[-1].strategy)

    class Broken(kind):  # type: ignore[misc, valid-type]
        def search(self, job: Any) -> Choice:
            raise TrainingError("the loss became nan at step 3")

    broken = replace(rungs[-1], strategy=Broken())
    found = climb(job, [*rungs[:2], broken], min_gain=0.005)
    assert found.passed[-1]["name"] == "finetune"
    assert "nan" in found.passed[-1]["reason"]
    assert found.chosen.rung.name in ("lexical", "probe")
    with pytest.raises(TrainingError):
        climb(job, [*rungs[:2], broken], min_gain=0.005, end_on="finetune")


def test_a_pilot_is_compared_with_what_learnt_from_the_same_rows(job: Any, bert: Any) -> None:
    """A rung that learnt from more rows is fitted again on those of the pilot."""
    seen: list[int] = []
    hybrid = make_strategy("hybrid", {})
    kind = type(hybrid)

    class Watched(kind):  # type: ignore[misc, valid-type]
        def build(self, job: Any, choice: Choice) -> Any:
            seen.append(len(job.rows))
            return super().build(job, choice)

    tuned = make_strategy("finetune", {"epochs": 1})
    rungs = [
        Rung("probe", "probe", make_strategy("probe", {"layer": 2}), ("base",)),
        Rung("hybrid", "hybrid", Watched(), ("base", "lexical")),
        Rung("finetune", "tuned", tuned, ("base",), builds_on="probe"),
    ]
    found = climb(job, rungs, min_gain=-1.0)  # every rung is taken
    expected = [len(learn) for learn, _ in tuned.splits(replace(job, backbones={"base": bert}))]  # type: ignore[attr-defined]
    if found.results[1].taken:
        assert seen == expected
    judged = found.results[2].judged
    assert 0 < judged.sum() < len(job.rows)


def test_a_rung_for_few_rows_is_passed_with_many_unless_asked_for(
    job: Any, rungs: list[Rung]
) -> None:
    few = [rungs[0], rungs[1], replace(rungs[-1], most_rows=len(job.rows) - 1)]
    assert (few[-1].name, rungs[-1].most_rows) == ("finetune", None)
    found = climb(job, few, min_gain=0.005)
    assert [each["name"] for each in found.passed] == ["finetune"]
    assert "--strategy finetune" in found.passed[0]["reason"]
    assert climb(job, few, min_gain=0.005, end_on="finetune").chosen.rung.name == "finetune"
    enough = [*few[:2], replace(few[-1], most_rows=len(job.rows))]
    assert climb(job, enough, min_gain=0.005).of("finetune") is not None


Open = Callable[[str], Any]


def test_a_base_without_a_boundary_passes_that_rung(
    open_tiny: Open, lexical: Any, tmp_path: Path
) -> None:
    albert = open_tiny("albert")
    data = toys.dataset({"text": TEXTS}, LABELS)
    made = toys.job(data, {"lexical": lexical, "base": albert}, tmp_path)
    recipe = Recipe(parameters={"epochs": 1, "layer": 2})
    found = climb(made, rungs_of(recipe, albert, "lexical")[0], min_gain=0.0)
    assert found.passed[0]["name"] == "top"
    assert "no boundary" in found.passed[0]["reason"]
    assert "finetune" in [result.rung.name for result in found.results]


def test_predictions_stand_for_the_judged_rows_alone(job: Any, rungs: list[Rung]) -> None:
    found = climb(job, rungs, min_gain=0.005)
    for result in found.results:
        judged = result.judged
        assert judged.all() == (not hasattr(result.rung.strategy, "forecast"))
        assert np.isin(result.predicted[judged], range(3)).all()


def test_tuning_begins_from_a_readout_that_learns(job: Any, rungs: list[Rung]) -> None:
    """A pilot in which nothing of the base learns would be no trial of the rung."""
    found = climb(job, [_reads(rungs[1], 1), *rungs[3:]], min_gain=0.0)
    probe, top, whole = found.results
    frozen = job.backbones["base"].n_layers - 1 - top.rung.strategy.top  # type: ignore[attr-defined]
    assert probe.choice.settings["readout"]["layers"] == [1]
    assert max(top.choice.settings["readout"]["layers"]) > frozen >= 1
    assert whole.choice.settings["readout"] == probe.choice.settings["readout"]
    # it is compared with the probe fitted on the very rows, not with where it began
    right = []
    for learn, judge in top.rung.strategy.splits(job):  # type: ignore[attr-defined]
        small = replace(job, rows=job.rows[learn], folds=job.folds[learn])
        model = probe.rung.strategy.build(small, probe.choice)
        labels = model.predict(job.dataset.take(job.rows[judge])).labels
        tuned, truth = top.predicted[judge], job.codes()[judge]
        assert (tuned >= 0).all()
        right += [*((tuned == truth) * 1.0 - (np.asarray(job.task.encode(labels)) == truth))]
    assert top.gain is not None
    assert top.gain["value"] == pytest.approx(np.mean(right))


def _reads(rung: Rung, layer: int) -> Rung:
    """The probe's rung, its choice always that layer."""
    kind = type(rung.strategy)

    class Fixed(kind):  # type: ignore[misc, valid-type]
        def search(self, job: Any) -> Choice:
            found = super().search(job)
            readout = {**found.settings["readout"], "layers": [layer]}
            return replace(found, settings={**found.settings, "readout": readout})

    return replace(rung, strategy=Fixed())


def test_a_pilot_that_few_new_rows_could_judge_is_not_tried(job: Any, rungs: list[Rung]) -> None:
    """Of a warm start: what the earlier run has learnt from judges nothing."""
    fresh = np.zeros(len(job.rows), dtype=bool)
    fresh[np.flatnonzero(job.folds == 2)[:40]] = True  # pilots judge the first two folds
    found = climb(job, rungs, min_gain=0.005, fresh=fresh)
    assert [row["reason"].split(",")[0] for row in found.passed] == [
        "a pilot could be judged by 0 new rows only"
    ] * 2
    asked = climb(job, [*rungs[:2], rungs[-1]], min_gain=0.005, end_on="finetune", fresh=fresh)
    assert asked.chosen.rung.name == "finetune"


def test_a_frozen_rung_is_forecast_on_rows_of_every_fold(bert: Any, tmp_path: Path) -> None:
    """One group may fill a fold; the few rows that are measured still come from several."""
    many = toys.dataset({"text": [f"{text} {i}" for i in range(12) for text in TEXTS]}, LABELS * 12)
    large = toys.job(many, {"base": bert}, tmp_path)
    large.folds[:] = 0
    large.folds[:3] = [1, 2, 3]
    assert Probe(readouts=1).forecast_search(large) > 0
