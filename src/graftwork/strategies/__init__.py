"""How knowledge moves: one file per strategy, none imports another."""

from __future__ import annotations

from graftwork.registry import Registry

__all__ = ["STRATEGIES"]

STRATEGIES = Registry("graftwork.strategies", "strategy")
