"""The face of every modality."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

    from graftwork.data.audit import Finding
    from graftwork.registry import Declaration
    from graftwork.runs.progress import Progress

__all__ = ["Modality"]


@runtime_checkable
class Modality(Protocol):
    """What a kind of input (text, image) knows of itself. Made without arguments, keeps no state.

    Attributes:
        noun: what a column of such inputs holds, in words (``images``).
        classical: name of the kind of backbone that needs no pre-training (``lexical``), used by
            controls.
        default_base: name of the base that is used when none is named; the same as `classical`
            where no pre-trained one comes with the package.
        glance: whether an input is taken in at a glance, so that a report may show many.
    """

    declaration: ClassVar[Declaration]
    noun: str
    classical: str
    default_base: str
    glance: bool

    def recognises(self, values: Sequence[Any]) -> bool:
        """Whether the values of a column, or some of them, look like this kind of input."""
        ...

    def take(
        self,
        values: Sequence[Any],
        *,
        folder: Path | None = None,
        memo: Path | None = None,
        progress: Progress | None = None,
    ) -> tuple[list[Any], dict[int, tuple[str, str]]]:
        """Cells of a table as inputs, and what cannot be one.

        Args:
            values: the cells; None where nothing stands.
            folder: paths among them are relative to it and may not lead out of it; None: any path.
            memo: folder that keeps what was found out about an input, safe to delete.
            progress: shown meanwhile.

        Returns:
            n inputs (None where there is none), and by position the reason why a cell cannot be
            used: a constant word, and the detail for people.
        """
        ...

    def audit(
        self,
        values: Sequence[Any],
        rows: Sequence[int],
        *,
        field: str,
        count_tokens: Callable[[Sequence[Any]], Any] | None = None,
    ) -> list[Finding]:
        """What is wrong with the inputs of one column, by row.

        Args:
            values: the usable inputs.
            rows: a number of each, by which findings name it.
            field: name of the column.
            count_tokens: what the base's processor makes of inputs (`TokenCounts` for text); checks
                that need it are left out without it.
        """
        ...

    def near_duplicates(self, values: Sequence[Any]) -> np.ndarray:
        """int64 (n,): inputs of one number are near-duplicates of each other (transitively)."""
        ...

    def is_blank(self, value: Any) -> bool:
        """Whether an input shows nothing."""
        ...

    def show(self, value: Any, *, redact: bool = False, limit: int = 400) -> str:
        """The input as safe HTML for a report; a placeholder where `redact`."""
        ...

    def samples(self, count: int) -> list[Any]:
        """Some inputs that come with the package, the same on every machine of one version."""
        ...

    def parts(self, value: Any) -> list[str]:
        """The parts (words) of an input that may be left out one by one, in order, to be shown."""
        ...

    def views(self, value: Any, count: int, seed: int) -> list[Any]:
        """So many altered views of an input (augmentation), each an input of its own.

        Raises:
            UnsupportedError: this kind of input has none.
        """
        ...

    def overlay(self, value: Any, importances: Sequence[float]) -> bytes | None:
        """A picture (PNG) of the input with what each of its parts matters; None: words do better.

        Args:
            value: the input.
            importances: of each of its `parts`; above 0 speaks for the label.
        """
        ...

    def without(self, value: Any, left_out: Collection[int]) -> Any:
        """The input without its parts of those numbers (positions in `parts`)."""
        ...
