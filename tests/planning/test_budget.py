"""Budgets: read from words, spent over sessions."""

from __future__ import annotations

import pytest

from graftwork.errors import ParameterError
from graftwork.planning.budget import Budget, duration_text, parse_budget


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), (" 2 H ", 7200), ("0.5m", 30)]
)
def test_units(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["15", "-5m", "0s", "", "ten minutes", "5d", "m", "1e3s", "nan s"])
def test_what_is_no_budget_is_told_with_what_is(text: str) -> None:
    with pytest.raises(ParameterError, match=r"90s, 15m or 2h"):
        parse_budget(text)


def test_earlier_sessions_count() -> None:
    budget = Budget(100.0, before=40.0)
    assert 59 < budget.left <= 60
    assert Budget(10.0, before=40.0).left < 0


def test_durations_are_told_as_exactly_as_they_deserve() -> None:
    assert [duration_text(s) for s in (42.3, 600, 7200)] == ["42 s", "10 min", "2.0 h"]
