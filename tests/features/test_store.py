"""The feature store: each input once through the base, bounded, private, safe to share and kill."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.bases.backbone import Shape
from graftwork.errors import Interrupted
from graftwork.features import encoding
from graftwork.features.boundary import boundary_states
from graftwork.features.plan import EncodePlan, input_keys
from graftwork.features.segments import open_segment
from graftwork.features.store import FeatureStore
from graftwork.runs.progress import Progress, Step

TEXTS = toys.sentences(60)[0]


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features")


def everything(stored: Any) -> np.ndarray:
    """float32 (n, layers, poolings, d)."""
    layers, poolings = len(stored.vectors.widths), len(stored.vectors.widths[0])
    return np.stack(
        [np.stack([stored.view(i, j) for j in range(poolings)], 1) for i in range(layers)], 1
    )


def segments(store: FeatureStore) -> list[Path]:
    return sorted(store.root.glob("*/seg-*.safetensors"))


class Notebook:
    """A journal in memory, as a run directory keeps it."""

    def __init__(self) -> None:
        self.plans: dict[str, EncodePlan] = {}

    def keep(self, name: str, plan: EncodePlan) -> EncodePlan:
        return self.plans.setdefault(name, plan)


def test_what_comes_back_is_what_the_base_gives(store, bert):
    found = everything(store.features(bert, TEXTS))
    direct = bert.encode(bert.prepare(TEXTS), np.arange(60), Shape.POOLED)
    np.testing.assert_allclose(found, direct, atol=2e-3)  # half precision on disk


def test_second_call_encodes_nothing(store, bert):
    first = store.features(bert, TEXTS)
    assert (store.counters["rows_encoded"], store.counters["rows_found"]) == (60, 0)
    again = FeatureStore(store.root)
    second = again.features(bert, TEXTS)
    assert again.counters == {"rows_encoded": 0, "rows_found": 60, "batches": 0}
    assert second.digest() == first.digest()
    assert np.array_equal(everything(first), everything(second))


def test_only_added_rows_are_encoded(store, bert):
    before = everything(store.features(bert, TEXTS[:40]))
    stored = store.features(bert, TEXTS)
    assert store.counters["rows_encoded"] == 60
    assert np.array_equal(everything(stored)[:40], before)
    assert len(segments(store)) == 2


def test_equal_inputs_are_encoded_once(store, bert):
    stored = store.features(bert, ["refund", "parcel", "refund", "refund"])
    assert store.counters["rows_encoded"] == 2
    values = everything(stored)
    assert np.array_equal(values[0], values[2])
    assert not np.array_equal(values[0], values[1])


def test_order_and_choice_of_rows(store, bert):
    stored = store.features(bert, TEXTS)
    turned = store.features(bert, TEXTS[::-1])
    assert np.array_equal(turned.view(1, 0), stored.view(1, 0)[::-1])
    rows = np.array([7, 3, 3, 59])
    assert np.array_equal(stored.take(rows).view(2, 1), stored.view(2, 1)[rows])
    assert np.array_equal(stored.view(2, 1, rows), stored.view(2, 1)[rows])


def test_keys_tell_inputs_apart():
    keys = input_keys(["a", "a ", "A", b"raw", "", None, "None"])
    assert len({key.tobytes() for key in keys}) == 6
    assert np.array_equal(keys[4], keys[5])  # None is the empty text


def test_another_base_has_features_of_its_own(store, bert, open_tiny):
    store.features(bert, TEXTS[:9])
    store.features(open_tiny("bert", max_length=16), TEXTS[:9])
    store.features(bert.twin(0), TEXTS[:9])
    assert store.counters["rows_encoded"] == 27
    assert len(list(store.root.iterdir())) == 3


@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "other"])
def test_a_damaged_segment_is_encoded_again(store, bert, damage):
    whole = everything(store.features(bert, TEXTS[:20]))
    (path,) = segments(store)
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[:-7],
            "empty": b"",
            "noise": os.urandom(len(content)),
            "other": b"\x02\x00\x00\x00\x00\x00\x00\x00{}",
        }[damage]
    )
    found = everything(store.features(bert, TEXTS[:20]))
    assert store.counters["rows_encoded"] == 40
    assert np.array_equal(found, whole)
    assert not path.exists()  # removed, and written again under another name


def test_readable_by_the_owner_alone(store, bert):
    old = os.umask(0)
    try:
        store.features(bert, TEXTS[:9])
    finally:
        os.umask(old)
    modes = {path: path.stat().st_mode & 0o777 for path in (store.root, *store.root.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_the_longest_unused_goes_first(store, bert, open_tiny):
    bases = [bert, open_tiny("gpt2"), open_tiny("roberta")]
    for base in bases:
        store.features(base, TEXTS[:20])
        time.sleep(0.02)
    store.features(bert, TEXTS[:20])  # used again: gpt2 is now the oldest
    size = store.size()
    small = FeatureStore(store.root, limit_gb=(size - 1) / 1e9)
    assert small.trim() > 0
    assert small.size() < size
    assert not small.known(bases[1])
    assert len(small.known(bert)) == len(small.known(bases[2])) == 20
    # features in use stay, however small the limit
    none = FeatureStore(store.root, limit_gb=0)
    stored = none.features(bert, TEXTS)
    assert np.isfinite(everything(stored)).all()
    assert not none.known(bases[2])
    assert none.clear() > 0
    assert none.size() == 0


def test_half_precision_where_it_loses_nothing(store, bert):
    store.features(bert, TEXTS[:9])
    (path,) = segments(store)
    assert open_segment(path).values.dtype == np.float16


class Loud:
    """The tiny base with some features too large for half precision."""

    def __init__(self, base: Any, rows: slice) -> None:
        self.base, self.rows = base, rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.base, name)

    def encode(self, prepared: Any, index: np.ndarray, shape: Shape) -> Any:
        values = self.base.encode(prepared, index, shape)
        loud = np.isin(index, np.arange(len(prepared))[self.rows])
        values[loud, :, :, 0] = 1e6
        return values


def test_full_precision_where_half_would_lose(store, bert):
    found = everything(store.features(Loud(bert, slice(None)), TEXTS[:9]))
    assert (found[..., 0] == 1e6).all()
    direct = bert.encode(bert.prepare(TEXTS[:9]), np.arange(9), Shape.POOLED)
    np.testing.assert_allclose(found[..., 1:], direct[..., 1:], atol=1e-5)


def test_a_rare_huge_feature_is_kept_whole(store, bert):
    store.features(bert, TEXTS[:9])  # half precision is decided here
    found = everything(store.features(Loud(bert, slice(0, 1)), TEXTS))
    assert np.isfinite(found).all()
    assert (found[..., 0] == 1e6).any()
    kinds = {open_segment(path).values.dtype.name for path in segments(store)}
    assert kinds == {"float16", "float32"}


class Stop(Progress):
    """Cancels after so many rows."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def on_advance(self, step: Step) -> None:
        if step.done >= self.after:
            self.cancel()


