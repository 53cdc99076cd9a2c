"""Which parts of one input speak for a prediction, by leaving each out in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.modalities import MODALITIES

if TYPE_CHECKING:
    from graftwork.model.model import Model

__all__ = ["MOST_PARTS", "Explanation", "PartImportance", "explain"]

MOST_PARTS = 128  # of one input: a pass through the model each; longer inputs are cut in runs


@dataclass(frozen=True)
class PartImportance:
    """One part of an input, or a few in a row.

    Attributes:
        input: name of the input that it stands in.
        part: as people read it.
        importance: change of the label's log-odds that it makes; above 0 it speaks for the label.
    """

    input: str
    part: str
    importance: float


@dataclass(frozen=True)
class Explanation:
    """Why a model says what it says of one row.

    Attributes:
        label: what is explained.
        prediction: what the model predicts (the same, unless another was asked for).
        probability: of `label`.
        log_odds: of `label`: log p / (1 - p).
        parts: in the order in which they stand.
        runs: parts that were left out together in the longest input (1: each alone).
    """

    label: Any
    prediction: Any
    probability: float
    log_odds: float
    parts: tuple[PartImportance, ...]
    runs: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "label": self.label,
            "prediction": self.prediction,
            "probability": self.probability,
            "log_odds": self.log_odds,
            "parts_left_out_together": self.runs,
            "parts": [
                {"input": p.input, "part": p.part, "importance": p.importance} for p in self.parts
            ],
        }


def explain(model: Model, inputs: Mapping[str, Any], *, label: Any = None) -> Explanation:
    """Importance of each part of one row (occlusion; Zeiler & Fergus 2014, Li et al. 2016).

    The part is left out, the model asked again, and the change of the label's log-odds noted. Log-
    odds, as a probability near 1 hardly moves whatever is left out. Parts that work only together
    (not good) share what they bring: each is left out alone. What it says is what the *model* goes
    by, not what is true.

    Args:
        model: the model.
        inputs: one value by input name.
        label: what to explain; default: the prediction.

    Raises:
        ValueError: the model has no such label.
    """
    modalities = {name: MODALITIES.get(kind)() for name, kind in model.graph.inputs.items()}
    # input, part, and the places in `rows` of the whole input and of the one without that part
    places: list[tuple[str, str, int, int]] = []
    rows: list[dict[str, Any]] = [dict(inputs)]
    longest = 1
    for name, modality in modalities.items():
        parts = modality.parts(inputs[name])
        together = max(1, -(-len(parts) // MOST_PARTS))
        longest = max(longest, together)
        whole = len(rows)  # nothing left out: what making a variant changes is no importance
        rows.append({**inputs, name: modality.without(inputs[name], ())})
        for start in range(0, len(parts), together):
            left_out = range(start, min(start + together, len(parts)))
            row = {**inputs, name: modality.without(inputs[name], left_out)}
            if all(each.is_blank(row[other]) for other, each in modalities.items()):
                continue  # nothing is left to ask the model about
            places.append((name, " ".join(parts[i] for i in left_out), whole, len(rows)))
            rows.append(row)
    found = model.predict({name: [row[name] for row in rows] for name in modalities})
    code = int(found.codes[0]) if label is None else _code(model, label)
    odds = _log_odds(found.probabilities, code)
    return Explanation(
        label=model.classes[code],
        prediction=found.labels[0],
        probability=float(found.probabilities[0, code]),
        log_odds=float(odds[0]),
        parts=tuple(
            PartImportance(name, part, float(odds[whole] - odds[less]))
            for name, part, whole, less in places
        ),
        runs=longest,
    )


def _code(model: Model, label: Any) -> int:
    if label not in model.classes:
        raise ValueError(f"the model has no label {label!r}")
    return model.classes.index(label)


def _log_odds(probabilities: np.ndarray, code: int) -> np.ndarray:
    """float64 (n,): log p / (1 - p), the latter as the sum of the others, exact near certainty."""
    tiny = np.finfo(np.float64).tiny
    others = np.delete(probabilities, code, axis=1).sum(axis=1)
    return np.asarray(
        np.log(np.maximum(probabilities[:, code], tiny)) - np.log(np.maximum(others, tiny))
    )
