"""A lexical model beside a tuned network: scores added up, weight chosen, saved as one model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.api._rungs import make_strategy
from graftwork.model.model import Model
from graftwork.strategies._beside import plain_model
from graftwork.strategies.strategy import Choice

TEXTS, LABELS = toys.sentences(240)


@pytest.fixture
def job(bert: Any, lexical: Any, tmp_path: Path) -> Any:
    data = toys.dataset({"text": TEXTS}, LABELS)
    made = toys.job(data, {"base": bert, "lexical": lexical}, tmp_path)
    words = replace(made, backbones={"lexical": lexical})
    made.shared["lexical"] = make_strategy("probe", {}).search(words)
    made.shared["base"] = Choice("probe", _start(), None)
    return made


def _start() -> dict[str, Any]:
    readout = {"layers": [2], "pooling": 0, "mix": "concat", "scale": "zscore"}
    return {"readout": readout, "strength": 4.0, "balanced": False}


def test_scores_are_added_up_and_survive_the_disk(job: Any, tmp_path: Path) -> None:
    tuned = make_strategy("finetune", {"epochs": 1})
    settings = {**_start(), "backbone": "base", "epochs": 1, "share": 1.0}
    alone = tuned.build(job, Choice("finetune", {**settings, "beside": 0.0}, None))
    both = tuned.build(job, Choice("finetune", {**settings, "beside": 0.5}, None))
    words = plain_model(job)
    assert words is not None
    expected = alone.scores(TEXTS[:20]) + 0.5 * words.scores(TEXTS[:20])
    np.testing.assert_allclose(both.scores(TEXTS[:20]), expected, atol=1e-4)
    both.save(tmp_path / "both")
    again = Model.load(tmp_path / "both")
    np.testing.assert_allclose(again.scores(TEXTS[:20]), both.scores(TEXTS[:20]), atol=1e-5)
    assert set(again.backbones) == {"base", "lexical"}


def test_the_pilot_chooses_how_much_it_has_to_say(job: Any, bert: Any) -> None:
    tuned = make_strategy("finetune", {"epochs": 1})
    choice = tuned.search(job)
    tried = {found["beside"] for found in choice.out_of_fold.settings}  # type: ignore[union-attr]
    assert tried == {0.0, 0.5, 1.0}
    alone = tuned.search(replace(job, backbones={"base": bert}))
    assert {found["beside"] for found in alone.out_of_fold.settings} == {0.0}  # type: ignore[union-attr]


def test_without_a_lexical_rung_there_is_nothing_beside(job: Any) -> None:
    assert plain_model(replace(job, shared={})) is None
