"""One file per task: labels, losses (a convex one too), decoding, default metrics."""

from __future__ import annotations

from graftwork.registry import Registry

__all__ = ["TASKS"]

TASKS = Registry("graftwork.tasks", "task")
