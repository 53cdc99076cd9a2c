from __future__ import annotations

import time

import numpy as np
import pytest

from graftwork.stats.folds import stratified_group_folds


def spread(codes, fold, k):
    table = np.zeros((codes.max() + 1, k), dtype=int)
    np.add.at(table, (codes, fold), 1)
    return table


def test_single_rows_are_dealt_evenly_by_class():
    codes = np.random.default_rng(0).choice(9, 700, p=np.arange(1, 10) / 45)
    fold = stratified_group_folds(codes, np.arange(700), 5, seed=1)
    table = spread(codes, fold, 5)
    assert (table.max(1) - table.min(1)).max() <= 1
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_never_split(seed):
    rng = np.random.default_rng(seed)
    codes, groups = rng.integers(0, 6, 400), rng.integers(0, 120, 400)
    fold = stratified_group_folds(codes, groups, 5, seed=seed)
    for group in np.unique(groups):
        assert len(set(fold[groups == group])) == 1
    table = spread(codes, fold, 5)
    assert (table > 0).all()
    assert np.bincount(fold).max() <= 1.25 * len(codes) / 5


def test_rare_classes_and_few_groups():
    codes = np.array([0] * 20 + [1, 1, 2])
    fold = stratified_group_folds(codes, np.arange(23), 5)
    assert len(set(fold[20:22])) == 2
    few = stratified_group_folds(np.array([0, 1, 0, 1]), np.array([7, 7, 8, 8]), 5)
    assert sorted(set(few.tolist())) == [0, 1]


def test_one_group_cannot_be_dealt():
    with pytest.raises(ValueError, match="1 group"):
        stratified_group_folds(np.array([0, 1]), np.array([3, 3]), 5)


def test_same_seed_same_folds():
    codes, groups = np.arange(300) % 7, np.arange(300) // 2
    first = stratified_group_folds(codes, groups, 5, seed=4)
    assert (first == stratified_group_folds(codes, groups, 5, seed=4)).all()
    assert (first != stratified_group_folds(codes, groups, 5, seed=5)).any()


def test_quick_at_fifty_thousand_rows():
    rng = np.random.default_rng(0)
    codes, groups = rng.integers(0, 150, 50_000), rng.integers(0, 40_000, 50_000)
    start = time.process_time()
    stratified_group_folds(codes, groups, 5)
    assert time.process_time() - start < 1.5  # 0.25 s on a quiet machine
