"""`fit --scratch-control`: the same architecture, trained from random weights, as a control."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.api._rungs import make_strategy
from graftwork.evaluation import controls
from graftwork.evaluation.controls import RandomTwin
from graftwork.storage.json_files import read_json
from graftwork.strategies._starts import start_settings
from graftwork.strategies.strategy import Choice


def test_it_is_one_more_control(
    graftwork: Callable[..., Any], tiny: Path, inbox: Path, tmp_path: Path
) -> None:
    words = ["fit", inbox, "--target", "label", "--input", "text", "--base", tiny]
    words += ["--strategy", "probe", "--scratch-control", "--out", tmp_path / "run"]
    told = graftwork(*words)
    assert told.code == 0, told.err
    assert "random weights, trained" in told.err
    metrics = read_json(tmp_path / "run" / "report" / "metrics.json")
    assert list(metrics["controls"])[-2:] == ["random_weights", "scratch"]
    about, other = (metrics["control_info"][name] for name in ("scratch", "random_weights"))
    assert about["n"] == other["n"]
    assert about["seconds"] > 0
    against = metrics["verdict"]["per_control"]["scratch"]
    # all rows were few enough: the transfer of the verdict itself is what it meets
    score = metrics["transfer"]["test"]["accuracy"]["value"]
    assert against["against"] == pytest.approx(score)
    assert "both sides learn from the same" in about["note"]
    assert "training chosen" in about["note"]
    assert "Same network from random weights, trained" in (
        tmp_path / "run" / "report" / "report.html"
    ).read_text("utf-8")
    assert not (tmp_path / "run" / "training").exists()


def test_without_a_test_part_it_is_left_out_and_said(
    graftwork: Callable[..., Any], tiny: Path, inbox: Path, tmp_path: Path
) -> None:
    words = ["fit", inbox, "--target", "label", "--input", "text", "--base", tiny]
    words += ["--strategy", "probe", "--test-size", "0", "--scratch-control"]
    told = graftwork(*words, "--out", tmp_path / "run")
    assert told.code == 0, told.err
    assert "--scratch-control: left out, as there is no test part" in told.err
    metrics = read_json(tmp_path / "run" / "report" / "metrics.json")
    assert "scratch" not in metrics["controls"]


def test_a_base_without_pre_training_has_none(
    graftwork: Callable[..., Any], inbox: Path, tmp_path: Path
) -> None:
    words = ["fit", inbox, "--target", "label", "--base", "lexical", "--scratch-control"]
    told = graftwork(*words, "--out", tmp_path / "run")
    assert told.code == 0, told.err
    assert "--scratch-control: left out, as no pre-trained base is tried" in told.err


@pytest.fixture
def case(tiny: Path, tmp_path: Path) -> tuple[Any, dict[str, list[str]], np.ndarray, RandomTwin]:
    """A job, test inputs, their codes, and the twin that both controls share."""
    from graftwork.bases import open_base

    texts, labels = toys.sentences(150)
    data = toys.dataset({"text": texts}, labels, test=np.arange(150) % 4 == 0)
    job = toys.job(data, {"base": open_base(str(tiny))}, tmp_path)
    test = np.flatnonzero(np.arange(150) % 4 == 0)
    codes = job.task.encode(data.labels(test))
    return job, data.take(test), codes, RandomTwin(make_strategy("probe", {}), "base", 0)


class Trained:
    """Scratch without its search: two epochs on whatever it is given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def transfer(self, job: Any) -> Any:
        self.given.append(job)
        name = next(iter(job.backbones))
        settings = {**start_settings(job, name), "backbone": name, "epochs": 2, "share": 1.0}
        made = make_strategy("scratch", {"epochs": 2, "rate": 1e-2})
        return made.build(job, Choice("scratch", settings, None, "2 epochs"))


def test_it_trains_and_gives_the_same_every_time(case: Any) -> None:
    job, test, codes, twin = case
    met = twin.control(job, test, codes, 3)
    made = [twin.trained(met, job, Trained(), test) for _ in range(2)]
    assert np.array_equal(made[0].probabilities, made[1].probabilities)
    assert not np.allclose(made[0].probabilities, met.probabilities)
    assert made[0].against is None
    assert made[0].predicted.shape == codes.shape
    assert "2 epochs" in made[0].note
    assert "scratch refit" in job.notes


def test_on_fewer_rows_it_meets_the_probe_on_those(
    case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, test, codes, twin = case
    monkeypatch.setattr(controls, "TRAIN_ROWS", 60)
    monkeypatch.setattr(controls, "TEST_ROWS", 30)
    met = twin.control(job, test, codes, 4)  # a label that no training row has
    scratch = Trained()
    made = twin.trained(met, job, scratch, test)
    assert len(scratch.given[0].rows) == 60
    assert np.array_equal(scratch.given[0].rows, twin.rows_of(job).rows)
    assert made.probabilities is not None
    assert made.probabilities.shape == (30, 4)
    assert np.array_equal(made.rows(), met.rows())
    assert np.array_equal(made.against, met.against)
    assert "60 rows" in made.note
    assert "probe" in made.note
