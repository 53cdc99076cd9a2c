"""Tokenised texts, flat in memory, and the counts that the audit asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Tokens", "counts_of", "single_characters", "token_counts", "tokenize"]

CHUNK = 4096  # texts handed to the tokenizer at a time: it uses all cores within a chunk


@dataclass(frozen=True, eq=False)
class Tokens:
    """Token ids of n texts, one flat array and offsets (a list of lists costs ten times that).

    Attributes:
        ids: int32, all texts one after the other.
        offsets: int64 (n + 1,).
        lengths: int64 (n,), tokens of each text after cutting.
    """

    ids: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    def padded(self, index: np.ndarray, pad: int) -> tuple[np.ndarray, np.ndarray]:
        """(int64 (b, t) ids padded on the right, int64 (b,) lengths) of the rows at `index`."""
        import numpy as np

        lengths = self.lengths[index]
        width = max(int(lengths.max()), 1)
        out = np.full((len(index), width), pad, dtype=np.int64)
        for row, (position, length) in enumerate(zip(index, lengths, strict=True)):
            start = self.offsets[position]
            out[row, :length] = self.ids[start : start + length]
        return out, lengths


def tokenize(tokenizer: Any, texts: Sequence[str], max_length: int) -> Tokens:
    """Tokenise texts with special tokens, cut at `max_length` (the tokenizer's own way)."""
    import numpy as np

    parts: list[np.ndarray] = []
    options = {"truncation": True, "max_length": max_length}
    for ids in _ids(tokenizer, texts, **options):
        parts.append(np.asarray(ids, dtype=np.int32))
    lengths = np.asarray([len(ids) for ids in parts], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    flat = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
    return Tokens(flat, offsets, lengths)


def token_counts(tokenizer: Any, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`counts_of` the texts under a transformers tokenizer, nothing cut."""
    options = {"add_special_tokens": False, "truncation": False, "verbose": False}
    ids = _ids(tokenizer, texts, **options)
    return counts_of(ids, tokenizer.unk_token_id, single_characters(tokenizer.get_vocab()))


def counts_of(
    ids: Iterable[Sequence[int]], unknown: int | None, single: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(tokens, unknown tokens, single-character tokens) of each text.

    A text whose tokens are mostly unknown or single characters is in a language that the
    vocabulary was not made for.
    """
    import numpy as np

    rows = []
    for text in ids:
        array = np.asarray(text, dtype=np.int64)
        n_unknown = int((array == unknown).sum()) if unknown is not None else 0
        rows.append((len(array), n_unknown, int(single[array].sum())))
    table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _ids(tokenizer: Any, texts: Sequence[str], **options: Any) -> Iterator[list[int]]:
    for start in range(0, len(texts), CHUNK):
        yield from tokenizer(
            list(texts[start : start + CHUNK]),
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            **options,
        )["input_ids"]


def single_characters(vocabulary: Mapping[str, int]) -> np.ndarray:
    """Bool (vocabulary,): tokens of one letter outside ASCII (words fallen apart)."""
    import numpy as np

    single = np.zeros(max(vocabulary.values(), default=0) + 1, dtype=bool)
    for token, position in vocabulary.items():
        bare = token.removeprefix("##").removeprefix("▁").removeprefix("Ġ")
        single[position] = len(bare) == 1 and bare.isalpha() and not bare.isascii()
    return single
