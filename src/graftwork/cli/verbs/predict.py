"""`graftwork predict`: predictions for every row of a file, in order."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.cli.show import seconds_text
from graftwork.registry import declare
from graftwork.runs.recipe import FIT_ONLY, Machine, setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Predict"]


@dataclass(frozen=True)
class _Options:
    out: str | None = setting(
        None,
        "file for the predictions: prediction, probability, status; with --explain a PNG of the "
        "picture with what speaks for its label",
    )
    abstain: float | None = setting(
        None,
        "answer only where the probability is at least this; other rows have the status abstained",
        low=0.0,
        high=1.0,
    )
    guarantee: float | None = setting(
        None,
        "answer only as far as this share of errors was promised at the fit",
        low=0.001,
        high=0.5,
    )
    explain: tuple[str, ...] = setting(
        (),
        "explain the prediction of this one text word by word, or of this one picture place by "
        "place, instead of predicting a file (a model of several inputs: NAME=TEXT for each)",
    )
    encoding: str | None = setting(None, "encoding of the text file (default: found and said)")
    delimiter: str | None = setting(None, "delimiter of the text file (default: found and said)")


@declare(
    "predict",
    title="Predict every row of a file or folder, in order",
    order=2,
    example="example: graftwork predict runs/reviews new.csv --out predictions.csv",
)
class Predict:
    """`graftwork predict RUN DATA --out FILE`, or `graftwork predict RUN --explain TEXT`."""

    words: ClassVar = {
        "RUN": "run or model directory",
        "DATA": "file with rows, or folder of pictures, to predict",
    }
    options: ClassVar = _Options
    required: ClassVar = ("out",)
    excuses: ClassVar = {"explain": ("DATA", "out")}
    recipe: ClassVar = ()
    machine: ClassVar = tuple(f.name for f in fields(Machine) if f.name not in FIT_ONLY)
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Predict and say what was written."""
        from graftwork import api

        if given.options.explain:
            _explain(given, session)
            return
        with session.working():
            told = api.predict(
                given.words["RUN"],
                given.words["DATA"],
                out=given.options.out,
                abstain=given.options.abstain,
                guarantee=given.options.guarantee,
                machine=given.machine,
                progress=session.progress,
                encoding=given.options.encoding,
                delimiter=given.options.delimiter,
            )
        took = f" in {seconds_text(told['seconds'])}" if told.get("seconds") is not None else ""
        words = f"{told['predicted']:,} of {told['rows_in']:,} rows predicted{took}"
        if told.get("unusable"):
            words += f"; {told['unusable']:,} could not be (their status says why)"
        session.result(told, f"{words}{_abstained(told)}.", f"Written: {told['out']}")


def _abstained(told: dict[str, Any]) -> str:
    """How many rows were passed over, and what is known of the answers; nothing if not asked."""
    if "threshold" not in told:
        return ""
    words = f"; {told['abstained']:,} abstained from (probability below {told['threshold']:.4g})"
    promise, expected = told.get("guarantee"), told.get("expected")
    if promise:
        words += (
            f"; at most {100 * promise['risk']:.3g} % of the answers are wrong, with confidence "
            f"{100 * (1 - promise['delta']):.3g} %, on rows like those of the fit"
        )
    elif told["predicted"] and expected and expected["error"]["value"] is not None:
        error = expected["error"]
        words += (
            f"; expected wrong among the answers, out of fold: {100 * error['value']:.1f} % "
            f"({100 * error['low']:.1f} to {100 * error['high']:.1f} %)"
        )
    return words


def _explain(given: Given, session: Session) -> None:
    """Say which words of one text speak for its prediction."""
    from graftwork import api
    from graftwork.cli.show_explanation import explanation_text
    from graftwork.errors import Fault, ParameterError

    if "DATA" in given.words:
        hint = "explain one input, or predict a file"
        fault = Fault(f"found beside the file {given.words['DATA']}", None, None, "explain", hint)
        raise ParameterError(faults=[fault])
    with session.working():
        told = api.explain(
            given.words["RUN"],
            list(given.options.explain),
            out=given.options.out,
            machine=given.machine,
        )
    written = [f"Written: {told['out']}"] if told["out"] else []
    session.result(told, explanation_text(told), *written)
