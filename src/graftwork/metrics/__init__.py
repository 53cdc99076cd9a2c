"""Metrics, a family a file; each is one declared function, so that bootstraps vectorise.

A metric over labels is a function of `ClassCounts` (`counts.py`) with any leading axes, usually
one of resamples; a metric over probabilities gives one value per row, and its score is their mean.
What a metric declares beside name and title (`Declaration.facts`):

- ``higher_is_better``: whether more is good;
- ``needs``: ``labels`` (class counts) or ``probabilities`` (rows);
- ``sklearn``: the call of scikit-learn that gives the same value;
- ``unit``: ``share`` where the value reads as a percentage of rows, else ``score``;
- ``range``: lowest and highest possible value (None: no bound).
"""

from __future__ import annotations

from graftwork.registry import Registry

__all__ = ["METRICS"]

METRICS = Registry("graftwork.metrics", "metric")
