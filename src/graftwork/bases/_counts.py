"""Counts of n-grams, made once for a list of texts and reused by every fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

from graftwork.bases._lexical_tokens import is_word, tokenise

__all__ = ["LexicalCounts", "count"]

# Beyond this a "word" is a link, a key or a sentence without spaces; its beginning is enough.
LONGEST_WORD = 200


@dataclass(frozen=True)
class LexicalCounts:
    """Texts as token codes, with the n-grams of words counted.

    The columns are in a canonical order (words by spelling; pairs by their two words; character
    n-grams by spelling), so that any subset of rows keeps the order it would have on its own.
    Character n-grams are held per distinct word and multiplied out when they are needed.

    Attributes:
        words: the distinct tokens, sorted.
        pairs: int64 (n_pairs,), first word's code · len(words) + second word's code, ascending.
        chars: the distinct character n-grams, sorted.
        word_counts: CSR int32 (n, len(words)).
        pair_counts: CSR int32 (n, n_pairs).
        spelling: CSR int32 (len(words), len(chars)), character n-grams of each word.
        lengths: int64 (n,), tokens of each row.
        settings: what decides the counts (n-gram orders).
    """

    words: list[str]
    pairs: np.ndarray
    chars: list[str]
    word_counts: csr_matrix
    pair_counts: csr_matrix
    spelling: csr_matrix
    lengths: np.ndarray
    settings: tuple[int, tuple[int, int] | None] = field(default=(2, (3, 4)))

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def char_counts(self) -> csr_matrix:
        """CSR int32 (n, len(chars)), multiplied out on first use."""
        product = (self.word_counts @ self.spelling).tocsr()
        product.sort_indices()
        return product

    def pair_text(self, position: int) -> str:
        """A pair of words as it is written in the vocabulary."""
        first, second = divmod(int(self.pairs[position]), len(self.words))
        return f"{self.words[first]} {self.words[second]}"


def count(
    texts: Sequence[str], *, pairs: bool = True, chars: tuple[int, int] | None = (3, 4)
) -> LexicalCounts:
    """Tokenise `texts` and count their n-grams.

    Args:
        texts: any strings; an empty one gives an empty row.
        pairs: whether pairs of neighbouring tokens count.
        chars: shortest and longest character n-gram inside words, or None for none.
    """
    import numpy as np

    tokens = [tokenise(str(text)) for text in texts]
    lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
    words = sorted(set(chain.from_iterable(tokens)))
    code = {word: i for i, word in enumerate(words)}
    total = int(lengths.sum())
    flat = np.fromiter((code[t] for t in chain.from_iterable(tokens)), np.int64, total)
    rows = np.repeat(np.arange(len(tokens)), lengths)
    word_counts = _tally(rows, flat, (len(tokens), len(words)))
    same = rows[:-1] == rows[1:] if pairs else np.zeros(max(total - 1, 0), bool)
    keys = (flat[:-1] * len(words) + flat[1:])[same]
    distinct, columns = np.unique(keys, return_inverse=True)
    pair_counts = _tally(rows[:-1][same], columns, (len(tokens), len(distinct)))
    grams, spelling = _spelling(words, chars)
    settings = (2 if pairs else 1, chars)
    return LexicalCounts(
        words, distinct, grams, word_counts, pair_counts, spelling, lengths, settings
    )


def _tally(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    """CSR int32 counts of (row, column) occurrences, columns ascending in each row."""
    import numpy as np
    from scipy.sparse import csr_matrix

    keys, found = np.unique(rows * max(shape[1], 1) + columns, return_counts=True)
    row, column = np.divmod(keys, max(shape[1], 1))
    indptr = np.zeros(shape[0] + 1, np.int32)
    np.cumsum(np.bincount(row, minlength=shape[0]), out=indptr[1:])
    matrix = csr_matrix((found.astype(np.int32), column.astype(np.int32), indptr), shape=shape)
    matrix.has_sorted_indices = True
    return matrix


def _spelling(words: list[str], chars: tuple[int, int] | None) -> tuple[list[str], Any]:
    """Character n-grams of each distinct word, edges marked by a space."""
    import numpy as np

    pieces = [_grams(word, chars) if chars and is_word(word) else [] for word in words]
    grams = sorted(set(chain.from_iterable(pieces)))
    code = {gram: i for i, gram in enumerate(grams)}
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    flat = np.fromiter((code[g] for g in chain.from_iterable(pieces)), np.int64, int(lengths.sum()))
    rows = np.repeat(np.arange(len(words)), lengths)
    return grams, _tally(rows, flat, (len(words), len(grams)))


def _grams(word: str, chars: tuple[int, int]) -> list[str]:
    padded = f" {word[:LONGEST_WORD]} "
    size = len(padded)
    return [padded[i : i + n] for n in range(chars[0], chars[1] + 1) for i in range(size - n + 1)]
