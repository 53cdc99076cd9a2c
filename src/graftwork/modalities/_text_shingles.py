"""Texts into hashed character shingles, for all texts at once in numpy.

Text is folded first: compatibility forms and letter case made one (NFKC, casefold), white space and
punctuation collapsed to single spaces. A shingle is 5 characters in a row, 2 in texts that are
mostly Chinese, Japanese or Korean, where a character carries what a word does. A text shorter than
one shingle is one shingle as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["WIDTH", "WIDTH_CJK", "Shingles", "fold", "positions", "shingle"]

WIDTH = 5
WIDTH_CJK = 2
_APOSTROPHE = re.compile(r"(?<=\w)['\u2019](?=\w)")
_NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Shingles:
    """Shingles of n texts in one array.

    Attributes:
        hashes: uint32 (total,) hashes, those of a text together.
        starts: int64 (n + 1,) where each text begins; each has at least one.
    """

    hashes: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1


def fold(text: str) -> str:
    """The text as near-duplicate search sees it; a text of marks alone stays as it is."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = _APOSTROPHE.sub("", text.casefold())  # hasn't and hasnt are one word
    folded = _NO_WORD.sub(" ", text).strip()
    return folded or text.strip()


def positions(texts: Sequence[str]) -> Shingles:
    """Hashed shingles of folded texts, in the order in which they stand, repeats included."""
    n = len(texts)
    lengths = np.fromiter(map(len, texts), np.int64, n)
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    if (lengths == 0).any():  # an empty text is one shingle, the one that all empty texts share
        return positions([text or "\0" for text in texts])
    begin = np.cumsum(lengths) - lengths
    cjk = (points >= 0x2E80) & (points <= 0xD7FF) | (points >= 0x20000) & (points <= 0x3FFFF)
    mostly = np.add.reduceat(cjk, begin, dtype=np.int64) * 2 > lengths
    width = np.minimum(np.where(mostly, WIDTH_CJK, WIDTH), lengths)
    counts = lengths - width + 1
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    # the place of every shingle: those of a text follow each other from its first character
    place = np.arange(starts[-1]) + np.repeat(begin - starts[:-1], counts)
    return Shingles(_rolled(points, np.repeat(width, counts), place), starts)


def shingle(texts: Sequence[str]) -> Shingles:
    """The sets of hashed shingles of folded texts: within a text sorted, and each once."""
    every = positions(texts)
    n = len(every)
    owner = np.repeat(np.arange(n, dtype=np.uint64), np.diff(every.starts))
    keys = np.sort((owner << np.uint64(32)) | every.hashes)
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount((keys >> np.uint64(32)).astype(np.int64), minlength=n), out=starts[1:])
    return Shingles((keys & np.uint64(0xFFFFFFFF)).astype(np.uint32), starts)


def _rolled(points: np.ndarray, width: np.ndarray, place: np.ndarray) -> np.ndarray:
    """uint32 hash of the `width` points from each place on."""
    total = np.zeros(len(place), np.uint32)
    padded = np.concatenate([points, np.zeros(WIDTH, np.uint32)])
    for step in range(WIDTH):
        mixed = (total + padded[place + step] + np.uint32(1)) * np.uint32(0x9E3779B1)
        mixed ^= mixed >> np.uint32(15)
        total = np.where(step < width, mixed, total)
    return np.asarray(total * np.uint32(0x85EBCA6B))
