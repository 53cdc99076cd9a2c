"""What a decision maker needs, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graftwork.evaluation.referee.cost import cost_words, listed, ratio_words
from graftwork.evaluation.referee.pairwise import Pair

__all__ = ["decision", "handover_words", "outcome_words", "p_words"]

LEAST_COVERAGE = 0.05  # below, handing over the rest is no plan


def decision(
    told: Sequence[Mapping[str, Any]],
    pairs: Sequence[Pair],
    handovers: Sequence[Mapping[str, Any]],
) -> str:
    """Who is best, who is as good and costs less, and what a cheaper one can answer first.

    Args:
        told: contestants, best first.
        pairs: every two of them.
        handovers: as `handover.handovers` gives them.
    """
    best = told[0]
    score = best["scores"]["accuracy"]
    words = [
        f"{best['name']} is right on {_share(score['value'])} of the rows "
        f"({_range(score)}){_standing(best, pairs)}."
    ]
    cost = cost_words(told, _level(best["name"], pairs))
    if cost:
        words.append(cost)
    plan = _plan(told, handovers)
    if plan is not None:
        words.append(handover_words(plan))
    return " ".join(words)


def _standing(best: Mapping[str, Any], pairs: Sequence[Pair]) -> str:
    """How the best stands to the others."""
    behind: list[str] = []
    before: list[str] = []  # the best by another metric may have fewer rows right
    level: list[str] = []
    open_: list[str] = []
    for pair in pairs:
        if best["name"] not in (pair.a, pair.b):
            continue
        other = pair.b if pair.a == best["name"] else pair.a
        if pair.outcome in ("a", "b"):
            ahead = pair.outcome == ("a" if pair.a == best["name"] else "b")
            gap = abs(100 * pair.difference.value)
            (behind if ahead else before).append(f"{other} (by {gap:.1f} points)")
        else:
            (level if pair.outcome == "even" else open_).append(other)
    parts = []
    if behind:
        parts.append(f"better than {listed(behind)}")
    if before:
        parts.append(f"on fewer than {listed(before)}")
    if level:
        parts.append(f"as good as {listed(level)}")
    if open_:
        parts.append(f"not told apart from {listed(open_)} by these rows")
    return f", {'; '.join(parts)}" if parts else ""


def _level(best: str, pairs: Sequence[Pair]) -> set[str]:
    """Those that are as good as the best, or not told apart from it."""
    return {
        pair.b if pair.a == best else pair.a
        for pair in pairs
        if best in (pair.a, pair.b) and pair.outcome not in ("a", "b")
    }


def _plan(
    told: Sequence[Mapping[str, Any]], handovers: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The handover to tell: the cheapest in front of the best, if it costs less than that alone.

    Without prices: the one that answers most in front of the best.
    """
    best = told[0]["name"]
    useful = [
        h for h in handovers if h["other"] == best and h["coverage"]["value"] >= LEAST_COVERAGE
    ]
    priced = [h for h in useful if h["price"] and h["price"].get("ratio", 1.0) < 1.0]
    if priced:
        return min(priced, key=lambda h: float(h["price"]["ratio"]))
    unpriced = [h for h in useful if not h["price"]]
    return max(unpriced, key=lambda h: float(h["coverage"]["value"]), default=None)


def outcome_words(pair: Mapping[str, Any]) -> str:
    """What came of a pair, as `Pair.to_json` gives it."""
    words = {"even": "as good", "undecidable": "not told apart"}
    outcome = pair["outcome"]
    return words[outcome] if outcome in words else f"{pair[outcome]} better"


def p_words(value: float) -> str:
    """A p-value as people read it."""
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def handover_words(found: Mapping[str, Any]) -> str:
    """One handover in words."""
    first, other, errors = found["first"], found["other"], found["errors"]
    gain = found["gain"]
    words = (
        f"Held to the error rate of {other} ({_share(found['rate'])}), {first} answers "
        f"{_share(found['coverage']['value'])} of the rows (of these it has "
        f"{_share(errors['first']['value'])} wrong, {other} {_share(errors['other']['value'])}). "
        f"With {other} for the rest, "
        f"{_share(found['together']['value'])} are right: {100 * gain['value']:+.1f} points "
        f"against {other} alone ({_bounds(gain)})"
    )
    price = found["price"]
    if price and "ratio" in price:
        words += (
            f", for {ratio_words(price['ratio'])} of its cost (a row that {first} answers costs "
            f"{ratio_words(price['row_ratio'])})"
        )
    return words + "."


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _range(found: Mapping[str, Any]) -> str:
    if found["low"] is None or found["high"] is None:
        return "one row"
    return f"95 % interval {100 * found['low']:.1f} to {100 * found['high']:.1f}"


def _bounds(found: Mapping[str, Any]) -> str:
    if found["low"] is None or found["high"] is None:
        return "no interval"
    return f"{100 * found['low']:+.1f} to {100 * found['high']:+.1f}"