def test_interrupted_and_resumed_by_the_plan_is_bit_equal(store, tmp_path, bert, monkeypatch):
    monkeypatch.setattr(encoding, "SEGMENT_ROWS", 8)
    long = [f"{text} {text}" for text in toys.sentences(200)[0]]
    whole = FeatureStore(tmp_path / "whole").features(bert, long)
    notebook = Notebook()
    for after in (40, 90):
        with pytest.raises(Interrupted):
            store.features(bert, long, journal=notebook, progress=Stop(after))
    assert 0 < len(store.known(bert)) < 200
    stored = store.features(bert, long, journal=notebook)
    assert stored.digest() == whole.digest()
    assert len(notebook.plans) == 1
    assert store.counters["rows_encoded"] < 300  # what was stored was not encoded again


def states_of(store: FeatureStore, base: Any, texts: list[str], **more: Any) -> list[np.ndarray]:
    """What enters the last layer, for each text."""
    return boundary_states(store, base.tunable(1), texts, **more).of(np.arange(len(texts)))


def equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_states_at_the_boundary_are_stored_like_features(store, bert):
    tunable = bert.tunable(1)
    direct = tunable.states(bert.prepare(TEXTS), np.arange(60))
    first = states_of(store, bert, TEXTS)
    for stored, computed in zip(first, direct, strict=True):
        np.testing.assert_allclose(stored, computed, atol=5e-3)  # half precision on disk
    assert equal(states_of(store, bert, TEXTS[::-1]), first[::-1])
    assert store.counters["boundary_rows"] == 60  # the second time they were found
    (path,) = segments(store)
    path.write_bytes(path.read_bytes()[:-7])
    assert equal(states_of(store, bert, TEXTS), first)
    assert store.counters["boundary_rows"] == 120
    assert not path.exists()


def test_interrupted_states_are_resumed_by_the_plan(store, tmp_path, bert, monkeypatch):
    monkeypatch.setattr(encoding, "SEGMENT_ROWS", 8)
    long = [f"{text} {text}" for text in toys.sentences(200)[0]]
    whole = states_of(FeatureStore(tmp_path / "whole"), bert, long)
    notebook = Notebook()
    for after in (40, 90):
        with pytest.raises(Interrupted):
            states_of(store, bert, long, journal=notebook, progress=Stop(after))
    assert equal(states_of(store, bert, long, journal=notebook), whole)
    assert len(notebook.plans) == 1
    assert store.counters["boundary_rows"] < 300  # what was stored was not computed again


class Broken:
    """The tiny base, which fails at its fifth batch."""

    def __init__(self, base: Any) -> None:
        self.base, self.batches = base, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.base, name)

    def encode(self, prepared: Any, index: np.ndarray, shape: Shape) -> Any:
        self.batches += 1
        if self.batches >= 5:
            raise RuntimeError("the device is gone")
        return self.base.encode(prepared, index, shape)


def test_what_has_gone_through_before_a_fault_stays_stored(store, bert, monkeypatch):
    monkeypatch.setattr("graftwork.runtime.batches.TOKENS_PER_BATCH", {"cpu": 96})
    with pytest.raises(RuntimeError, match="gone"):
        store.features(Broken(bert), TEXTS)
    assert len(store.known(bert)) == store.counters["rows_encoded"] > 0


