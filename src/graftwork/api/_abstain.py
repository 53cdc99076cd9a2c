"""Which rows `predict` answers: from a probability on, or as far as errors were promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graftwork.errors import Fault, ParameterError, UnsupportedError
from graftwork.model.model import Model

__all__ = ["Abstain", "abstain_of"]


@dataclass(frozen=True)
class Abstain:
    """From which probability on rows are answered, and what is known of the errors then.

    Attributes:
        threshold: answer where the highest probability is at least this.
        facts: for the summary: ``threshold`` and ``expected`` or ``guarantee``.
    """

    threshold: float
    facts: dict[str, Any]


def abstain_of(model: Model, abstain: float | None, guarantee: float | None) -> Abstain | None:
    """The threshold that was asked for; None where every row is to be answered.

    Args:
        model: its head keeps expected errors and the guarantee.
        abstain: least probability, 0 to 1.
        guarantee: largest share of errors, as at the fit.

    Raises:
        ParameterError: both, or a number outside its range.
        UnsupportedError: the model carries no such guarantee; the line to refit is named.
    """
    _check(abstain, guarantee)
    if guarantee is not None:
        return _promised(model, guarantee)
    if abstain is None:
        return None
    facts: dict[str, Any] = {"threshold": float(abstain), "expected": _expected(model, abstain)}
    return Abstain(float(abstain), facts)


def _check(abstain: float | None, guarantee: float | None) -> None:
    faults = []
    if abstain is not None and guarantee is not None:
        faults.append(Fault("give one: a probability of your own, or --guarantee", field="abstain"))
    if abstain is not None and not 0 <= abstain <= 1:
        faults.append(Fault(f"{abstain:g}; allowed is a probability, 0 to 1", field="abstain"))
    if guarantee is not None and not 0 < guarantee < 1:
        faults.append(Fault(f"{guarantee:g}; allowed is a share, 0 to 1", field="guarantee"))
    if faults:
        raise ParameterError("which rows to answer", faults)


def _expected(model: Model, threshold: float) -> dict[str, Any] | None:
    """Errors expected out of fold at the table's next lower threshold, where more is answered."""
    curve = (model.head.abstention or {}).get("curve") or []
    below = [row for row in curve if row["threshold"] <= threshold]
    if not below:
        return None
    row = max(below, key=lambda found: found["threshold"])
    return {"error": row["error"], "coverage": row["coverage"], "from": "out of fold"}


def _promised(model: Model, guarantee: float) -> Abstain:
    promise = (model.head.abstention or {}).get("guarantee")
    refit = (
        f"fit again with rows kept back for it: graftwork fit DATA "
        f"--target {model.facts.get('target') or 'LABEL'} --guarantee {guarantee:g} --out NEW_RUN"
    )
    if promise is None:
        raise UnsupportedError(f"this model carries no guarantee; {refit}")
    if abs(promise["risk"] - guarantee) > 1e-12:
        raise UnsupportedError(
            f"this model was fitted with --guarantee {promise['risk']:g}, not {guarantee:g}; "
            f"ask for that, or {refit}"
        )
    if promise["threshold"] is None:
        raise UnsupportedError(
            f"{promise['sentence']} Answer from a probability of your own (--abstain), or {refit}"
        )
    facts = {"threshold": promise["threshold"], "guarantee": dict(promise)}
    return Abstain(float(promise["threshold"]), facts)
