"""Hidden states at the freeze boundary, computed once, so that an epoch costs the top layers alone.

They lie in the feature store's folder, in segments of their own: ragged, one row of tokens an
input, found again by content like everything there.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.bases.tunable import Tunable
from graftwork.errors import IntegrityError
from graftwork.features.plan import (
    KEY_BYTES,
    EncodePlan,
    Journal,
    first_positions,
    input_keys,
    keys_digest,
    unique_keys,
)
from graftwork.features.store import FeatureStore, half_is_enough
from graftwork.runs.progress import Progress
from graftwork.runtime.batches import plan_batches
from graftwork.runtime.threads import networks_side_by_side
from graftwork.storage.disk import atomic_file, disk_errors
from graftwork.storage.locks import wait_lock
from graftwork.storage.tensor_header import check_safetensors
from graftwork.storage.tensors import save_tensors

__all__ = ["BoundaryStates", "boundary_bytes", "boundary_states"]

SEGMENT_ROWS = 512
DTYPES = {"F16": np.float16, "F32": np.float32}


@dataclass(frozen=True, eq=False)
class BoundaryStates:
    """States of n inputs, on disk until they are asked for.

    Attributes:
        rows: of each input: the mapped states of its segment, first and last token in it.
    """

    rows: list[tuple[np.ndarray, int, int]]

    def of(self, index: np.ndarray) -> list[np.ndarray]:
        """float32 (tokens, d) of the inputs at `index`."""
        found = (self.rows[i] for i in index.tolist())
        return [np.asarray(values[a:b], dtype=np.float32) for values, a, b in found]


def boundary_bytes(lengths: np.ndarray, dim: int) -> int:
    """Disk that the states of rows of those lengths take, in half precision."""
    return int(np.sum(lengths)) * dim * 2


def boundary_states(
    store: FeatureStore,
    tunable: Tunable,
    inputs: Sequence[Any],
    *,
    progress: Progress | None = None,
    journal: Journal | None = None,
) -> BoundaryStates:
    """States for `inputs`, computing what is not there yet.

    Args:
        store: whose folder and limits they share.
        tunable: with a boundary.
        inputs: n inputs; equal ones are computed once.
        progress: shown meanwhile.
        journal: keeps the batch plan, so that a resumed run gets the same bits.
    """
    progress = progress or Progress()
    keys = input_keys(inputs)
    name = f"{tunable.backbone.fingerprint()[:32]}-b{tunable.boundary}"
    folder = store.root / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with wait_lock(folder / "lock", progress):
        found = _index(folder)
        missing = [key for key in unique_keys(keys) if key not in found]
        if missing:
            plan = _plan(tunable, inputs, keys, missing)
            if journal is not None:
                plan = journal.keep(f"states-{name[:12]}{name[32:]}-{keys_digest(keys)}", plan)
            _compute(folder, tunable, inputs, keys, plan, found, store, progress)
            found = _index(folder)
        if any(key not in found for key in missing):  # the plan was of another state of the store
            left = [key for key in missing if key not in found]
            plan = _plan(tunable, inputs, keys, left)
            _compute(folder, tunable, inputs, keys, plan, found, store, progress)
            found = _index(folder)
        rows = [found[key.tobytes()] for key in keys]
    store.trim(keep=[Path(str(values.filename)) for values, _, _ in rows])  # type: ignore[attr-defined]
    return BoundaryStates(rows)


def _plan(
    tunable: Tunable, inputs: Sequence[Any], keys: np.ndarray, missing: list[bytes]
) -> EncodePlan:
    first = first_positions(keys)
    positions = np.asarray([first[key] for key in missing])
    prepared = tunable.backbone.prepare([inputs[i] for i in positions])
    batches = plan_batches(prepared.lengths, tunable.backbone.placement.device)
    order = positions[np.concatenate(batches)]
    return EncodePlan(keys[order], np.asarray([len(batch) for batch in batches], dtype=np.int64))


def _compute(
    folder: Path,
    tunable: Tunable,
    inputs: Sequence[Any],
    keys: np.ndarray,
    plan: EncodePlan,
    found: dict[bytes, Any],
    store: FeatureStore,
    progress: Progress,
) -> None:
    """Run the plan's batches through the frozen layers and write them, a segment at a time."""
    first = first_positions(keys)
    due = [
        [name for name in batch if name in first]
        for batch in plan.batches()
        if any(name not in found for name in batch)
    ]
    due = [batch for batch in due if batch]
    wanted = [name for batch in due for name in batch]
    place = {name: i for i, name in enumerate(wanted)}
    prepared = tunable.backbone.prepare([inputs[first[name]] for name in wanted])

    def work(batch: list[bytes]) -> list[np.ndarray]:
        progress.check()
        return tunable.states(prepared, np.asarray([place[name] for name in batch]))

    on_cpu = tunable.backbone.placement.device == "cpu"
    passes = networks_side_by_side(work, due) if on_cpu else map(work, due)
    held: list[tuple[bytes, np.ndarray]] = []
    with progress.step("storing states at the boundary", len(wanted)) as step:
        try:
            for batch, states in zip(due, passes, strict=True):
                held.extend(zip(batch, states, strict=True))
                store.counters["boundary_rows"] = store.counters.get("boundary_rows", 0) + len(
                    batch
                )
                if len(held) >= SEGMENT_ROWS:
                    _flush(folder, held, found)
                step.advance(len(batch))
        finally:
            _flush(folder, held, found)


