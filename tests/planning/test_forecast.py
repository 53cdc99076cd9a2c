"""The forecast of a dry run is measured the way the fit will work."""

from __future__ import annotations

from threading import Barrier

import pytest
from threadpoolctl import threadpool_info

from graftwork.planning import forecast
from graftwork.planning.forecast import search_seconds
from graftwork.runtime.threads import cores
from graftwork.tasks.classification import Classification


def test_heads_are_measured_as_the_search_fits_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many at a time as cores, each with one thread: beside other work several take ages."""
    threads: list[int] = []
    together = Barrier(cores(), timeout=20)  # broken where fewer are fitted at a time

    def fit(*_: object, **__: object) -> None:
        together.wait()
        threads.extend(
            found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"
        )

    monkeypatch.setattr(forecast, "fit_path", fit)
    loss = Classification(labels=("a", "b")).convex()
    search_seconds(100, 8, loss, fits=1, strengths=(1.0,))
    assert set(threads) == {1}


def test_heads_on_twice_the_rows_take_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "_quickest", lambda measured: 1.0)
    loss = Classification(labels=("a", "b")).convex()
    once = search_seconds(400, 8, loss, fits=cores(), strengths=(1.0,))
    assert once == pytest.approx(1.0)
    assert search_seconds(800, 8, loss, fits=2 * cores(), strengths=(1.0,)) == pytest.approx(4.0)


def test_more_dimensions_than_the_measured_rows_cost_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The head of 400 rows is found in their own span, that of 8,000 rows in 768 dimensions."""
    monkeypatch.setattr(forecast, "_quickest", lambda measured: 1.0)
    loss = Classification(labels=("a", "b")).convex()
    seconds = search_seconds(8000, 768, loss, fits=cores(), strengths=(1.0,))
    assert seconds == pytest.approx(20 * 768 / 400)
