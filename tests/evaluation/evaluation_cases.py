"""Made-up predictions that the evaluation tests share."""

from __future__ import annotations

import numpy as np

from graftwork.evaluation.contender import Contender, Control
from graftwork.evaluation.evidence import prove

NASTY = '<script>alert("x")</script>'


def guess(truth, k, right, seed):
    """Codes that are right with that chance, and probabilities whose largest is that code."""
    rng = np.random.default_rng(seed)
    predicted = np.where(rng.random(len(truth)) < right, truth, rng.integers(0, k, len(truth)))
    odds = rng.dirichlet(np.full(k, 1.0), len(truth)) * 0.4
    odds[np.arange(len(truth)), predicted] += 0.6
    return predicted, odds


def contender(truth, k, right, seed, name="probe", title="frozen features"):
    predicted, odds = guess(truth, k, right, seed)
    return Contender(name=name, title=title, predicted=predicted, probabilities=odds, seconds=1.0)


def control(truth, k, right, seed, name="lexical", title="TF-IDF without transfer", rows=None):
    known = truth if rows is None else truth[rows]
    predicted, odds = guess(known, k, right, seed)
    return Control(name=name, title=title, predicted=predicted, probabilities=odds, index=rows)


def evidence(n=300, k=4, right=0.9, other=0.7, labels=None, **more):
    truth = np.random.default_rng(0).integers(0, k, n)
    best = contender(truth, k, right, 1)
    settings = {
        "chosen": best,
        "transfer": best,
        "controls": [control(truth, k, other, 2)],
        "slices": {"channel": np.where(np.arange(n) % 3, "mail", "chat").tolist()},
        **more,
    }
    names = labels or [f"class {i}" for i in range(k)]
    return prove(truth, names, **settings)
