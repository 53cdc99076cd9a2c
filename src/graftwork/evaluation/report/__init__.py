"""The report: one self-contained HTML file, nothing fetched, every user text escaped."""

from __future__ import annotations

from graftwork.evaluation.report.render import render

__all__ = ["render"]
