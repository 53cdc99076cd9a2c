"""Rows drawn together by their labels: the loss, the head that is fitted, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import toys
from graftwork.api._rungs import make_strategy
from graftwork.strategies._contrasting import TEMPERATURE, supervised_contrast


def by_hand(vectors: list[np.ndarray], codes: np.ndarray) -> np.ndarray:
    """float64 (b,): the loss of each row, by its definition."""
    units = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in vectors]
    cosines = np.mean([u @ u.T for u in units], axis=0) / TEMPERATURE
    out = np.zeros(len(codes))
    for i in range(len(codes)):
        others = [j for j in range(len(codes)) if j != i]
        partners = [j for j in others if codes[j] == codes[i]]
        whole = np.log(np.exp(cosines[i, others]).sum())
        out[i] = np.mean([whole - cosines[i, j] for j in partners]) if partners else 0.0
    return out


@pytest.mark.parametrize("inputs", [1, 2])
def test_the_loss_is_that_of_the_paper(inputs: int) -> None:
    rng = np.random.default_rng(0)
    vectors = [rng.standard_normal((9, 5)) for _ in range(inputs)]
    codes = np.asarray([0, 0, 1, 1, 1, 2, 0, 3, 3])  # label 2 has no partner
    given = [torch.tensor(v, requires_grad=True) for v in vectors]
    found = supervised_contrast(given, codes)
    expected = by_hand(vectors, codes)
    assert expected[5] == 0
    assert float(found.detach()) == pytest.approx(expected.sum())
    found.backward()
    assert all(bool(torch.isfinite(v.grad).all()) for v in given)
    weights = rng.uniform(0.5, 2, 9).astype(np.float32)
    weighted = supervised_contrast(given, codes, weights)
    assert float(weighted.detach()) == pytest.approx((expected * weights).sum(), rel=1e-6)


def test_rows_without_partners_move_nothing() -> None:
    given = torch.randn(4, 3, requires_grad=True)
    loss = supervised_contrast([given], np.arange(4))
    loss.backward()
    assert float(loss.detach()) == 0
    assert given.grad is not None
    assert float(given.grad.abs().max()) == 0


def test_rows_of_one_label_come_together(bert: Any, tmp_path: Path) -> None:
    """Cosines within a label grow over those between labels, on rows that were not learnt from."""
    texts, labels = toys.sentences(144)
    learn, rest = slice(0, 72), slice(72, 144)
    job = toys.job(toys.dataset({"text": texts[learn]}, labels[learn]), {"base": bert}, tmp_path)
    strategy = make_strategy("contrast", {"steps": 90, "rate": 3e-3})
    model = strategy.transfer(job)
    assert model.facts["strategy"] == "contrast"
    told = []
    for backbone in (bert, model.backbones["base"]):
        store = toys.job(toys.dataset({"text": texts}, labels), {}, tmp_path / "new").store
        features = store.features(backbone, texts[rest]).view(backbone.n_layers - 1, 0)
        units = features / np.linalg.norm(features, axis=1, keepdims=True)
        alike = np.asarray(labels[rest])[:, None] == np.asarray(labels[rest])[None]
        cosines = units @ units.T
        told.append(cosines[alike].mean() - cosines[~alike].mean())
    assert told[1] > told[0] + 0.1


def test_few_rows_are_passed_until_there_are_steps_enough(bert: Any, tmp_path: Path) -> None:
    texts, labels = toys.sentences(400)
    strategy = make_strategy("contrast", {})
    for rows, epochs in ((16, 20), (70, 10), (400, 2)):
        data = toys.dataset({"text": texts[:rows]}, labels[:rows])
        way = strategy.way(toys.job(data, {"base": bert}, tmp_path / str(rows)))  # type: ignore[attr-defined]
        assert way.options.epochs == epochs
