"""Every tracker through the same checks: offline, it keeps what it is told and never ends a run.

A new tracker adds one reader to `READERS`: what lies in its folder, as the tracker's own package
reads it back. A tracker whose package is not installed is skipped, and says so.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from graftwork.errors import MissingExtraError, UnknownNameError
from graftwork.runs.progress import Progress
from graftwork.runs.tracker import SILENT, CarefulTracker, SilentTracker
from graftwork.trackers import TRACKERS, check_tracker, open_tracker


@dataclass
class Seen:
    """What a reader finds."""

    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    params: str = ""


def _tensorboard(folder: Path) -> Seen:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    tags = found.Tags()
    points = {name: [(e.step, e.value) for e in found.Scalars(name)] for name in tags["scalars"]}
    texts = {
        name.removesuffix("/text_summary"): found.Tensors(name)[-1].tensor_proto.string_val[0]
        for name in tags["tensors"]
    }
    words = {name: value.decode() for name, value in texts.items()}
    return Seen(points, words, words.get("recipe", ""))


def _mlflow(folder: Path) -> Seen:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("graftwork")
    (run,) = client.search_runs([experiment.experiment_id])  # one, however many sessions
    points = {
        name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]
        for name in run.data.metrics
    }
    return Seen(points, dict(run.data.tags), str(run.data.params))


def _wandb(folder: Path) -> Seen:
    from wandb.proto import wandb_internal_pb2 as records

    seen = Seen()
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for data in _leveldb_log(path.read_bytes()):
            record = records.Record()
            record.ParseFromString(data)
            _take(seen, record)
    assert not list(folder.glob("wandb/offline-run-*/files/*"))  # nothing of machine or code
    return seen


def _leveldb_log(data: bytes) -> Iterator[bytes]:
    """The records of a log as LevelDB writes it, after a head of seven bytes."""
    place, whole = 7, b""
    while place + 7 <= len(data):
        if place % 32768 > 32768 - 7:  # the rest of a block is filled up
            place += 32768 - place % 32768
            continue
        size, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        whole += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last piece
            yield whole
            whole = b""


def _take(seen: Seen, record: Any) -> None:
    import json

    def items(found: Any) -> dict[str, Any]:
        return {
            item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in found
        }

    if record.HasField("history"):
        row = items(record.history.item)
        for name, value in row.items():
            step = row.get(f"{name.rpartition('/')[0]}/step")
            if step is not None and not name.endswith("/step"):
                seen.points.setdefault(name, []).append((step, value))
    if record.HasField("summary"):
        seen.words |= {k: v for k, v in items(record.summary.update).items() if isinstance(v, str)}
    if record.HasField("run"):
        seen.params += str(items(record.run.config.update))
    if record.HasField("config"):
        seen.params += str(items(record.config.update))


READERS: dict[str, Callable[[Path], Seen]] = {
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
    "wandb": _wandb,
}


class Heard(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def on_say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(params=sorted(READERS))
def name(request: pytest.FixtureRequest) -> str:
    """Each tracker that can be tried here."""
    package = TRACKERS.get(request.param).declaration.facts["package"]
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install 'graftwork[{request.param}]'")
    return str(request.param)


def test_each_has_a_reader() -> None:
    assert set(TRACKERS.names()) == set(READERS)


def test_nothing_heavy_at_the_top(imports_nothing_heavy: Callable[[str, str], None]) -> None:
    imports_nothing_heavy("graftwork.trackers", "TRACKERS")


def _session(name: str, folder: Path, epochs: range, progress: Progress) -> None:
    made = open_tracker(name, folder, "0123456789abcdef", "a run", progress)
    made.params({"target": "label", "input": ["text"], "seed": 7, "split": None})
    for epoch in epochs:
        made.scalar("finetune/pilot-0/loss", 1 / epoch, epoch)
    made.scalar("finetune/refit/loss", 0.5, 1)  # a group's steps begin anew
    made.text("verdict", "Transfer helped: +3.0 points.")
    made.close()


def test_it_keeps_what_it_is_told_over_two_sessions(
    name: str,
    tmp_path: Path,
    no_network: None,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    level, progress = logging.root.level, Heard()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _session(name, tmp_path / "tracking", range(1, 3), progress)
        _session(name, tmp_path / "tracking", range(3, 4), progress)
    assert progress.said == []
    assert capfd.readouterr() == ("", "")
    assert logging.root.level == level
    with warnings.catch_warnings():  # of the packages that read
        warnings.simplefilter("ignore")
        seen = READERS[name](tmp_path / "tracking")
    assert seen.points["finetune/pilot-0/loss"] == [
        (1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))
    ]  # fmt: skip
    assert {step for step, _ in seen.points["finetune/refit/loss"]} == {1}
    assert seen.words["verdict"] == "Transfer helped: +3.0 points."
    assert "target" in seen.params
    assert "label" in seen.params
    assert {path.name for path in tmp_path.iterdir()} == {"home", "tracking"}
    assert list(home.iterdir()) == []  # nothing outside the folder


def test_one_that_cannot_write_is_said_once(name: str, tmp_path: Path) -> None:
    (tmp_path / "tracking").write_text("in the way", "utf-8")
    progress = Heard()
    _session(name, tmp_path / "tracking", range(1, 3), progress)
    assert len(progress.said) == 1
    assert f"the tracker {name} failed" in progress.said[0]
    assert "goes on without it" in progress.said[0]


class _Full(SilentTracker):
    """Its disk is full at the second point."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.closed = 0

    def close(self) -> None:
        self.closed += 1

    def scalar(self, name: str, value: float, step: int) -> None:
        warnings.warn("an affair of its own", stacklevel=1)
        logging.getLogger("a.package").critical("and this")
        self.taken.append(value)
        if len(self.taken) == 2:
            raise OSError(28, "No space left on device")


def test_a_failure_on_the_way_is_said_once_and_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    full, said = _Full(), list[str]()
    careful = CarefulTracker(lambda: full, "it", said.append)
    for step in range(1, 6):
        careful.scalar("loss", float(step), step)
    careful.close()
    assert (full.taken, full.closed) == ([1.0, 2.0], 1)
    assert not caplog.records
    assert logging.root.manager.disable == logging.NOTSET
    assert said == [
        "it failed (OSError: [Errno 28] No space left on device); the run goes on without it"
    ]


def test_ctrl_c_is_no_failure_of_a_tracker() -> None:
    def stop() -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CarefulTracker(stop, "it", print)


def test_silence_takes_everything() -> None:
    SILENT.params({"seed": 1})
    SILENT.scalar("loss", 1.0, 1)
    SILENT.text("verdict", "none")
    SILENT.close()


def test_a_missing_package_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graftwork.trackers.find_spec", lambda package: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'graftwork\[wandb\]'"):
        check_tracker("wandb")
    with pytest.raises(UnknownNameError, match="tensorboard"):
        check_tracker("tensorbord")
