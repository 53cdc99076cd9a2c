"""The steps that a forecast measures are like those that come."""

from __future__ import annotations

import numpy as np
import pytest

from graftwork.strategies._trained_forecast import MOST, SAMPLE, _some_batches
from graftwork.training.batches import epoch_batches
from graftwork.training.options import TrainOptions

LENGTHS = np.random.default_rng(1).integers(4, 80, 5000)


def padded_share(batches: list[np.ndarray]) -> float:
    real = sum(int(LENGTHS[batch].sum()) for batch in batches)
    return 1.0 - real / sum(len(batch) * int(LENGTHS[batch].max()) for batch in batches)


@pytest.mark.parametrize("rows", [16, 32, 64])
def test_measured_batches_are_padded_as_those_of_a_training(rows: int) -> None:
    options = TrainOptions(batch_rows=rows)
    batches = _some_batches(LENGTHS, options)
    assert SAMPLE / 2 <= sum(map(len, batches)) <= 2 * SAMPLE
    assert len(np.unique(np.concatenate(batches))) == sum(map(len, batches))
    epoch = epoch_batches(LENGTHS, rows, 0, 0)
    assert padded_share(batches) == pytest.approx(padded_share(epoch), abs=0.03)
    drawn = np.sort(np.random.default_rng(2).permutation(len(LENGTHS))[:SAMPLE])
    few = [drawn[batch] for batch in epoch_batches(LENGTHS[drawn], rows, 0, 0)]
    assert padded_share(batches) < padded_share(few)  # what drawing rows would have measured


def test_short_and_long_batches_are_measured() -> None:
    means = [LENGTHS[batch].mean() for batch in _some_batches(LENGTHS, TrainOptions())]
    assert means == sorted(means)
    assert means[0] < np.quantile(LENGTHS, 0.3)
    assert means[-1] > np.quantile(LENGTHS, 0.7)


def test_few_rows_and_large_batches() -> None:
    only = _some_batches(LENGTHS[:10], TrainOptions())
    assert sorted(np.concatenate(only).tolist()) == list(range(10))
    large = _some_batches(LENGTHS, TrainOptions(batch_rows=4096))
    assert max(map(len, large)) <= MOST


@pytest.mark.parametrize("rows", [200, 500, 1000])
def test_of_rows_as_long_as_each_other_whole_batches_are_measured(rows: int) -> None:
    """What is left over would be measured with kernels that nothing has warmed."""
    batches = _some_batches(np.full(rows, 49), TrainOptions(batch_rows=64))
    assert {len(batch) for batch in batches} == {64}