class Seen:
    """The tiny base, keeping which texts went through it together."""

    def __init__(self, base: Any) -> None:
        self.base, self.batches = base, []
        self.texts: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.base, name)

    def prepare(self, inputs: Any) -> Any:
        self.texts = list(inputs)
        return self.base.prepare(inputs)

    def encode(self, prepared: Any, index: np.ndarray, shape: Shape) -> Any:
        self.batches.append(frozenset(self.texts[i] for i in index))
        return self.base.encode(prepared, index, shape)


def test_the_plan_written_down_decides_who_shares_a_batch(store, bert, tmp_path, monkeypatch):
    """Also where what is left would be cut into other batches: features depend on batch-mates."""
    monkeypatch.setattr(encoding, "SEGMENT_ROWS", 8)
    monkeypatch.setattr("graftwork.runtime.batches.TOKENS_PER_BATCH", {"cpu": 96})
    long = toys.sentences(120)[0]
    first, notebook = Seen(bert), Notebook()
    store.features(first, long, journal=notebook)
    batches = {}
    for name, journal in (("with", notebook), ("without", None)):
        shared, seen = FeatureStore(tmp_path / name), Seen(bert)
        shared.features(bert, long[::3])  # another job was here meanwhile
        shared.features(seen, long, journal=journal)
        batches[name] = set(seen.batches)
    assert batches["with"] <= set(first.batches)
    assert not batches["without"] <= set(first.batches)  # else this test could not fail


PROGRAM = """
import sys, pathlib
sys.path.insert(0, sys.argv[1])
import test_store
test_store.work(*map(pathlib.Path, sys.argv[2:5]), int(sys.argv[5]))
"""


def work(base: Path, store: Path, run: Path, n: int, *, aloud: bool = True) -> tuple[str, int]:
    """Encode n texts in small segments, the plan kept in a run directory."""
    from graftwork.api._rungs import RunMemory
    from graftwork.bases import open_base
    from graftwork.runs.directory import RunDirectory
    from graftwork.runs.plan import Plan
    from graftwork.runs.recipe import Machine, Recipe

    rows, encoding.SEGMENT_ROWS = encoding.SEGMENT_ROWS, 8
    try:
        backbone = open_base(str(base), placement=toys.placement())
        texts = [f"{text} {text}" for text in toys.sentences(n)[0]]
        if aloud:
            print("ready", flush=True)
        kept = FeatureStore(store)
        with RunDirectory.open(run, Plan(Recipe(), {"train": "a" * 64}), Machine()) as opened:
            found = kept.features(backbone, texts, journal=RunMemory(opened))
    finally:
        encoding.SEGMENT_ROWS = rows
    if aloud:
        print(found.digest(), kept.counters["rows_encoded"], flush=True)
    return found.digest(), kept.counters["rows_encoded"]


@pytest.fixture
def elsewhere() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`work` in another process, which has opened its base when this returns."""
    started: list[subprocess.Popen[str]] = []
    tests = Path(toys.__file__).parent
    paths = os.pathsep.join([str(tests), *filter(None, [os.environ.get("PYTHONPATH")])])

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(tests / "features"), *map(str, arguments)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_killed_and_resumed_is_bit_equal(checkpoints, tmp_path, elsewhere):
    base, n = checkpoints("bert"), 1500
    killed = elsewhere(base, tmp_path / "killed", tmp_path / "run", n)
    deadline = time.monotonic() + 60
    while len(left := list((tmp_path / "killed").glob("*/seg-*.safetensors"))) < 3:
        assert time.monotonic() < deadline
        assert killed.poll() is None
        time.sleep(0.002)
    killed.kill()
    killed.communicate()
    digest, encoded = work(base, tmp_path / "killed", tmp_path / "run", n, aloud=False)
    expected, every = work(base, tmp_path / "whole", tmp_path / "another run", n, aloud=False)
    assert digest == expected
    assert every == n
    assert all(path.exists() for path in left)
    assert encoded < n  # what was stored was not encoded again


def test_two_processes_share_a_store(checkpoints, tmp_path, elsewhere):
    base = checkpoints("bert")
    other = elsewhere(base, tmp_path / "one", tmp_path / "run a", 400)
    digest, encoded = work(base, tmp_path / "one", tmp_path / "run b", 400, aloud=False)
    out, _ = other.communicate(timeout=120)
    assert other.returncode == 0
    assert out.split() == [digest, str(400 - encoded)]  # each text went through the base once


def test_clearing_leaves_the_lock_of_a_run_that_writes(store, bert):
    store.features(bert, TEXTS[:5])
    (folder,) = (path for path in store.root.iterdir() if path.is_dir())
    held = (folder / "lock").stat().st_ino
    assert store.clear() > 0
    assert store.size() == 0
    assert (folder / "lock").stat().st_ino == held
    assert np.isfinite(everything(store.features(bert, TEXTS[:5]))).all()
