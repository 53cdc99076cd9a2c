"""The controls of a fit: what transfer must beat on the judged rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graftwork.api._finals import Finals, Trial
from graftwork.api._judged import Judged
from graftwork.api._rungs import BASE, make_strategy, owned
from graftwork.evaluation.contender import Control
from graftwork.evaluation.controls import RandomTwin, majority
from graftwork.planning.ladder import Climb
from graftwork.runs.progress import Progress
from graftwork.strategies.strategy import Job, Strategy

__all__ = ["controls_of"]


def controls_of(trial: Trial, finals: Finals, progress: Progress) -> list[Control]:
    """Majority, the classical model, and the same network with random weights, as is or trained."""
    judged = trial.judged
    most = majority(trial.learnt_from.codes(), len(judged.truth), len(judged.labels))
    return [most, *_classical(trial, finals), *_random_networks(trial, progress)]


def _classical(trial: Trial, finals: Finals) -> list[Control]:
    """The rung without transfer, where the ladder has it."""
    classical = trial.ladder.of(trial.opened.modality.classical)
    if classical is None:
        return []
    found = finals.contender(classical)
    return [
        Control(
            name=found.name,
            title=found.title,
            predicted=found.predicted,
            probabilities=found.probabilities,
            seconds=classical.seconds,
        )
    ]


def _random_networks(trial: Trial, progress: Progress) -> list[Control]:
    """The base's twin with random weights, frozen, and trained where that was asked for."""
    job, judged, recipe = trial.learnt_from, trial.judged, trial.opened.recipe
    found: list[Control] = []
    twin = None
    if BASE in job.backbones and hasattr(job.backbones[BASE], "twin"):
        probe = make_strategy("probe", owned("probe", recipe.parameters))
        twin = RandomTwin(probe, BASE, job.seed)
        progress.say("Control: the same network with random weights")
        if judged.out_of_fold:
            found.append(_twin_out_of_fold(twin, job, trial.ladder))
        else:
            found.append(twin.control(job, judged.inputs, judged.truth, len(judged.labels)))
    if recipe.scratch_control:
        why = _no_scratch(job, judged)
        if why:
            progress.say(f"--scratch-control: left out, {why}")
        elif twin is not None:
            alike = {key: recipe.parameters[key] for key in ("views",) if key in recipe.parameters}
            scratch = make_strategy("scratch", alike)
            fewer = trial.ladder.transfer.choice.learnt is not None
            found.append(_scratch(twin, found[-1], job, judged, scratch, progress, fewer))
    return found


def _no_scratch(job: Job, judged: Judged) -> str | None:
    """Why no network can be trained from random weights here; None where one can."""
    if judged.out_of_fold:
        return "as there is no test part"
    if BASE not in job.backbones:
        return "as no pre-trained base is tried"
    why: str | None = make_strategy("scratch", {}).refuses(job.backbones[BASE])  # type: ignore[attr-defined]
    return why


def _scratch(
    twin: RandomTwin,
    met: Control,
    job: Job,
    judged: Judged,
    strategy: Strategy,
    progress: Progress,
    fewer: bool,
) -> Control:
    """The control that was asked for; its checkpoints and notes stand apart from the rungs'."""
    progress.say("Control: the same network from random weights, trained")
    folder, notes = job.folder, dict[str, Any]()
    apart = None if folder is None else lambda name: folder(f"control/{name}")
    mine = replace(job, folder=apart, notes=notes)
    found = twin.trained(met, mine, strategy, judged.inputs, fewer=fewer)
    job.notes.update({f"control: {name}": told for name, told in notes.items()})
    return found


def _twin_out_of_fold(twin: RandomTwin, job: Job, ladder: Climb) -> Control:
    ours, theirs, rows = twin.out_of_fold(job)
    return Control(
        name="random_weights",
        title="Same network, random weights",
        predicted=theirs,
        index=rows,
        against=ours,
        note=f"both sides learn from the same {len(rows):,} rows",
    )
