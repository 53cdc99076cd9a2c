"""Rows to read of the class pairs that are confused most."""

from __future__ import annotations

from typing import Any

from graftwork.evaluation.reader import Reader

__all__ = ["number_pairs", "pairs_with_texts"]


def number_pairs(confusion: dict[str, Any], reader: Reader) -> list[str | None]:
    """Turn the pairs' examples from positions into line numbers, in place.

    Args:
        confusion: as `per_class.confusion` gives it.
        reader: of the rows that the positions are of.

    Returns:
        the rows' texts as safe HTML, pair after pair, for `pairs_with_texts`.
    """
    html = [reader.html(i) for pair in confusion["pairs"] for i in pair["examples"]]
    for pair in confusion["pairs"]:
        pair["examples"] = [reader.number(i) for i in pair["examples"]]
    return html


def pairs_with_texts(confusion: dict[str, Any], html: list[str | None]) -> dict[str, Any]:
    """The confusion with the texts of its examples (``row``, ``html``), for a report alone."""
    texts = iter(html)
    pairs = [
        {**pair, "examples": [{"row": row, "html": next(texts)} for row in pair["examples"]]}
        for pair in confusion["pairs"]
    ]
    return {**confusion, "pairs": pairs}
