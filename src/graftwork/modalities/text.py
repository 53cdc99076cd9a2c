"""Text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.registry import Declaration, declare

if TYPE_CHECKING:
    import numpy as np

    from graftwork.data.audit import Finding
    from graftwork.modalities.text_tokens import TokenCounts
    from graftwork.runs.progress import Progress

__all__ = ["Text"]


@declare("text", title="Text in any language", aliases=("texts",))
class Text:
    """Inputs that are text."""

    declaration: ClassVar[Declaration]
    noun = "text"
    classical = "lexical"
    default_base = "minilm"
    glance = False

    def recognises(self, values: Sequence[Any]) -> bool:
        """Whether they are text, most of them."""
        return 2 * sum(isinstance(value, str) for value in values) >= len(values)

    def take(
        self,
        values: Sequence[Any],
        *,
        folder: Path | None = None,
        memo: Path | None = None,
        progress: Progress | None = None,
    ) -> tuple[list[Any], dict[int, tuple[str, str]]]:
        """Texts as they stand."""
        return list(values), {}

    def audit(
        self,
        values: Sequence[Any],
        rows: Sequence[int],
        *,
        field: str,
        count_tokens: Callable[[Sequence[str]], TokenCounts] | None = None,
    ) -> list[Finding]:
        """Over-long texts and a language that the base was not made for, by the base's tokens.

        Values that are no text, in a typed source, are told of too.
        """
        from graftwork.modalities.text_tokens import token_findings

        found = list(_no_texts(values, rows, field))
        if count_tokens is not None:
            texts = (
                [value if isinstance(value, str) else "" for value in values] if found else values
            )
            found.extend(token_findings(texts, rows, field=field, count_tokens=count_tokens))
        return found

    def near_duplicates(self, values: Sequence[Any]) -> np.ndarray:
        """int64 (n,) group of each text; see `_text_minhash` for what counts as near."""
        from graftwork.modalities._text_minhash import near_duplicate_groups

        return near_duplicate_groups([value if isinstance(value, str) else "" for value in values])

    def is_blank(self, value: Any) -> bool:
        """Whether a text is missing, or only white space and invisible characters."""
        from graftwork.data.values import is_blank

        return is_blank(value)

    def show(self, value: Any, *, redact: bool = False, limit: int = 400) -> str:
        """The text, escaped for HTML, cut after `limit` characters."""
        import html

        text = "" if value is None else str(value)
        if redact:
            return f'<span class="redacted">[{len(text):,} characters left out]</span>'
        cut = text if len(text) <= limit else text[:limit].rstrip() + "…"
        # control characters (NUL among them) are not allowed in HTML, not even as references
        clean = "".join(c if c >= " " or c in "\t\n\r" else "\ufffd" for c in cut)
        return html.escape(clean, quote=True)

    def samples(self, count: int) -> list[str]:
        """Messages of the demo's inbox."""
        import csv
        import io
        from importlib import resources

        path = resources.files("graftwork.apps.demo").joinpath("support_tickets.csv")
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        return [row["text"] for row, _ in zip(rows, range(count), strict=False)]

    def parts(self, value: Any) -> list[str]:
        """Words with what clings to them; single characters in scripts without spaces."""
        from graftwork.modalities._text_parts import spans

        text = "" if value is None else str(value)
        return [text[start:stop] for start, stop in spans(text)]

    def views(self, value: Any, count: int, seed: int) -> list[Any]:
        """Refused: a text that is altered may say something else."""
        from graftwork.errors import UnsupportedError

        raise UnsupportedError("texts have no altered views; leave `views` at 0")

    def overlay(self, value: Any, importances: Sequence[float]) -> bytes | None:
        """None: the words themselves are read."""
        return None

    def without(self, value: Any, left_out: Collection[int]) -> str:
        """The text without those words, and without the space that they leave behind."""
        from graftwork.modalities._text_parts import without

        return without("" if value is None else str(value), left_out)


def _no_texts(values: Sequence[Any], rows: Sequence[int], field: str) -> list[Finding]:
    from graftwork.data.audit import Finding
    from graftwork.data.words import counted

    # a half-blank row of several inputs is None, which is no fault here
    wrong = [
        i for i, value in enumerate(values) if value is not None and not isinstance(value, str)
    ]
    if not wrong:
        return []
    kind = type(values[wrong[0]]).__name__
    count = counted(len(wrong), "value is", "values are")
    message = f"column {field!r}: {count} no text (the first is {kind})"
    shown = tuple(int(rows[i]) for i in wrong[:20])
    return [Finding("no_text", "error", message, shown, len(wrong), field)]
