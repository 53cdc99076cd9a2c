"""TF-IDF over words, pairs of words and character n-grams: the backbone without pre-training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.bases._counts import LexicalCounts, count
from graftwork.bases._tfidf import (
    document_frequency,
    most_frequent,
    normalise,
    positions,
    select,
    weigh,
)
from graftwork.bases.backbone import Capability, Shape
from graftwork.errors import (
    DataError,
    Fault,
    IntegrityError,
    ParameterError,
    UnsupportedError,
)
from graftwork.registry import declare

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from graftwork.registry import Declaration

__all__ = ["Lexical"]

FEW_ROWS = 1000
FORMAT = 1


@declare(
    "lexical",
    title="TF-IDF of words and characters, fitted to the training rows",
    source="Salton & Buckley 1988; Wang & Manning 2012",
    short="TF-IDF",
)
class Lexical:
    """A sparse table of weighted n-grams.

    Two blocks, words with pairs of neighbouring words and character n-grams inside words, each
    weighted by (1 + ln tf) · idf with idf = ln((1 + n) / (1 + df)) + 1 and scaled to length 1, then
    joined so that a row has length 1. Chinese, Japanese and Korean characters are words of their
    own, so that Chinese works by characters and pairs of characters. A text of which nothing is
    known gives a row of zeros.

    Args:
        pairs: whether pairs of neighbouring tokens count.
        chars: shortest and longest character n-gram; None for none. Five letters cost a quarter
            more and gained nothing on four data sets.
        min_df: rows that an n-gram must occur in; None: 1 below 1,000 rows, where a word seen once
            still helps, else 2, which leaves out most of the noise and half of the columns.
        max_features: bound on the columns of each block; the most frequent are kept.

    Raises:
        ParameterError: a value is not allowed.
    """

    declaration: ClassVar[Declaration]
    kind = "lexical"
    modality = "text"
    n_layers = 1
    poolings: tuple[str, ...] = ()
    shapes = frozenset({Shape.SPARSE})

    def __init__(
        self,
        *,
        pairs: bool = True,
        chars: tuple[int, int] | None = (3, 4),
        min_df: int | None = None,
        max_features: int = 200_000,
    ) -> None:
        self.pairs = pairs
        self.chars = None if chars is None else (int(chars[0]), int(chars[1]))
        self.min_df = min_df
        self.max_features = max_features
        self._check()
        self.n_rows = 0
        self.words: list[str] | None = None  # the fitted columns, in order: words, pairs, chars
        self.pair_names: list[str] = []
        self.grams: list[str] = []
        self.idf: np.ndarray | None = None  # float32 (columns,)
        self._columns: tuple[Any, np.ndarray, np.ndarray, np.ndarray] | None = None

    def _check(self) -> None:
        faults = []
        if self.chars and not 1 <= self.chars[0] <= self.chars[1] <= 10:
            faults.append(
                Fault(f"{self.chars}; allowed are 1 <= shortest <= longest <= 10", field="chars")
            )
        if self.min_df is not None and self.min_df < 1:
            faults.append(Fault(f"{self.min_df}; allowed are 1 and above", field="min_df"))
        if self.max_features < 1:
            faults.append(
                Fault(f"{self.max_features}; allowed are 1 and above", field="max_features")
            )
        if faults:
            raise ParameterError("lexical backbone", faults)

    def supports(self, capability: Capability) -> bool:
        """Fitting to rows, nothing else."""
        return capability == Capability.FIT

    def prepare(self, inputs: Sequence[Any]) -> LexicalCounts:
        """Tokenise and count, once for all folds; None is the empty text.

        Raises:
            DataError: an input is not text.
        """
        faults = [
            Fault(f"found {type(text).__name__}, allowed is text", row=position + 1)
            for position, text in enumerate(inputs)
            if text is not None and not isinstance(text, str)
        ]
        if faults:
            raise DataError("the lexical backbone reads texts", faults[:20])
        texts = ["" if text is None else text for text in inputs]
        return count(texts, pairs=self.pairs, chars=self.chars)

    def fit(self, prepared: LexicalCounts, rows: np.ndarray | None = None) -> Lexical:
        """A new backbone fitted to those rows alone.

        Vocabulary, document frequencies and idf are exactly those that fitting on a list of just
        these texts would give; nothing is tokenised again.

        Args:
            prepared: of this backbone (or one of the same parameters).
            rows: int positions; None for all.

        Raises:
            DataError: no row holds an n-gram that is frequent enough.
        """
        import numpy as np

        self._same_settings(prepared)
        chosen = np.arange(len(prepared)) if rows is None else np.asarray(rows)
        minimum = self.min_df or (1 if len(chosen) < FEW_ROWS else 2)
        frequency = [
            document_frequency(matrix, chosen)
            for matrix in (prepared.word_counts, prepared.pair_counts, prepared.char_counts)
        ]
        together, first = np.concatenate(frequency[:2]), len(frequency[0])
        kept = most_frequent(together, minimum, self.max_features)
        kept_chars = most_frequent(frequency[2], minimum, self.max_features)
        made = Lexical(
            pairs=self.pairs, chars=self.chars, min_df=self.min_df, max_features=self.max_features
        )
        made.n_rows = len(chosen)
        made.words = [prepared.words[i] for i in kept[kept < first]]
        made.pair_names = [prepared.pair_text(int(i - first)) for i in kept[kept >= first]]
        made.grams = [prepared.chars[i] for i in kept_chars]
        df = np.concatenate([together[kept], frequency[2][kept_chars]])
        if not len(df):
            raise DataError(
                f"no word or character n-gram occurs in {minimum} of the {len(chosen)} texts"
            )
        made.idf = (np.log((1 + made.n_rows) / (1 + df)) + 1).astype(np.float32)
        return made

    def encode(self, prepared: LexicalCounts, index: np.ndarray, shape: Shape) -> csr_matrix:
        """CSR float32 (len(index), columns), indices sorted, rows of length 1 (or 0).

        Raises:
            UnsupportedError: another shape than sparse, or the backbone is not fitted.
        """
        import numpy as np
        from scipy.sparse import hstack

        if shape != Shape.SPARSE:
            raise UnsupportedError(f"the lexical backbone gives sparse features, not {shape}")
        idf = self._fitted()
        self._same_settings(prepared)
        index = np.asarray(index)
        words, pairs, chars = self._mapping(prepared)
        edge = len(self.words or ()) + len(self.pair_names)
        blocks = [
            hstack(
                [
                    select(prepared.word_counts[index], *words),
                    select(prepared.pair_counts[index], *pairs),
                ],
                format="csr",
            ),
            select(prepared.char_counts[index], *chars),
        ]
        for block, weights in zip(blocks, (idf[:edge], idf[edge:]), strict=True):
            weigh(block, weights)
        joined = hstack(blocks, format="csr")
        normalise(joined)
        return joined

    def _fitted(self) -> np.ndarray:
        if self.idf is None:
            raise UnsupportedError("the lexical backbone is not fitted: call fit(prepared) first")
        return self.idf

    def _same_settings(self, prepared: LexicalCounts) -> None:
        mine = (2 if self.pairs else 1, self.chars)
        if prepared.settings != mine:
            raise ParameterError(
                f"the texts were prepared with n-grams {prepared.settings}, the backbone has {mine}"
            )

    def _mapping(self, prepared: LexicalCounts) -> tuple[Any, Any, Any]:
        """For each block the column of every n-gram of `prepared` (−1: unknown), and the width."""
        import numpy as np

        held = self._columns
        if held is not None and held[0] is prepared:
            words, pairs, chars = held[1:]
        else:
            assert self.words is not None
            words = positions(prepared.words, self.words)
            chars = positions(prepared.chars, self.grams)
            known = {name: i for i, name in enumerate(self.pair_names)}
            # A pair can only be known where both of its words are.
            first, second = np.divmod(prepared.pairs, max(len(prepared.words), 1))
            pairs = np.full(len(prepared.pairs), -1, np.int64)
            for i in np.flatnonzero((words[first] >= 0) & (words[second] >= 0)):
                pairs[i] = known.get(prepared.pair_text(int(i)), -1)
            self._columns = (prepared, words, pairs, chars)
        return (
            (words, len(self.words or ())),
            (pairs, len(self.pair_names)),
            (chars, len(self.grams)),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Without the mapping of the texts seen last, so that copies stay small."""
        return {**self.__dict__, "_columns": None}

    def fingerprint(self) -> str:
        """SHA-256 over parameters, columns and idf."""
        digest = hashlib.sha256(json.dumps(self._config(), sort_keys=True).encode())
        if self.idf is not None:
            names = [self.words, self.pair_names, self.grams]
            digest.update(json.dumps(names, ensure_ascii=False).encode())
            digest.update(self.idf.tobytes())
        return digest.hexdigest()

    def _config(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "format": FORMAT,
            "pairs": self.pairs,
            "chars": list(self.chars) if self.chars else None,
            "min_df": self.min_df,
            "max_features": self.max_features,
            "n_rows": self.n_rows,
        }

    def describe(self) -> dict[str, Any]:
        """Plain facts for `info`, cards and records."""
        return {
            **self._config(),
            "title": self.declaration.title,
            "source": self.declaration.source,
            "fitted": self.idf is not None,
            "words": len(self.words or ()),
            "word_pairs": len(self.pair_names),
            "char_ngrams": len(self.grams),
        }

    def save(self, folder: Path) -> None:
        """Write `config.json`, `vocabulary.json` (n-grams in column order) and `idf.safetensors`.

        Raises:
            UnsupportedError: it is not fitted.
        """
        from graftwork.storage.tensors import save_tensors

        save_tensors(folder / "idf.safetensors", {"idf": self._fitted()})
        names = {"words": self.words, "pairs": self.pair_names, "chars": self.grams}
        for file, content in (("config.json", self._config()), ("vocabulary.json", names)):
            text = json.dumps(content, ensure_ascii=False, indent=None if names is content else 2)
            (folder / file).write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path, **_: Any) -> Lexical:
        """Read what `save` wrote; placement and the like mean nothing to a table.

        Raises:
            IntegrityError: a file is absent, damaged or does not fit the others.
        """
        from graftwork.storage.tensors import load_tensors

        config = _read_json(folder / "config.json")
        names = _read_json(folder / "vocabulary.json")
        try:
            chars = config["chars"]
            made = cls(
                pairs=bool(config["pairs"]),
                chars=tuple(chars) if chars else None,
                min_df=config["min_df"],
                max_features=int(config["max_features"]),
            )
            made.n_rows = int(config["n_rows"])
            made.words, made.pair_names = list(names["words"]), list(names["pairs"])
            made.grams = list(names["chars"])
            idf = load_tensors(folder / "idf.safetensors")["idf"]
        except (KeyError, TypeError, ValueError) as fault:
            raise IntegrityError(f"{folder}: not a saved lexical backbone ({fault})") from fault
        width = len(made.words) + len(made.pair_names) + len(made.grams)
        if idf.shape != (width,):
            raise IntegrityError(
                f"{folder / 'idf.safetensors'}: shape {idf.shape}, the vocabulary needs ({width},)"
            )
        made.idf = idf
        return made


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise IntegrityError(f"{path}: cannot be read ({fault})") from fault
    if not isinstance(content, dict):
        raise IntegrityError(f"{path}: holds no JSON object")
    return content
