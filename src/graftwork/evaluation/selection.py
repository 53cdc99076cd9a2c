"""Which rows to label next: rows that the model is unsure of, and that differ from each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graftwork.evaluation.power_law import PowerLaw

__all__ = ["SHORTLIST", "doubt", "expected", "shortlist", "spread"]

SHORTLIST = 10  # candidates for each row to pick; Zhdanov (2019) found 10 to 50 to be alike


def doubt(probabilities: np.ndarray) -> np.ndarray:
    """float64 (n,): 1 minus the margin between the two likeliest labels; 1 is torn, 0 is sure.

    The margin, rather than the highest probability: with many labels a row between two of them is
    worth more than one that is a little of everything (Scheffer, Decomain & Wrobel 2001).

    Args:
        probabilities: float (n, k), k at least 2, as calibrated as they can be had.
    """
    best = np.partition(np.asarray(probabilities, dtype=np.float64), -2, axis=1)[:, -2:]
    return np.asarray(np.clip(1.0 - (best[:, 1] - best[:, 0]), 0.0, 1.0))


def shortlist(weights: np.ndarray, n: int, *, per_pick: int = SHORTLIST) -> np.ndarray:
    """int64 positions of the `per_pick`·n rows of most doubt, the first of equals first.

    Without it the many rows that the model is fairly sure of would outweigh the few that it is not.
    """
    order = np.argsort(-np.asarray(weights), kind="stable")
    return order[: min(len(order), per_pick * n)]


def spread(features: Any, weights: np.ndarray, n: int, *, seed: int = 0) -> np.ndarray:
    """Pick rows by weighted k-means++: with chance ∝ weight · squared distance to those picked.

    The seeding of k-means (Arthur & Vassilvitskii 2007) with each row weighted by the model's doubt
    (Zhdanov 2019, Diverse mini-batch active learning; Ash et al. 2020, BADGE, seeds in the same way
    on gradients). Costs one product of the features with a vector for each row that is picked.

    Args:
        features: float (m, d), dense or SciPy CSR; standardised, as a head reads them.
        weights: float (m,), not negative: the doubt of each row.
        n: how many rows to pick; all are given where there are no more.
        seed: same seed, same rows.

    Returns:
        int64 (min(n, m),) positions, in the order in which they were picked.
    """
    m = int(features.shape[0])
    left = np.asarray(weights, dtype=np.float64).copy()
    norms, rng = _norms(features), np.random.default_rng(seed)
    nearest = np.full(m, np.inf)
    picked = np.empty(min(n, m), dtype=np.int64)
    for place in range(len(picked)):
        # before the first pick no row is nearer than another; identical rows have nothing to add
        mass = left if place == 0 else left * nearest
        row = _draw(np.maximum(mass, 0.0), left, rng)
        picked[place], left[row] = row, -1.0
        apart = norms + norms[row] - 2.0 * _products(features, row)
        nearest = np.minimum(nearest, np.maximum(apart, 0.0))
    return picked


def _draw(mass: np.ndarray, left: np.ndarray, rng: np.random.Generator) -> int:
    """One row with chance ∝ `mass`; where nothing has any, the row of most doubt that is left."""
    total = np.cumsum(mass)
    point = rng.random() * total[-1]  # drawn in any case, so that later picks do not shift
    if not total[-1] > 0.0:
        return int(left.argmax())
    return int(min(np.searchsorted(total, point, side="right"), np.flatnonzero(mass)[-1]))


def _norms(features: Any) -> np.ndarray:
    """float64 (m,): squared length of each row."""
    if isinstance(features, np.ndarray):
        return np.einsum("ij,ij->i", features, features, dtype=np.float64)
    return np.asarray(features.multiply(features).sum(axis=1), dtype=np.float64).ravel()


def _products(features: Any, row: int) -> np.ndarray:
    """float64 (m,): product of every row with the one at `row`."""
    if isinstance(features, np.ndarray):
        return np.asarray(features @ features[row], dtype=np.float64)
    return np.asarray((features @ features[[row]].T).todense(), dtype=np.float64).ravel()


def expected(curve: Mapping[str, Any] | None, more: int) -> dict[str, Any] | None:
    """What `more` labels should bring by a run's learning curve; None where it does not say.

    The curve was measured with rows drawn at random, so it speaks of as many rows drawn so. The
    interval is that of twice the labels, scaled to the smaller step.

    Args:
        curve: ``learning_curve`` of the run's `metrics.json`.
        more: how many labels.

    Returns:
        ``rows`` (before and after), ``metric``, ``gain``, ``low``, ``high``.
    """
    law, twice = (curve or {}).get("law"), (curve or {}).get("twice")
    if not law or not twice or not more:
        return None
    fitted, now = PowerLaw(**law), twice["rows"] / 2
    gain = fitted.at(now) - fitted.at(now + more)
    doubled = fitted.at(now) - fitted.at(2 * now)
    scale = gain / doubled if doubled > 0 else 0.0
    bounds = {
        key: None if twice.get(key) is None else scale * twice[key] for key in ("low", "high")
    }
    rows = [round(now), round(now) + more]
    return {"rows": rows, "metric": (curve or {}).get("metric"), "gain": gain, **bounds}
