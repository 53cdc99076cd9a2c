"""What a fit will cost, from a measured sample, before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.bases.backbone import Backbone, Shape
from graftwork.features.convex import fit_path
from graftwork.features.encoding import at_a_time, passes
from graftwork.features.plan import input_keys
from graftwork.features.race_seconds import times_longer
from graftwork.features.store import FeatureStore
from graftwork.runtime.batches import plan_batches
from graftwork.runtime.threads import cores, side_by_side
from graftwork.tasks.task import ConvexLoss

__all__ = ["Forecast", "encoding_seconds", "search_seconds"]

SAMPLE = 48  # inputs encoded to measure the base's speed
FIT_ROWS = 400  # rows of the head that is fitted to measure the machine
REPEATS, ENOUGH = 3, 1.0  # times that something is measured, in at most about so many seconds


@dataclass(frozen=True)
class Forecast:
    """Seconds to expect, by step."""

    steps: dict[str, float]

    @property
    def seconds(self) -> float:
        """All steps together."""
        return sum(self.steps.values())


def encoding_seconds(
    backbone: Backbone, inputs: list[Any], store: FeatureStore, seed: int = 0
) -> tuple[float, int]:
    """(seconds to encode what the store does not hold, how many inputs that are).

    Encodes a random sample and scales by the processor's cost (tokens).
    """
    known = store.known(backbone)
    unique = {key.tobytes(): i for i, key in enumerate(input_keys(inputs))}
    missing = [position for key, position in unique.items() if key not in known]
    if not missing:
        return 0.0, 0
    prepared = backbone.prepare([inputs[i] for i in missing])
    drawn = np.random.default_rng(seed).permutation(len(missing))[:SAMPLE]
    batches = plan_batches(prepared.lengths[drawn])

    copies = at_a_time(backbone)

    def work(batch: np.ndarray) -> None:
        backbone.encode(prepared, drawn[batch], Shape.POOLED)

    def encode() -> None:  # as the store does; the sample is too small to share out
        for _ in passes(backbone, work, batches * copies):
            pass

    work(batches[0][:1])  # warm-up
    spent = _quickest(encode) / copies
    share = float(prepared.lengths.sum()) / max(float(prepared.lengths[drawn].sum()), 1.0)
    return spent * share, len(missing)


def search_seconds(
    n_rows: int, dim: int, loss: ConvexLoss, *, fits: int, strengths: tuple[float, ...]
) -> float:
    """Seconds for `fits` paths of heads on features of `dim` dimensions, from one small path."""
    rng = np.random.default_rng(0)
    rows = min(n_rows, FIT_ROWS)
    x = (rng.standard_normal((rows, dim)) / np.sqrt(dim)).astype(np.float32)
    codes = rng.integers(0, loss.n_outputs, rows)

    def fit(_: int) -> None:
        fit_path([x], codes, loss, strengths, tolerance=1e-3)

    def fits_as_the_search() -> None:  # several threads in one fit take far longer beside others
        for _ in side_by_side(fit, range(cores())):
            pass

    times = times_longer(n_rows, rows, dim)
    return _quickest(fits_as_the_search) * times * fits / cores()


def _quickest(measured: Callable[[], None]) -> float:
    """Seconds it takes, the least of several while they are short.

    Other work on the machine only adds to them, as does what a first call loads.
    """
    taken: list[float] = []
    while len(taken) < REPEATS and sum(taken) < ENOUGH:
        begun = time.perf_counter()
        measured()
        taken.append(time.perf_counter() - begun)
    return min(taken)
