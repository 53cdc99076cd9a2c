"""All that is known about a run's predictions, as one JSON value: `report/metrics.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graftwork.evaluation.confidence import confidence
from graftwork.evaluation.contender import Contender, Control
from graftwork.evaluation.per_class import confusion, per_class
from graftwork.evaluation.plain import plain
from graftwork.evaluation.scores import can_score, gain, intervals
from graftwork.evaluation.slices import sliced
from graftwork.evaluation.verdict import decide
from graftwork.metrics import METRICS
from graftwork.stats.interval import CONFIDENCE
from graftwork.stats.resample import RESAMPLES

__all__ = ["FORMAT", "METRICS_SHOWN", "prove"]

FORMAT = 1
METRICS_SHOWN = ("accuracy", "macro_f1", "balanced_accuracy", "mcc", "log_loss")


@dataclass(frozen=True)
class _Case:
    """Who is compared on which rows, and how: what all parts of the evidence share."""

    truth: np.ndarray
    names: list[Any]
    chosen: Contender
    transfer: Contender
    controls: Sequence[Control]
    metric: str
    metrics: tuple[str, ...]
    margin: float
    seed: int

    @property
    def k(self) -> int:
        return len(self.names)

    def check(self) -> None:
        n = len(self.truth)
        if n == 0:
            raise ValueError("there are no test rows, so nothing can be proven")
        for contender in (self.chosen, self.transfer, *self.controls):
            contender.check(n, self.k)
        for contender in (self.chosen, self.transfer):
            if len(contender.predicted) != n:
                raise ValueError(f"{contender.name} must cover all {n} test rows")

    def scores(self, contender: Contender) -> dict[str, Any]:
        if not len(contender.predicted):
            return {}
        found = intervals(self.metrics, self.truth, contender, self.k, seed=self.seed)
        return {name: x.to_json() for name, x in found.items()}

    def verdict(self) -> dict[str, Any]:
        return decide(
            self.truth,
            self.k,
            self.transfer,
            self.controls,
            metric=self.metric,
            margin=self.margin,
            seed=self.seed,
        ).to_json()

    def sliced(self, values: Sequence[Any]) -> dict[str, Any]:
        return sliced(
            values,
            self.truth,
            self.chosen,
            self.k,
            metric=self.metric,
            metrics=self.metrics,
            seed=self.seed,
        )

    def only(self, keep: np.ndarray) -> _Case:
        """The same on the rows where `keep`, bool (n,), holds; `truth` stays whole."""
        return replace(
            self,
            chosen=self.chosen.only(keep),
            transfer=self.transfer.only(keep),
            controls=[control.only(keep) for control in self.controls],
        )


def prove(
    truth: np.ndarray,
    labels: Sequence[Any],
    *,
    chosen: Contender,
    transfer: Contender,
    controls: Sequence[Control],
    metric: str = "accuracy",
    metrics: Sequence[str] = METRICS_SHOWN,
    margin: float = 0.01,
    seed: int = 0,
    task: str = "classification",
    slices: Mapping[str, Sequence[Any]] | None = None,
    without: Mapping[str, np.ndarray] | None = None,
    contaminated: np.ndarray | None = None,
    chosen_info: Mapping[str, Any] | None = None,
    cost: Mapping[str, Any] | None = None,
    audit: Mapping[str, Any] | None = None,
    openings: int | None = None,
) -> dict[str, Any]:
    """Everything that the report says, from predictions on the test part.

    Args:
        truth: int (n,) codes of the test rows.
        labels: (k,) the classes in code order, in their own spelling and type.
        chosen: the model that the run keeps; covers all test rows.
        transfer: the best transfer rung (the same as `chosen`, unless the ladder ended on a
            classical model); the verdict is told of it.
        controls: what transfer must beat.
        metric: the metric that was optimised; the verdict's.
        metrics: others to give; those that need probabilities only where there are some.
        margin: differences inside ± margin count as none.
        seed: of the resamples.
        task: name of the task.
        slices: per column the value of each test row.
        without: per name a bool (n,) mask of test rows to leave out, e.g. duplicates of training
            rows in given splits; scores and verdict are then given without them too.
        contaminated: bool (n,), rows that the model is known to have been trained on.
        chosen_info: facts on the choice, e.g. ``rungs`` with their out-of-fold scores.
        cost: seconds, memory, parameters, latency.
        audit: summary of the data audit.
        openings: how often this test part had been opened before.

    Returns:
        strict JSON values (no NaN).

    Raises:
        ValueError: no test rows, or predictions that do not fit them.
        UnknownNameError: no such metric.
    """
    truth, names = np.asarray(truth, dtype=np.int64), [plain(label) for label in labels]
    known = _known((metric, *metrics))
    case = _Case(truth, names, chosen, transfer, controls, metric, known, margin, seed)
    case.check()
    found: dict[str, Any] = {"format": FORMAT, "task": task, "metric": metric}
    found |= {"n_test": len(truth), "labels": names}
    found |= _compared(case, chosen_info or {}) | _mistakes(case)
    found |= _parts(case, slices or {}, without or {}, contaminated)
    found |= {"openings": openings, "cost": dict(cost or {}), "audit": dict(audit or {})}
    return _strict(found | {"protocol": _protocol(case)})


def _compared(case: _Case, chosen_info: Mapping[str, Any]) -> dict[str, Any]:
    """Scores of all who were compared, the verdict, and facts on the choice."""
    chosen, transfer, controls = case.chosen, case.transfer, case.controls
    return {
        "test": case.scores(chosen),
        "transfer": {**_about(transfer), "test": case.scores(transfer)},
        "controls": {c.name: case.scores(c) for c in controls},
        "control_info": {c.name: _about(c) for c in controls},
        "verdict": case.verdict(),
        "chosen": {**_about(chosen), **_against(case), **chosen_info},
    }


def _mistakes(case: _Case) -> dict[str, Any]:
    """Where the model kept is wrong, and how sure it is."""
    truth, chosen = case.truth, case.chosen
    return {
        "per_class": per_class(truth, chosen.predicted, case.names),
        "confusion": confusion(truth, chosen.predicted, case.names, chosen.probabilities),
        "confidence": _confidence(truth, chosen),
    }


def _parts(
    case: _Case,
    slices: Mapping[str, Sequence[Any]],
    without: Mapping[str, np.ndarray],
    contaminated: np.ndarray | None,
) -> dict[str, Any]:
    """The same evidence on parts of the rows."""
    return {
        "slices": {column: case.sliced(values) for column, values in slices.items()},
        "without": {name: _left_out(case, mask) for name, mask in without.items()},
        "contamination": _left_out(case, contaminated),
    }


def _protocol(case: _Case) -> dict[str, Any]:
    return {
        "margin": case.margin,
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "seed": case.seed,
    }


def _known(names: Sequence[str]) -> tuple[str, ...]:
    """The metrics asked for, each once under the name it was asked by."""
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(METRICS.get(name).declaration.name, name)
    return tuple(by_name.values())


def _about(contender: Contender) -> dict[str, Any]:
    """Name, title, rows, seconds and note."""
    return {
        "name": contender.name,
        "title": contender.title,
        "n": len(contender.predicted),
        "seconds": contender.seconds,
        "note": contender.note,
    }


def _against(case: _Case) -> dict[str, Any]:
    """Whether the model kept is the transfer of the verdict, and how far apart they are if not."""
    chosen, transfer = case.chosen, case.transfer
    if chosen.name == transfer.name:
        return {"is_transfer": True}
    if not (can_score(case.metric, chosen) and can_score(case.metric, transfer)):
        return {"is_transfer": False}
    apart = gain(case.metric, case.truth, chosen, transfer, case.k, seed=case.seed)
    return {"is_transfer": False, "over_transfer": apart.to_json()}


def _confidence(truth: np.ndarray, chosen: Contender) -> dict[str, Any] | None:
    if chosen.probabilities is None:
        return None
    return confidence(truth[chosen.rows()], chosen.probabilities)


def _left_out(case: _Case, mask: np.ndarray | None) -> dict[str, Any]:
    """Scores and verdict without the rows of the mask; where it is empty, only that."""
    if mask is None:
        return {"checked": False, "flagged": 0}
    mask = np.asarray(mask, dtype=bool)
    if mask.shape != case.truth.shape:
        raise ValueError(f"the mask has {len(mask)} values for {len(case.truth)} test rows")
    found: dict[str, Any] = {"checked": True, "flagged": int(mask.sum()), "n": int((~mask).sum())}
    if not mask.any() or mask.all():
        return found
    rest = case.only(~mask)
    return {**found, "test": rest.scores(rest.chosen), "verdict": rest.verdict()}


def _strict(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = plain(value)
    return found
