"""`fit --from RUN`: the earlier model is tried first, its test rows are never learnt from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_files import make_rows, write_csv

import graftwork
from graftwork.errors import DataError, InputError, ParameterError, RunError
from graftwork.runs.progress import Progress


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory, checkpoints: Any) -> Path:
    """A finished run on 150 rows."""
    folder = tmp_path_factory.mktemp("earlier")
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(150)]
    data = write_csv(folder / "old.csv", rows)
    base = str(checkpoints("bert"))
    graftwork.fit(data, out=folder / "run", target="label", base=base, strategy="probe")
    return folder


def more(folder: Path, rows: list[dict[str, str]], **settings: Any) -> Any:
    data = write_csv(folder / "more.csv", rows)
    start = str(settings.pop("start"))
    return graftwork.fit(data, out=folder / "run", start=start, strategy="probe", **settings)


def test_the_earlier_model_is_a_rung_and_its_test_rows_stay_apart(
    earlier: Path, tmp_path: Path
) -> None:
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(330)]
    run = more(tmp_path, rows, start=earlier / "run", test_size=0.1, seed=5)
    names = [rung["name"] for rung in run.record["ladder"]["rungs"]]
    assert names == ["lexical", "earlier", "probe"]
    assert run.report["chosen"]["rungs"][1]["words"] == "the earlier model as it is"
    old = graftwork.Run.load(earlier / "run", lambda path: None)
    assert old.path == earlier / "run"
    from graftwork.storage.tensors import load_tensors

    judged = {
        row.tobytes() for row in load_tensors(earlier / "run" / "test_keys.safetensors")["keys"]
    }
    learnt = {row.tobytes() for row in run.model.training_keys}
    assert judged
    assert not judged & learnt


def test_the_earlier_model_is_tried_beside_a_base_without_layers(
    earlier: Path, tmp_path: Path
) -> None:
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(330)]
    data = write_csv(tmp_path / "more.csv", rows)
    common = {"target": "label", "base": "lexical", "start": str(earlier / "run")}
    told = graftwork.plan(data, settings=common)
    assert told["rungs"] == ["TF-IDF alone, no transfer", "the earlier model as it is"]
    run = graftwork.fit(data, out=tmp_path / "run", settings=common)
    ladder = run.record["ladder"]
    assert [rung["name"] for rung in ladder["rungs"]] == ["lexical", "earlier"]
    assert "budget" not in ladder["reason"]
    assert ladder["reason"] != "asked for"


@pytest.mark.slow
def test_auto_goes_on_from_a_run_that_tuned_its_base(tmp_path: Path, checkpoints: Any) -> None:
    """What was tuned is the base of every rung, and the rows that tuned it judge none."""
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(540)]
    training = {"epochs": 3, "rate": 0.003, "batch_rows": 8}
    common = {"target": "label", "base": str(checkpoints("bert")), "folds": 2}
    first = graftwork.fit(
        write_csv(tmp_path / "old.csv", rows[:180]),
        out=tmp_path / "first",
        settings={**common, "strategy": "finetune", "parameters": training},
    )
    assert first.model.facts["trained_parameters"] > 1000
    second = graftwork.fit(
        write_csv(tmp_path / "more.csv", rows),
        out=tmp_path / "second",
        settings={"target": "label", "start": str(tmp_path / "first"), "folds": 2},
        parameters=training,
    )
    names = [rung["name"] for rung in second.record["ladder"]["rungs"]]
    assert names[:3] == ["lexical", "earlier", "probe"]
    kept = second.model.backbones.get("base")
    if kept is not None and "trained_parameters" not in second.model.facts:
        assert kept.fingerprint() == first.model.backbones["base"].fingerprint()
    assert second.model.facts["base_promoted"]["tuned"] is True


def test_new_labels_are_refused_by_name(earlier: Path, tmp_path: Path) -> None:
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(120, seed=3)]
    for row in rows[:20]:
        row["label"] = "logn"
    with pytest.raises(DataError, match=r"label 'logn' is new.*is it 'login'"):
        more(tmp_path, rows, start=earlier / "run")


def test_too_few_new_rows_are_refused(earlier: Path, tmp_path: Path) -> None:
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(150)]
    with pytest.raises(DataError, match="new to the"):
        more(tmp_path, rows, start=earlier / "run", test_size=0.2)


def test_a_start_that_is_no_run(tmp_path: Path) -> None:
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(60)]
    with pytest.raises(RunError, match="no finished run"):
        more(tmp_path, rows, start=tmp_path / "nothing")


def test_an_input_that_is_missing(earlier: Path, tmp_path: Path) -> None:
    rows = [{"words": row["text"], "label": row["label"]} for row in make_rows(120, seed=3)]
    with pytest.raises(InputError, match="text"):
        more(tmp_path, rows, start=earlier / "run")


def test_resumed_and_finished_runs_show_the_same(earlier: Path, tmp_path: Path) -> None:
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(300)]
    first = more(tmp_path, rows, start=earlier / "run")
    again = more(tmp_path, rows, start=earlier / "run")
    assert first.record["finished"] == again.record["finished"]
    texts = [row["text"] for row in rows[:20]]
    a, b = first.model.predict(texts), again.model.predict(texts)
    assert np.array_equal(a.probabilities, b.probabilities)


def test_the_earlier_model_tells_the_labels_of_the_new_rows_apart(
    earlier: Path, tmp_path: Path
) -> None:
    import toys
    from graftwork.api._calibrate import calibrated
    from graftwork.api._earlier import Keep, open_earlier

    start = open_earlier(str(earlier / "run"), toys.placement()).model
    start.heads["label"] = replace(start.heads["label"], temperature=2.0)
    rows = [row for row in make_rows(150, seed=3) if row["label"] != "delivery"]
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    job = toys.job(toys.dataset({"text": texts}, labels), {}, tmp_path, start=start)
    choice = Keep().search(job)
    kept = Keep().build(job, choice)
    assert kept.classes == ("login", "refund")
    old = start.predict(texts).probabilities[:, [start.classes.index(c) for c in kept.classes]]
    told = old / old.sum(axis=1, keepdims=True)
    assert np.allclose(kept.predict(texts).probabilities, told, atol=1e-6)
    found = choice.out_of_fold.best_probabilities  # from the store, which keeps half precision
    stored = kept.predict(texts, store=job.store).probabilities
    assert np.allclose(found, stored, atol=1e-6)
    assert np.allclose(found, told, atol=1e-3)
    calibrated(kept, choice.out_of_fold)  # on top of what the head said, and of a copy
    assert kept.head.temperature not in (1.0, 2.0)
    assert start.head.temperature == 2.0


def test_labels_that_will_be_forgotten_are_named(earlier: Path, tmp_path: Path) -> None:
    class Heard(Progress):
        def on_say(self, text: str) -> None:
            said.append(text)

    said: list[str] = []
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(300, seed=3)]
    rows = [row for row in rows if row["label"] != "delivery"]
    run = more(tmp_path, rows, start=earlier / "run", progress=Heard())
    assert "delivery" not in run.model.classes
    assert any("will not know them: 'delivery'" in line for line in said)


def test_a_run_is_never_written_over_by_the_one_that_begins_from_it(earlier: Path) -> None:
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(300)]
    run = earlier / "run"
    with pytest.raises(ParameterError, match="another folder"):
        graftwork.fit(rows, out=run, start=str(run), strategy="probe", overwrite=True)
    assert (run / "model" / "manifest.json").is_file()


def test_the_earlier_model_encodes_only_what_it_is_asked_of(
    earlier: Path, tmp_path: Path, checkpoints: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a base of its own: rows that choices are made on and it has not seen, and test rows.

    All of a million rows would take hours, which no budget sees.
    """
    monkeypatch.setattr("graftwork.api._fit.SEARCH_ROWS", 90)
    rows = [{k: row[k] for k in ("text", "label")} for row in make_rows(430)]
    data = write_csv(tmp_path / "more.csv", rows)
    cache = {"cache": str(tmp_path / "cache")}
    common = {"target": "label", "base": "lexical", "start": str(earlier / "run")}
    told = graftwork.plan(data, settings=common, machine=cache)
    run = graftwork.fit(data, out=tmp_path / "run", settings=common, machine=cache)
    predicted = (tmp_path / "run" / "report" / "predictions.csv").read_text().splitlines()
    assert told["to_encode"] == run.record["counts"]["base_passes"] == 90 + len(predicted) - 1
