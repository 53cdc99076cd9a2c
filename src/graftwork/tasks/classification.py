"""One label out of several for each example."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.bases.backbone import Shape
from graftwork.errors import DataError, Fault, nearest
from graftwork.registry import declare

if TYPE_CHECKING:
    import numpy as np

    from graftwork.registry import Declaration
    from graftwork.tasks._softmax import SoftmaxLoss

__all__ = ["Classification"]

_TYPES: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str}
_SHOWN = 20


@declare(
    "classification",
    title="One label for each example",
    source="multinomial logistic regression, Cox 1958; Theil 1969",
    aliases=("single_label",),
)
class Classification:
    """Single-label classification; labels keep their own type and spelling.

    "1", 1, 1.0 and True are four labels: one label never stands for another of a different type.
    Numpy scalars count as the Python values that they hold.

    Args:
        labels: the distinct labels; the order given is the order of the codes.

    Raises:
        DataError: fewer than two labels, a label twice, or a type that cannot be kept in JSON.
    """

    declaration: ClassVar[Declaration]
    needs = Shape.POOLED
    metrics: tuple[str, ...] = ("accuracy", "macro_f1", "balanced_accuracy", "mcc", "log_loss")

    def __init__(self, labels: Sequence[Any]) -> None:
        self.labels: tuple[Any, ...] = tuple(_plain(label) for label in labels)
        _check(self.labels)
        self._codes = {_key(label): code for code, label in enumerate(self.labels)}

    @classmethod
    def from_targets(cls, targets: Iterable[Any]) -> Classification:
        """The task over the distinct labels of `targets`, sorted by type, then by value."""
        distinct = {_key(label): label for label in map(_plain, targets)}
        _check_types(list(distinct.values()))
        return cls(sorted(distinct.values(), key=_order))

    def encode(self, targets: Sequence[Any]) -> np.ndarray:
        """Label codes, int64 (n,).

        Raises:
            DataError: labels that are not among those known, each with the nearest spelling.
        """
        import numpy as np

        found = [self._codes.get(_key(_plain(label)), -1) for label in targets]
        codes = np.asarray(found, dtype=np.int64).reshape(-1)
        if (codes < 0).any():
            raise self._unknown(targets, codes)
        return codes

    def _unknown(self, targets: Sequence[Any], codes: np.ndarray) -> DataError:
        missing: dict[Any, list[int]] = {}
        for position, code in enumerate(codes.tolist()):
            if code < 0:
                missing.setdefault(_key(_plain(targets[position])), []).append(position)
        spelled = {str(label): label for label in self.labels}
        faults = []
        for _, positions in list(missing.items())[:_SHOWN]:
            label = _plain(targets[positions[0]])
            close = nearest(str(label), spelled)
            hint = f"did you mean {spelled[close]!r}?" if close else None
            message = f"label {label!r} ({type(label).__name__}) in {len(positions)} of the rows"
            faults.append(Fault(message, row=positions[0] + 1, field="label", hint=hint))
        known = ", ".join(map(repr, self.labels[:_SHOWN]))
        more = f", … ({len(self.labels)} in all)" if len(self.labels) > _SHOWN else ""
        return DataError(f"{len(missing)} unknown labels; known are {known}{more}", faults)

    def convex(self) -> SoftmaxLoss:
        """Cross-entropy of the softmax."""
        from graftwork.tasks._softmax import SoftmaxLoss

        return SoftmaxLoss(len(self.labels))

    def loss(self, scores: Any, codes: np.ndarray, weights: np.ndarray | None = None) -> Any:
        """Cross-entropy of torch scores (n, labels), summed over the rows, for tuning.

        Args:
            scores: float tensor with its graph.
            codes: int64 (n,) label codes.
            weights: float32 (n,) weights of the rows.
        """
        import torch

        targets = torch.from_numpy(codes).to(scores.device)
        each = torch.nn.functional.cross_entropy(scores.float(), targets, reduction="none")
        if weights is not None:
            each = each * torch.from_numpy(weights).to(scores.device)
        return each.sum()

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """float64 (n, labels), rows summing to 1."""
        from graftwork.tasks._softmax import softmax

        return softmax(scores)

    def decode(self, probabilities: np.ndarray) -> list[Any]:
        """The likeliest label of each row, in its own spelling and type."""
        return [self.labels[code] for code in probabilities.argmax(axis=1).tolist()]

    def to_json(self) -> dict[str, Any]:
        """The task as plain JSON: each label with its type, floats exactly."""
        kept = [{"type": type(label).__name__, "value": _to_json(label)} for label in self.labels]
        return {"task": self.declaration.name, "labels": kept}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Classification:
        """The task that `to_json` wrote.

        Raises:
            DataError: it is of another task, or a label's type is not known.
        """
        try:
            if content["task"] != cls.declaration.name:
                raise ValueError(f"task {content['task']!r}")
            return cls([_from_json(entry) for entry in content["labels"]])
        except (KeyError, TypeError, ValueError) as fault:
            raise DataError(f"not a stored classification task: {fault}") from fault


def _plain(label: Any) -> Any:
    """A numpy scalar as the Python value it holds; everything else as it is."""
    item = getattr(label, "item", None)
    return item() if item is not None and getattr(label, "ndim", None) == 0 else label


def _key(label: Any) -> tuple[str, Any]:
    """Equal only for labels of one type: in Python 1 == 1.0 == True."""
    try:
        hash(label)
    except TypeError:
        return type(label).__name__, repr(label)
    return type(label).__name__, label


def _order(label: Any) -> tuple[int, Any]:
    return list(_TYPES).index(type(label).__name__), label


def _to_json(label: Any) -> Any:
    return label.hex() if isinstance(label, float) else label


def _from_json(entry: dict[str, Any]) -> Any:
    kind, value = _TYPES[entry["type"]], entry["value"]
    if kind is float:
        return float.fromhex(value)
    if type(value) is not kind:
        raise ValueError(f"label {value!r} is not of type {entry['type']}")
    return value


def _check_types(labels: Sequence[Any]) -> None:
    faults = [
        Fault(f"label {label!r} has type {type(label).__name__}", field="label")
        for label in labels
        if type(label).__name__ not in _TYPES or label != label
    ]
    if faults:
        raise DataError(f"labels can be {', '.join(_TYPES)}, not NaN", faults[:_SHOWN])


def _check(labels: tuple[Any, ...]) -> None:
    _check_types(labels)
    counts: dict[tuple[str, Any], int] = {}
    for label in labels:
        counts[_key(label)] = counts.get(_key(label), 0) + 1
    twice = [key[1] for key, times in counts.items() if times > 1]
    if twice:
        raise DataError(f"labels given more than once: {', '.join(map(repr, twice[:_SHOWN]))}")
    if len(labels) < 2:
        raise DataError(f"classification needs at least two labels, found {list(labels)}")
