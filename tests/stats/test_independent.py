from __future__ import annotations

import math

import pytest

from graftwork.stats.independent import independent_difference
from graftwork.stats.interval import Interval
from graftwork.stats.proportions import wilson


def share(hits: int, n: int) -> Interval:
    low, high = wilson(hits, n)
    return Interval(hits / n, float(low), float(high))


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    # Newcombe 1998, table II, method 10
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_newcombes_own_examples(a, b, low, high):
    found = independent_difference(share(*a), share(*b))
    assert found.value == pytest.approx(a[0] / a[1] - b[0] / b[1])
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_where_nothing_is_known_of_one_nothing_is_known_of_the_difference():
    found = independent_difference(share(5, 10), Interval(0.5, -math.inf, math.inf))
    assert (found.low, found.high) == (-math.inf, math.inf)
