"""Temperature and expected errors in a head: kept on disk, checked when read."""

from __future__ import annotations

import json

import numpy as np
import pytest

from graftwork.errors import IntegrityError
from graftwork.features.convex import Head as Linear
from graftwork.model.head import HeadBlock, ModelHead
from graftwork.tasks.classification import Classification

TABLE = {"rows": 80, "curve": [{"threshold": 0.0, "coverage": 1.0}], "guarantee": None}


def head(**more):
    weights = np.float32([[1, 0], [0, 2], [1, 1]])
    linear = Linear([weights], np.float32([0.5, 0]))
    return ModelHead(Classification(["a", "b"]), (HeadBlock("x", None),), linear, **more)


def test_temperature_softens_probabilities_and_leaves_scores():
    rows = [np.float32([[1, 0, 2], [0, 3, 0]])]
    plain, warm = head(), head(temperature=2.0)
    np.testing.assert_array_equal(plain.scores(rows), warm.scores(rows))
    scores = plain.scores(rows)
    odds = np.exp(scores / 2) / np.exp(scores / 2).sum(1, keepdims=True)
    np.testing.assert_allclose(warm.probabilities(scores), odds, rtol=1e-6)
    np.testing.assert_array_equal(plain.probabilities(scores), plain.task.probabilities(scores))


def test_both_survive_the_disk(tmp_path):
    head(temperature=1.7, abstention=TABLE).save(tmp_path)
    found = ModelHead.load(tmp_path)
    assert (found.temperature, found.abstention) == (1.7, TABLE)


def test_a_head_of_an_older_release_is_as_it_was(tmp_path):
    head(temperature=1.7, abstention=TABLE).save(tmp_path)
    told = json.loads((tmp_path / "head.json").read_text("utf-8"))
    del told["temperature"], told["abstention"]
    (tmp_path / "head.json").write_text(json.dumps(told), "utf-8")
    found = ModelHead.load(tmp_path)
    assert (found.temperature, found.abstention) == (1.0, None)


@pytest.mark.parametrize("wrong", [{"temperature": 0}, {"temperature": "warm"},
                                   {"temperature": True}, {"abstention": [1]}])  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path, wrong):
    head().save(tmp_path)
    told = json.loads((tmp_path / "head.json").read_text("utf-8"))
    (tmp_path / "head.json").write_text(json.dumps(told | wrong), "utf-8")
    with pytest.raises(IntegrityError, match="not a head"):
        ModelHead.load(tmp_path)
