"""All that is known about a run's predictions, as one JSON value: `report/metrics.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.evaluation.confidence import confidence
from graftwork.evaluation.contender import Contender, Control
from graftwork.evaluation.per_class import confusion, per_class
from graftwork.evaluation.plain import plain
from graftwork.evaluation.scores import can_score, gain, intervals
from graftwork.evaluation.slices import sliced
from graftwork.evaluation.verdict import Verdict, decide
from graftwork.metrics import METRICS
from graftwork.stats.interval import CONFIDENCE
from graftwork.stats.resample import RESAMPLES

__all__ = ["FORMAT", "METRICS_SHOWN", "prove"]

FORMAT = 1
METRICS_SHOWN = ("accuracy", "macro_f1", "balanced_accuracy", "mcc", "log_loss")


@dataclass(frozen=True)
class _Case:
    """What all parts of the evidence share."""

    truth: np.ndarray
    k: int
    metric: str
    metrics: tuple[str, ...]
    margin: float
    seed: int

    def scores(self, contender: Contender) -> dict[str, Any]:
        if not len(contender.predicted):
            return {}
        found = intervals(self.metrics, self.truth, contender, self.k, seed=self.seed)
        return {name: x.to_json() for name, x in found.items()}

    def verdict(self, transfer: Contender, controls: Sequence[Control]) -> Verdict:
        return decide(
            self.truth,
            self.k,
            transfer,
            controls,
            metric=self.metric,
            margin=self.margin,
            seed=self.seed,
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
    truth = np.asarray(truth, dtype=np.int64)
    case = _Case(truth, len(labels), metric, _known((metric, *metrics)), margin, seed)
    _check(case, chosen, transfer, controls)
    names = [plain(label) for label in labels]
    verdict = case.verdict(transfer, controls)
    return _strict(
        {
            "format": FORMAT,
            "task": task,
            "metric": case.metric,
            "n_test": len(truth),
            "labels": names,
            "test": case.scores(chosen),
            "transfer": {**_about(transfer), "test": case.scores(transfer)},
            "controls": {c.name: case.scores(c) for c in controls},
            "control_info": {c.name: _about(c) for c in controls},
            "verdict": verdict.to_json(),
            "chosen": {**_about(chosen), **_against(case, chosen, transfer), **(chosen_info or {})},
            "per_class": per_class(truth, chosen.predicted, names),
            "confusion": confusion(truth, chosen.predicted, names, chosen.probabilities),
            "confidence": _confidence(truth, chosen),
            "slices": {
                column: sliced(
                    values, truth, chosen, case.k, metric=metric, metrics=case.metrics, seed=seed
                )
                for column, values in (slices or {}).items()
            },
            "without": {
                name: _left_out(case, mask, chosen, transfer, controls)
                for name, mask in (without or {}).items()
            },
            "contamination": _left_out(case, contaminated, chosen, transfer, controls),
            "openings": openings,
            "cost": dict(cost or {}),
            "audit": dict(audit or {}),
            "protocol": {
                "margin": margin,
                "confidence": CONFIDENCE,
                "resamples": RESAMPLES,
                "seed": seed,
            },
        }
    )


def _known(names: Sequence[str]) -> tuple[str, ...]:
    """The metrics asked for, each once under the name it was asked by."""
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(METRICS.get(name).declaration.name, name)
    return tuple(by_name.values())


def _check(
    case: _Case, chosen: Contender, transfer: Contender, controls: Sequence[Control]
) -> None:
    n = len(case.truth)
    if n == 0:
        raise ValueError("there are no test rows, so nothing can be proven")
    for contender in (chosen, transfer, *controls):
        contender.check(n, case.k)
    for contender in (chosen, transfer):
        if len(contender.predicted) != n:
            raise ValueError(f"{contender.name} must cover all {n} test rows")


def _about(contender: Contender) -> dict[str, Any]:
    """Name, title, rows, seconds and note."""
    return {
        "name": contender.name,
        "title": contender.title,
        "n": len(contender.predicted),
        "seconds": contender.seconds,
        "note": contender.note,
    }


def _against(case: _Case, chosen: Contender, transfer: Contender) -> dict[str, Any]:
    """Whether the model kept is the transfer of the verdict, and how far apart they are if not."""
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


def _left_out(
    case: _Case,
    mask: np.ndarray | None,
    chosen: Contender,
    transfer: Contender,
    controls: Sequence[Control],
) -> dict[str, Any]:
    """Scores and verdict without the rows of the mask; where it is empty, only that."""
    if mask is None:
        return {"checked": False, "flagged": 0}
    mask = np.asarray(mask, dtype=bool)
    if mask.shape != case.truth.shape:
        raise ValueError(f"the mask has {len(mask)} values for {len(case.truth)} test rows")
    found: dict[str, Any] = {"checked": True, "flagged": int(mask.sum()), "n": int((~mask).sum())}
    if not mask.any() or mask.all():
        return found
    rest = [control.only(~mask) for control in controls]
    verdict = case.verdict(transfer.only(~mask), rest)
    return {**found, "test": case.scores(chosen.only(~mask)), "verdict": verdict.to_json()}


def _strict(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = plain(value)
    return found
