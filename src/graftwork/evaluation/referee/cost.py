"""What contestants cost beside each other, in plain words."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

__all__ = ["cost_words", "listed", "money", "ratio_words"]

SMALLEST = 1e-9  # share of a cost that is told; less is none
SAME = 0.95  # from this share of another's cost on, two cost about the same: measured times vary
LEAST_MONEY, MOST_MONEY = 1e-6, 1e12  # told digit by digit
_SOURCES = {"measured": "as measured here", "stated": "as stated"}


def cost_words(told: Sequence[Mapping[str, Any]], level: Collection[str]) -> str:
    """Which costs less, where right answers do not decide against it; else empty.

    A cheaper one counts where it is level with the best: what one that is worse saves is no gain
    (what it may answer first, a handover tells).

    Args:
        told: contestants with ``name`` and ``price``, best first.
        level: names of those that are as good as the best or not told apart from it.
    """
    best, *rest = told
    if not best["price"]:
        return ""
    others = [each for each in rest if each["price"]]
    cheaper = [o for o in others if o["name"] in level and _part(o, best) < SAME]
    if cheaper:
        return _beside(min(cheaper, key=_cost), [best])
    dearer = [o for o in others if _part(best, o) < SAME or (o["name"] in level and _same(best, o))]
    return _beside(best, dearer) if dearer else ""


def _beside(one: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> str:
    """What one costs beside others that cost more, or about the same."""
    parts = [f"{_amount(one, other)} {other['name']}" for other in others]
    return f"{one['name']} costs {listed(parts)} ({_sources([one, *others])})."


def _amount(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    if _same(one, other):
        return "about as much as"
    part = _part(one, other)
    return "next to nothing beside" if part < SMALLEST else f"about {ratio_words(part)} of"


def _sources(priced: Sequence[Mapping[str, Any]]) -> str:
    """Whether costs were measured or stated, and whose."""
    found: dict[str, list[str]] = {}
    for each in priced:
        found.setdefault(each["price"]["source"], []).append(each["name"])
    if len(found) == 1:
        return _SOURCES[next(iter(found))]
    return ", ".join(f"{listed(names)} {_SOURCES[source]}" for source, names in found.items())


def _cost(each: Mapping[str, Any]) -> float:
    return float(each["price"]["value"])


def _part(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """The cost of one as a part of the other's; infinite where that is nothing."""
    if _cost(one) == _cost(other):
        return 1.0
    return _cost(one) / _cost(other) if _cost(other) else math.inf


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return min(_part(one, other), _part(other, one)) >= SAME


def ratio_words(ratio: float) -> str:
    """A part of a cost: ``1/400``, ``45 %``."""
    if ratio < SMALLEST:
        return "0 %"
    # a measured time has no more than two digits to rely on
    return f"1/{float(f'{1 / ratio:.2g}'):,.0f}" if ratio < 0.15 else f"{100 * ratio:.0f} %"


def money(value: float) -> str:
    """An amount in cents, or as far as its second digit where it is less than one."""
    if 0 < value < LEAST_MONEY:
        return f"< {LEAST_MONEY:.6f}"
    if value >= MOST_MONEY:
        return f"{value:.3g}"
    digits = 2 if value == 0 or value >= 1 else max(2, 1 - math.floor(math.log10(value)))
    return f"{value:,.{digits}f}"


def listed(names: Sequence[str]) -> str:
    """Names as people list them: ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
