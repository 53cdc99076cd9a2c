"""`fit --replay RUN`: the same rungs as there, whatever the clock says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from job_files import heads_of, make_rows, write_csv

import graftwork as gw
from graftwork.errors import RunError
from graftwork.planning.budget import Budget
from graftwork.storage.json_files import read_json


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("data") / "rows.csv", make_rows(150))


def _tried(run: Path) -> list[str]:
    return [rung["name"] for rung in read_json(run / "record.json")["ladder"]["rungs"]]


def test_a_slow_machine_ends_on_the_same_rung(
    graftwork: Any, data: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again, anew = (tmp_path / name for name in ("first", "again", "anew"))
    words = ["fit", data, "--target", "label", "--base", tiny, "--min-gain", ".002", "--folds", 3]
    words += ["--epochs", 2]
    assert graftwork(*words, "--out", first).code == 0
    assert len(_tried(first)) > 1
    monkeypatch.setattr(Budget, "left", property(lambda self: -1.0))
    told = graftwork("fit", data, "--replay", first, "--out", again)
    assert told.code == 0, told.err
    assert _tried(again) == _tried(first)
    assert heads_of(again) == heads_of(first)
    assert read_json(again / "plan.json")["digest"] == read_json(first / "plan.json")["digest"]
    assert graftwork(*words, "--out", anew).code == 0
    assert len(_tried(anew)) == 1  # the clock would have decided otherwise


def test_settings_go_on_top(data: Path, tiny: Path, tmp_path: Path) -> None:
    common = {"target": "label", "base": str(tiny), "strategy": "probe", "folds": 3}
    gw.fit(data, out=tmp_path / "first", settings=common)
    gw.fit(data, out=tmp_path / "second", replay=tmp_path / "first", seed=3)
    one, other = (read_json(tmp_path / n / "plan.json")["recipe"] for n in ("first", "second"))
    assert other == {**one, "seed": 3}


def test_what_is_asked_for_by_name_is_tried(
    data: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There was no time for anything; a strategy that is named wants none of that."""
    settings = {"target": "label", "base": str(tiny), "folds": 3}
    with monkeypatch.context() as patch:
        patch.setattr(Budget, "left", property(lambda self: -1.0))
        gw.fit(data, out=tmp_path / "first", settings=settings)
    assert len(_tried(tmp_path / "first")) == 1
    gw.fit(data, out=tmp_path / "again", replay=tmp_path / "first")
    assert len(_tried(tmp_path / "again")) == 1
    named = {"strategy": "finetune", "parameters": {"epochs": 1}}
    gw.fit(data, out=tmp_path / "named", replay=tmp_path / "first", settings=named)
    assert _tried(tmp_path / "named")[-1] == "finetune"


@pytest.mark.slow
def test_only_the_clock_is_replayed(
    data: Path, tiny: Path, checkpoints: Any, tmp_path: Path
) -> None:
    """What the data or the base say of a rung is asked of those that are there."""
    more = write_csv(tmp_path / "more.csv", make_rows(480))
    settings = {"target": "label", "folds": 3, "parameters": {"epochs": 1}}
    gw.fit(more, out=tmp_path / "first", settings={**settings, "base": str(tiny)})
    assert "top" in _tried(tmp_path / "first")
    found = {}
    for name, rows, base in (
        ("albert", more, str(checkpoints("albert"))),
        ("few", data, str(tiny)),
    ):
        gw.fit(rows, out=tmp_path / name, replay=tmp_path / "first", base=base)
        passed = read_json(tmp_path / name / "record.json")["ladder"]["not_tried"]
        found[name] = {row["name"]: row["reason"] for row in passed}
    assert "no boundary" in found["albert"]["top"]
    assert found["few"] == {}
    assert _tried(tmp_path / "few") == ["lexical", "probe", "contrast"]  # another ladder


def test_a_plan_is_that_of_the_run(data: Path, tiny: Path, tmp_path: Path) -> None:
    gw.fit(
        data,
        out=tmp_path / "first",
        settings={"target": "label", "base": str(tiny), "strategy": "probe", "folds": 3},
    )
    plan = gw.plan(data, replay=tmp_path / "first")
    assert plan["digest"] == read_json(tmp_path / "first" / "plan.json")["digest"]


def test_a_run_that_is_none_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no finished run"):
        gw.fit(data, out=tmp_path / "out", replay=tmp_path / "nothing")
    assert not (tmp_path / "out").exists()
