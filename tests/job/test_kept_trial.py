"""A budget with time for a trial alone: its own model is kept, and cut anywhere it is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from job_files import write_csv
from kills import Stopping
from tuned_jobs import hashes

import graftwork as gw
import toys
from graftwork.errors import Interrupted
from graftwork.planning.gate import Gate
from graftwork.runs.progress import Progress
from graftwork.storage.json_files import read_json
from graftwork.storage.tensors import load_tensors
from graftwork.strategies.finetune import Finetune

FORETOLD = {"states": 0.0, "pilot_epoch": 250.0, "epoch": 1e6, "pilot": 1000.0, "refit": 3e6}


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch, checkpoints: Any, tmp_path: Path) -> Any:
    """Fits rows that want tuning; one fold judges, as it does of many rows."""
    monkeypatch.setattr("graftwork.strategies._trained.MOST_FOLDS", 1)
    monkeypatch.setattr("graftwork.planning.gate.LEAST_JUDGED", 20)
    monkeypatch.setattr(Gate, "_hopeful", lambda self, best, share: True)
    monkeypatch.setattr(Finetune, "forecast", lambda self, job, rows: FORETOLD)
    texts, labels = toys.contrary(400)
    rows = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    data = write_csv(tmp_path / "rows.csv", rows)
    settings = {
        "target": "label",
        "base": str(checkpoints("bert")),
        "parameters": {"epochs": 5, "rate": 3e-3, "batch_rows": 16},
    }

    def run(name: str, progress: Progress | None = None, **more: Any) -> Path:
        out = tmp_path / name
        machine = {"cache": str(tmp_path / f"{name}-cache"), "checkpoint_seconds": 0.0}
        where = {"out": out, "machine": machine}
        gw.fit(data, settings=settings | more, progress=progress, **where)
        return out

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "after"),
    [("tuning all layers (trying)", 30), ("learning curve", 1)],
)
def test_stopped_on_its_way_it_ends_in_the_same_model(fit: Any, title: str, after: int) -> None:
    whole = fit("whole")
    chosen = read_json(whole / "report" / "metrics.json")["chosen"]
    assert chosen["strategy"] in ("top", "finetune")
    assert "(the trial's, for want of time)" in chosen["words"]
    decision = read_json(whole / "stages" / f"decision-{chosen['strategy']}" / "payload.json")
    assert decision["kept"] is True
    assert decision["epochs"] == 4  # of 5: more would not have fitted
    with pytest.raises(Interrupted):
        fit("cut", Stopping(title, after))
    assert hashes(fit("cut") / "model") == hashes(whole / "model")


def test_it_tells_what_its_model_learnt_from(fit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without test rows, and with more rows than choices are made on."""
    monkeypatch.setattr("graftwork.api._fit.SEARCH_ROWS", 300)
    monkeypatch.setitem(FORETOLD, "pilot", 1.0)  # time for all epochs, which so few rows take
    out = fit("untested", test_size=0.0)
    metrics = read_json(out / "report" / "metrics.json")
    assert metrics["chosen"]["strategy"] in ("top", "finetune")
    assert "the model is the trial's, which learnt from 240 rows" in metrics["verdict"]["sentence"]
    keys = load_tensors(out / "model" / "artifacts" / "training_keys.safetensors")["keys"]
    assert len(keys) == 300  # those that it was judged on chose its epochs
