"""`graftwork evaluate`: the same evidence on other labelled data."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from graftwork.cli.show import metrics_parts
from graftwork.cli.show_domains import domains_parts
from graftwork.registry import declare
from graftwork.runs.recipe import FIT_ONLY, Machine, setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Evaluate"]


@dataclass(frozen=True)
class _Options:
    target: str | None = setting(None, "column that holds the label (default: the run's)")
    slice: tuple[str, ...] = setting((), "column to report scores by; repeatable")
    domain: str | None = setting(
        None, "column whose values are compared with the run's own test part, one row each"
    )
    out: str | None = setting(None, "folder for the report and metrics.json")
    metric: str = setting("accuracy", "metric that the report opens with", registry="metrics")
    margin: float = setting(0.01, "differences inside ± margin count as none", low=0.0, high=0.5)
    seed: int = setting(0, "seed of the resamples", low=0)
    redact: bool = setting(False, "leave all texts out of the report")
    encoding: str | None = setting(None, "encoding of the text file (default: found and said)")
    delimiter: str | None = setting(None, "delimiter of the text file (default: found and said)")


@declare(
    "evaluate",
    title="Judge a model on other labelled data, with the same evidence",
    order=3,
    example="example: graftwork evaluate runs/reviews labelled.csv --slice channel",
)
class Evaluate:
    """`graftwork evaluate RUN DATA…`."""

    words: ClassVar = {
        "RUN": "run or model directory",
        "DATA...": "file with labelled rows; several give a row for each",
    }
    options: ClassVar = _Options
    required: ClassVar = ()
    recipe: ClassVar = ()
    machine: ClassVar = tuple(f.name for f in fields(Machine) if f.name not in FIT_ONLY)
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Evaluate and show the scores."""
        from graftwork import api

        options = given.options
        with session.working():
            metrics = api.evaluate(
                given.words["RUN"],
                [given.words["DATA"], *given.more] if given.more else given.words["DATA"],
                target=options.target,
                slices=options.slice,
                domain=options.domain,
                out=options.out,
                metric=options.metric,
                margin=options.margin,
                seed=options.seed,
                redact=options.redact,
                encoding=options.encoding,
                delimiter=options.delimiter,
                machine=given.machine,
                progress=session.progress,
            )
        several = metrics["evidence"] == "domains"
        parts = domains_parts(metrics) if several else metrics_parts(metrics)
        if options.out:
            parts.append(f"Written: {options.out}")
        session.result(metrics, *parts)