def _flush(folder: Path, held: list[tuple[bytes, np.ndarray]], found: dict[bytes, Any]) -> None:
    fresh = [(name, states) for name, states in held if name not in found]
    if fresh:
        path = folder / f"seg-{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.safetensors"
        states = np.concatenate([values for _, values in fresh])
        half = bool(half_is_enough(states[:, None]).all())
        lengths = np.asarray([len(values) for _, values in fresh], dtype=np.int64)
        table = np.frombuffer(b"".join(name for name, _ in fresh), dtype=np.uint8)
        with disk_errors("write states to", path), atomic_file(path) as temporary:
            save_tensors(
                temporary,
                {
                    "keys": table.reshape(-1, KEY_BYTES),
                    "lengths": lengths,
                    "states": states.astype(np.float16 if half else np.float32),
                },
            )
            os.chmod(temporary, 0o600)
    held.clear()


def _index(folder: Path) -> dict[bytes, tuple[np.ndarray, int, int]]:
    """Where the states of each key lie; a damaged segment is removed and computed again."""
    found: dict[bytes, tuple[np.ndarray, int, int]] = {}
    for path in sorted(folder.glob("seg-*.safetensors")):
        try:
            keys, lengths, states = _open(path)
        except (IntegrityError, OSError, ValueError, KeyError):
            path.unlink(missing_ok=True)
            continue
        ends = np.cumsum(lengths)
        for row, key in enumerate(keys):
            found.setdefault(key, (states, int(ends[row] - lengths[row]), int(ends[row])))
    return found


def _open(path: Path) -> tuple[list[bytes], np.ndarray, np.ndarray]:
    header = check_safetensors(path)
    with open(path, "rb") as stream:
        start = 8 + int.from_bytes(stream.read(8), "little")

        def read(name: str) -> bytes:
            first, last = header[name]["data_offsets"]
            stream.seek(start + first)
            return stream.read(last - first)

        raw, lengths = read("keys"), np.frombuffer(read("lengths"), dtype=np.int64)
    entry = header["states"]
    states = np.memmap(
        path,
        dtype=DTYPES[entry["dtype"]],
        mode="r",
        offset=start + entry["data_offsets"][0],
        shape=tuple(entry["shape"]),
    )
    os.utime(path)  # used now: the trimmer takes the longest unused first
    return [raw[i : i + KEY_BYTES] for i in range(0, len(raw), KEY_BYTES)], lengths, states
