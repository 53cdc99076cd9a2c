"""What a base's tokenizer makes of texts, as the audit needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from graftwork.data.audit import Finding

__all__ = ["CountTokens", "TokenCounts", "token_findings"]

SAMPLE = 200_000  # texts that are counted; above it an even sample is
BATCH = 10_000  # texts handed to the tokenizer at a time
STRANGE = 0.5  # share of unknown or single-character tokens; about .15 in languages a base knows
MIN_TOKENS = 4  # shorter texts ("I", "ok?") say nothing of the language
MANY_STRANGE = 0.05  # share of strange texts that is worth a warning


@dataclass(frozen=True)
class TokenCounts:
    """Tokens of each text, special ones apart, before anything is cut.

    Attributes:
        n_tokens: int (n,) tokens of each text.
        n_unknown: int (n,) of them unknown to the tokenizer.
        n_single: int (n,) of them a single character (bytes of a character count as one each).
        max_length: tokens that the base takes, special ones apart; the rest is cut.
    """

    n_tokens: np.ndarray
    n_unknown: np.ndarray
    n_single: np.ndarray
    max_length: int


CountTokens = Callable[[Sequence[str]], TokenCounts]


def token_findings(
    values: Sequence[str], rows: Sequence[int], *, field: str, count_tokens: CountTokens
) -> list[Finding]:
    """Texts longer than the base takes, and texts in a language it was not made for."""
    import numpy as np

    index = np.arange(0, len(values), max(1, -(-len(values) // SAMPLE)))
    if not len(index):
        return []
    counts = _counted(values, index, count_tokens)
    numbers = np.asarray(rows)[index]
    sampled = "" if len(index) == len(values) else f" (in a sample of {len(index):,} texts)"
    found = [
        *_too_long(counts, numbers, field, sampled),
        *_strange(counts, numbers, field, sampled),
    ]
    return found


def _counted(values: Sequence[str], index: np.ndarray, count_tokens: CountTokens) -> TokenCounts:
    import numpy as np

    parts = [
        count_tokens([str(values[i]) for i in index[start : start + BATCH]])
        for start in range(0, len(index), BATCH)
    ]
    return TokenCounts(
        np.concatenate([part.n_tokens for part in parts]),
        np.concatenate([part.n_unknown for part in parts]),
        np.concatenate([part.n_single for part in parts]),
        parts[0].max_length,
    )


def _too_long(counts: TokenCounts, rows: np.ndarray, field: str, sampled: str) -> Iterator[Finding]:
    from graftwork.data.audit import Finding
    from graftwork.data.words import counted

    over = counts.n_tokens - counts.max_length
    long = over > 0
    if long.any():
        n, cut, total = int(long.sum()), int(over[long].sum()), int(counts.n_tokens.sum())
        message = (
            f"{counted(n, 'text is', 'texts are')} longer than the base takes "
            f"({counts.max_length} tokens): {cut:,} of {total:,} tokens ({cut / total:.1%}) are "
            f"cut{sampled}"
        )
        data = {"tokens_cut": cut, "tokens": total, "max_length": counts.max_length}
        data["longest"] = int(counts.n_tokens.max())
        yield Finding("over_long", "warning", message, _first(rows, long), n, field, data)


def _strange(counts: TokenCounts, rows: np.ndarray, field: str, sampled: str) -> Iterator[Finding]:
    import numpy as np

    from graftwork.data.audit import Finding
    from graftwork.data.words import counted

    share = (counts.n_unknown + counts.n_single) / np.maximum(counts.n_tokens, 1)
    strange = (share >= STRANGE) & (counts.n_tokens >= MIN_TOKENS)
    if strange.any():
        n, part = int(strange.sum()), float(strange.mean())
        message = (
            f"{counted(n, 'text', 'texts')} ({part:.1%}) {'is' if n == 1 else 'are'} mostly "
            f"unknown or single-character tokens, in a language that the base was not made "
            f"for{sampled}"
        )
        severity = "warning" if part >= MANY_STRANGE else "info"
        data = {"share": part, "mean_share_of_tokens": float(share.mean())}
        yield Finding("language", severity, message, _first(rows, strange), n, field, data)


def _first(rows: np.ndarray, mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(row) for row in rows[mask][:20])
