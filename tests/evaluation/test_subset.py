"""Fewer rows than there are: classes in proportion, none lost, some before others."""

from __future__ import annotations

import numpy as np
import pytest

from graftwork.evaluation.controls import subset


@pytest.mark.parametrize("seed", range(5))
def test_rows_that_come_before_others_are_drawn_before_them(seed: int) -> None:
    codes = np.repeat([0, 1, 2], [40, 40, 20])
    before = np.zeros(100, dtype=bool)
    before[[1, 2, 3, 50, 51]] = True
    chosen = subset(codes, 10, seed, before)
    assert len(chosen) == 10
    assert set(np.flatnonzero(before)) <= set(chosen.tolist())
    assert set(codes[chosen]) == {0, 1, 2}  # of the last class none comes before


def test_no_class_is_lost_where_more_come_before_than_are_drawn() -> None:
    codes = np.repeat([0, 1, 2], [90, 5, 5])
    chosen = subset(codes, 10, 0, codes == 0)
    assert np.bincount(codes[chosen]).tolist() == [8, 1, 1]


def test_all_rows_where_there_are_no_more() -> None:
    assert subset(np.asarray([0, 1, 0]), 3, 0, np.asarray([True, False, False])).tolist() == [
        0,
        1,
        2,
    ]
