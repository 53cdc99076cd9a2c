"""Hidden states at the freeze boundary, computed once, so that an epoch costs the top layers alone.

They lie in the feature store's folder, in segments of their own: ragged, one row of tokens an
input, found again by content like everything there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.bases.tunable import Tunable
from graftwork.features.encoding import Encoding
from graftwork.features.plan import Journal, input_keys
from graftwork.features.segments import mapped, sound_segments, write_segment
from graftwork.features.store import FeatureStore, half_is_enough
from graftwork.runs.progress import Progress
from graftwork.storage.locks import wait_lock

__all__ = ["BoundaryStates", "boundary_states"]


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
    encoding = Encoding(
        tunable.backbone,
        inputs,
        keys,
        encode=tunable.states,
        write=partial(_write, folder),
        index=partial(_index, folder),
        count=partial(_count, store),
    )
    with wait_lock(folder / "lock", progress):
        found = encoding.complete(
            _index(folder),
            name=f"states-{name[:12]}{name[32:]}",
            title="storing states at the boundary",
            progress=progress,
            journal=journal,
        )
        rows = [found[key.tobytes()] for key in keys]
    store.trim(keep=[Path(str(values.filename)) for values, _, _ in rows])  # type: ignore[attr-defined]
    return BoundaryStates(rows)


def _count(store: FeatureStore, rows: int) -> None:
    store.counters["boundary_rows"] = store.counters.get("boundary_rows", 0) + rows


def _write(folder: Path, rows: dict[bytes, np.ndarray]) -> None:
    """Write the states of some keys as one segment."""
    states = np.concatenate(list(rows.values()))
    lengths = np.asarray([len(values) for values in rows.values()], dtype=np.int64)
    half = bool(half_is_enough(states[:, None]).all())
    states = states.astype(np.float16 if half else np.float32)
    write_segment(folder, "states", list(rows), lengths=lengths, states=states)


def _index(folder: Path) -> dict[bytes, tuple[np.ndarray, int, int]]:
    """Where the states of each key lie."""
    found: dict[bytes, tuple[np.ndarray, int, int]] = {}
    for keys, lengths, states in sound_segments(folder, _open):
        ends = np.cumsum(lengths)
        for row, key in enumerate(keys):
            found.setdefault(key, (states, int(ends[row] - lengths[row]), int(ends[row])))
    return found


def _open(path: Path) -> tuple[list[bytes], np.ndarray, np.ndarray]:
    keys, states, (lengths,) = mapped(path, "states", "lengths")
    return keys, np.frombuffer(lengths, dtype=np.int64), states
