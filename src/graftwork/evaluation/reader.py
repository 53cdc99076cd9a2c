"""Rows as a report shows them: line numbers, and inputs as safe HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graftwork.modalities.modality import Modality

__all__ = ["Reader", "html_of"]


@dataclass(frozen=True)
class Reader:
    """How to show some rows.

    Attributes:
        rows: int (n,) line numbers.
        values: the inputs of the row at a position.
        modality: shows an input.
        redact: leave out all texts.
    """

    rows: np.ndarray
    values: Callable[[int], Sequence[Any]]
    modality: Modality
    redact: bool = False

    def number(self, position: int) -> int:
        """Its line number."""
        return int(self.rows[position])

    def html(self, position: int) -> str | None:
        """Its inputs, escaped; None where texts are left out."""
        return html_of(self.modality, self.values(position), redact=self.redact)


def html_of(modality: Modality, values: Sequence[Any], *, redact: bool) -> str | None:
    """The inputs of one row as safe HTML; None where texts are to be left out."""
    return None if redact else "<br>".join(str(modality.show(value)) for value in values)
