from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graftwork.errors import RunError
from graftwork.runs.record import Record
from graftwork.runs.run import Run
from graftwork.storage.json_files import write_json


def test_facts_lists_counts_and_times(tmp_path: Path) -> None:
    record = Record()
    record.begin_session(settings={"threads": 2})
    record.set("chosen", {"rung": "probe", "gain": np.float32(0.5)})
    record.add("decisions", "a")
    record.add("decisions", ("b", 1))
    record.count("base_passes", 0)
    for _ in range(2):
        record.count("base_passes", 3)
        with record.seconds("encode"):
            time.sleep(0.01)
    with pytest.raises(KeyError), record.seconds("fails"):
        raise KeyError
    record.save(tmp_path / "record.json")

    later = Record.load(tmp_path / "record.json")  # a resumed session goes on counting
    assert later.count("base_passes") == 7
    later.begin_session()
    value = later.to_json()
    assert value["chosen"] == {"rung": "probe", "gain": 0.5}
    assert value["decisions"] == ["a", ["b", 1]]
    assert 0.02 <= value["seconds"]["encode"] < 5
    assert "fails" in value["seconds"]
    assert value["created"] == record.get("created")
    first = value["sessions"][0]
    assert len(value["sessions"]) == 2
    assert first["settings"] == {"threads": 2}
    assert {"python", "numpy", "torch"} <= set(first["versions"])
    assert first["machine"]["cores"] >= 1
    assert first["machine"]["memory_bytes"] > 2**28


def test_bad_facts_are_refused_at_once() -> None:
    record = Record()
    with pytest.raises(ValueError, match=r"chosen\.gain is nan"):
        record.set("chosen", {"gain": float("nan")})
    with pytest.raises(ValueError, match="has its own method"):
        record.set("counts", 3)
    record.set("one", 1)
    with pytest.raises(ValueError, match="is no list"):
        record.add("one", 2)
    assert record.to_json()["one"] == 1


def test_counting_from_threads_loses_nothing() -> None:
    record = Record()
    work = [
        threading.Thread(target=lambda: [record.count("n") for _ in range(500)]) for _ in "abcd"
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert record.count("n", 0) == 2000


def test_versions_are_told_without_importing_anything_heavy() -> None:
    code = (
        "import sys; from graftwork.runs.record import Record; r = Record(); r.begin_session(); "
        "import graftwork.runs.directory, graftwork.runs.recipe_file; "
        "print([m for m in ('torch', 'numpy', 'sklearn', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_opens_its_model_on_first_use_and_shows_itself(tmp_path: Path) -> None:
    opened: list[Path] = []

    def open_model(path: Path) -> Any:
        opened.append(path)
        return object()

    with pytest.raises(RunError, match=r"record\.json and report/metrics\.json missing"):
        Run.load(tmp_path, open_model)
    (tmp_path / "report").mkdir()
    write_json(tmp_path / "record.json", {"created": "now"})
    report = {
        "chosen": "hybrid",
        "test": {"accuracy": {"value": 0.9, "low": 0.88, "high": 0.92}, "f1": {"value": None}},
        "verdict": {"outcome": "helped", "sentence": "It <helped>."},
    }
    write_json(tmp_path / "report" / "metrics.json", report)
    run = Run.load(tmp_path, open_model)
    assert run.report == report
    assert opened == []
    assert run.model is run.model
    assert opened == [tmp_path / "model"]
    assert repr(run) == f"Run({tmp_path}, hybrid, accuracy 0.900 [0.880, 0.920], verdict: helped)"
    assert "It &lt;helped&gt;." in run._repr_html_()
    assert repr(Run(tmp_path, {}, {}, open_model)) == f"Run({tmp_path})"
