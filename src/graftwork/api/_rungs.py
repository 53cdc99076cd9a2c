"""The rungs of the ladder for a recipe, and what a resumed run remembers of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np

from graftwork.bases import BACKBONES
from graftwork.bases.backbone import Backbone, Capability
from graftwork.bases.hints import hints_of
from graftwork.errors import Fault, ParameterError, UnsupportedError, nearest
from graftwork.features.out_of_fold import OutOfFold
from graftwork.features.plan import EncodePlan
from graftwork.planning.rung import Rung
from graftwork.runs.directory import RunDirectory
from graftwork.runs.recipe import Recipe
from graftwork.strategies import STRATEGIES
from graftwork.strategies._tuner import Tuner
from graftwork.strategies.strategy import Choice, Job, Strategy

__all__ = [
    "BASE",
    "DECISION",
    "ENCODING",
    "RunMemory",
    "check_rungs",
    "few_labels",
    "make_strategy",
    "owned",
    "rungs_of",
    "unused",
]

DECISION = "decision-"  # begins the name of a stage that holds one
ENCODING = "encoding"  # the decision whether there is time for the base at all
BASE = "base"  # the pre-trained backbone's name in jobs and models


def rungs_of(
    recipe: Recipe, base: Backbone, classical: str, *, control: bool = True, few: bool = False
) -> tuple[list[Rung], str | None]:
    """The rungs to try, cheapest first, and the one to end on (None: whichever pays).

    Below a rung that was asked for by name stand those that it builds on: hybrid reads the
    readout that the probe chose.

    Args:
        recipe: names the strategy and its parameters.
        base: the pre-trained backbone.
        classical: kind of backbone without pre-training.
        control: try the classical rung in any case: it is a control, tuned with the same care.
        few: labels are few (`few_labels`): the rungs that do better as a rule then are tried, and
            taken unless they are shown to be worse.

    Raises:
        UnsupportedError: tuning was asked for by name, and there is nothing to tune.
        ParameterError: a parameter belongs to none of the rungs.
    """
    plain = f"{_short(BACKBONES.get(classical))} alone, no transfer"
    first = Rung(classical, plain, make_strategy("probe", {}), (classical,), False)
    _check_parameters(recipe, base)
    if base.kind == classical:
        _refuse_tuning(recipe.strategy, base)
        return [first], None if recipe.strategy == "auto" else classical
    rungs = [first] if control or recipe.strategy == "auto" else []
    few = few and recipe.strategy == "auto"
    steps = FEW if few else _up_to(recipe.strategy, base)
    rungs += [_rung(step, recipe, base, classical, presumed=few) for step in steps]
    return rungs, None if recipe.strategy == "auto" else recipe.strategy


def few_labels(job: Job, base: Backbone) -> bool:
    """Whether a rule decides what shall be tuned of the base: labels are few, but make pairs.

    A rule that was found on texts: networks for images did worse by it (clothing10). A large base
    is not tuned in whole, as contrast would; nor is what begins from an earlier model, which the
    rule was not tried on.

    Args:
        job: with all rows that will be learnt from, not only those that choices are made on.
        base: the pre-trained backbone.
    """
    a_label = len(job.rows) / len(job.task.labels)
    few = 2 <= a_label < hints_of(base).contrast_rows
    return few and job.start is None and not _large(base)


def _large(base: Backbone) -> bool:
    return bool(base.describe().get("parameters", 0) >= LARGE)


def check_rungs(recipe: Recipe, base: Backbone, classical: str) -> None:
    """Refuse what the base cannot do before anything is encoded, not after an hour.

    Raises:
        UnsupportedError: a strategy that was asked for by name cannot train that base.
        ParameterError: a layer, or more layers, than the base has.
        UnknownNameError: a pooling that it has not.
    """
    rungs, asked = rungs_of(recipe, base, classical)
    for rung in rungs:
        made = rung.strategy
        if isinstance(made, Tuner) and rung.name != asked and made.refuses(base) is not None:
            continue  # the ladder passes it
        if BASE in rung.backbones:
            made.check(base)


def _rung(
    name: str, recipe: Recipe, base: Backbone, classical: str, *, presumed: bool = False
) -> Rung:
    """A rung of the ladder by its name, with those of the recipe's parameters that it has."""
    strategy = RUNGS.get(name, name)
    settings = owned(strategy, recipe.parameters)
    if name == TOP:
        share = hints_of(base).top_share
        settings = {"top": max(1, round((base.n_layers - 1) * share)), **settings}
    elif recipe.strategy == "auto":
        settings.pop("top", None)  # it is the lower rung's
    made = make_strategy(strategy, settings)
    joined = name == "hybrid" or (isinstance(made, Tuner) and made.joins)
    reads = (BASE, classical) if joined else (BASE,)
    title = f"{_short(made)} ({name})"
    if name == "hybrid":
        title = f"frozen features + {_short(BACKBONES.get(classical))} ({name})"
    if name == TOP:
        title = f"top {settings['top']} layers tuned"
    elif strategy == "finetune":
        depth = f"top {settings['top']} layers" if settings.get("top") else "all layers"
        title = f"{depth} tuned"
    cut = base.supports(Capability.BOUNDARY)  # else nothing less than all of it can be tuned
    return Rung(
        name,
        title,
        made,
        reads,
        builds_on="probe" if isinstance(made, Tuner) and made.from_probe else None,
        most_rows=hints_of(base).whole_rows if name == "finetune" and cut else None,
        presumed=presumed,
    )


def owned(strategy: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Those of the parameters that a strategy has."""
    names = {field.name for field in dataclasses.fields(STRATEGIES.get(strategy))}
    return {key: value for key, value in parameters.items() if key in names}


def unused(recipe: Recipe, rungs: list[Rung]) -> list[str]:
    """Those of the recipe's parameters that no strategy on the pre-trained base has."""
    having = {
        field.name
        for rung in rungs
        if BASE in rung.backbones
        for field in dataclasses.fields(type(rung.strategy))  # type: ignore[arg-type]
    }
    return sorted(set(recipe.parameters) - having)


def _refuse_tuning(strategy: str, base: Backbone) -> None:
    if strategy != "auto" and issubclass(STRATEGIES.get(strategy), Tuner):
        hint = "name a base (`graftwork list bases`), or leave the strategy to `auto`"
        message = f"{strategy} tunes a pre-trained network; {base.kind} is none"
        raise UnsupportedError(faults=[Fault(message, field="strategy", hint=hint)])


def _check_parameters(recipe: Recipe, base: Backbone) -> None:
    """Every parameter must belong to one of the rungs at least."""
    rungs = _up_to(recipe.strategy, base)
    if recipe.strategy == "auto":  # either ladder may be climbed
        rungs = (*FEW, *rungs)
    known = {
        field.name
        for name in rungs
        for field in dataclasses.fields(STRATEGIES.get(RUNGS.get(name, name)))
    }
    unknown = {key: value for key, value in recipe.parameters.items() if key not in known}
    if unknown and recipe.strategy == "auto":
        said = f"no rung of the ladder has such a parameter; they have: {', '.join(sorted(known))}"
        faults = [Fault(said, field=key, hint=_elsewhere(key, known)) for key in unknown]
        raise ParameterError("strategy 'auto'", faults)
    if unknown:
        make_strategy(RUNGS.get(rungs[-1], rungs[-1]), unknown)  # raises, with the nearest spelling


def _elsewhere(key: str, known: Collection[str]) -> str | None:
    """What else may be meant by a parameter that no rung has."""
    having = [name for name in STRATEGIES.names() if owned(name, {key: None})]
    if having:
        return f"--strategy {having[0]} has it"
    close = nearest(key, known)
    return f"did you mean {close!r}?" if close else None


TOP = "top"  # the rung below finetune: the upper part of the layers, from the cache
LADDER = ("probe", "hybrid", TOP)  # and on top of it all layers, or adapters for a large base
FEW = ("probe", "contrast")  # where labels are few
RUNGS = {TOP: "finetune"}  # where a rung is not called as its strategy


def _short(thing: Any) -> str:
    """The few words that a thing declares for tables and charts."""
    declaration = thing.declaration
    return str(declaration.facts.get("short", declaration.name))


LARGE = 150_000_000  # numbers; all of them with gradients and moments: 2.4 GB


def _up_to(strategy: str, base: Backbone) -> tuple[str, ...]:
    """The rungs of a strategy: those that it builds on, and itself."""
    if strategy == "auto":
        return (*LADDER, "lora" if _large(base) else "finetune")
    return {"probe": ("probe",), "hybrid": ("probe", "hybrid")}.get(strategy, ("probe", strategy))


def make_strategy(name: str, parameters: dict[str, Any]) -> Strategy:
    """A strategy with its parameters.

    Raises:
        ParameterError: parameters that it does not have, or values outside their range.
    """
    kind = STRATEGIES.get(name)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    faults = []
    for key, value in parameters.items():
        if key not in fields:
            close = nearest(key, fields)
            hint = f"did you mean {close!r}?" if close else None
            allowed = ", ".join(fields) or "none"
            faults.append(
                Fault(f"{name} has no such parameter; it has: {allowed}", None, None, key, hint)
            )
            continue
        wrong = _wrong_type(str(fields[key].type), value)
        if wrong:
            faults.append(Fault(f"found {value!r}; allowed is {wrong}", field=key))
            continue
        choices = fields[key].metadata.get("choices")
        if choices and value not in choices:
            close = nearest(str(value), choices)
            hint = f"did you mean {close!r}?" if close else None
            allowed = ", ".join(choices)
            faults.append(Fault(f"{value!r}; allowed are {allowed}", field=key, hint=hint))
        low, high = (fields[key].metadata.get(bound) for bound in ("low", "high"))
        if isinstance(value, (int, float)) and (
            (low is not None and value < low) or (high is not None and value > high)
        ):
            faults.append(Fault(f"{value}; allowed are {low} to {high}", field=key))
    if faults:
        raise ParameterError(f"strategy {name!r}", faults)
    made: Strategy = kind(**parameters)
    return made


def _wrong_type(declared: str, value: Any) -> str | None:
    """What is allowed, where a value is of another type than its parameter declares."""
    if value is None and "None" in declared:
        return None
    if declared.startswith("float"):
        right = isinstance(value, (int, float)) and not isinstance(value, bool)
        return None if right else "a number"
    for word, kind, told in (("int", int, "a whole number"), ("str", str, "a text")):
        if declared.startswith(word):
            right = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
            return None if right else told
    return None


class RunMemory:
    """Finished rungs and encode plans in a run directory, for resuming and replaying."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run

    def keep(self, name: str, plan: EncodePlan) -> EncodePlan:
        """An encode plan written down, or the one that was."""
        if self.run.read_stage(name) is None:
            self.run.write_stage(
                name, {"rows": len(plan)}, {"keys": plan.keys, "sizes": plan.sizes}
            )
            return plan
        kept = self.run.stage_tensors(name)
        return EncodePlan(kept["keys"], kept["sizes"])

    def recall(self, rung: str) -> tuple[Choice, float] | None:
        """A finished rung's choice and seconds."""
        told = self.run.read_stage(f"rung-{rung}")
        if told is None:
            return None
        tensors = self.run.stage_tensors(f"rung-{rung}")
        found = OutOfFold(
            names=told["names"],
            settings=told["candidates"],
            predicted=tensors["predicted"],
            log_loss=tensors["log_loss"],
            truth=tensors["truth"],
            metric=told["metric"],
            n_classes=told["n_classes"],
            best_probabilities=tensors["best_probabilities"],
            rows=tensors.get("rows"),
        )
        choice = Choice(
            told["strategy"],
            told["settings"],
            found,
            told["words"],
            told.get("facts", {}),
            tensors.get("learnt"),
        )
        return choice, float(told["seconds"])

    def remember(self, rung: str, choice: Choice, seconds: float) -> None:
        """Keep a finished rung."""
        found = choice.out_of_fold
        if found is None:
            return
        self.run.write_stage(
            f"rung-{rung}",
            {
                "strategy": choice.strategy,
                "settings": choice.settings,
                "words": choice.words,
                "facts": choice.facts,
                "names": found.names,
                "candidates": found.settings,
                "metric": found.metric,
                "n_classes": found.n_classes,
                "seconds": seconds,
            },
            {
                "predicted": found.predicted,
                "log_loss": found.log_loss,
                "truth": found.truth,
                "best_probabilities": np.ascontiguousarray(found.best_probabilities),
                **({} if found.rows is None else {"rows": found.rows}),
                **({} if choice.learnt is None else {"learnt": choice.learnt}),
            },
        )

    def decided(self, rung: str) -> dict[str, Any] | None:
        """What was decided of a rung before."""
        return self.run.read_stage(f"{DECISION}{rung}")

    def decide(self, rung: str, decision: dict[str, Any]) -> None:
        """Keep a decision; replaying or resuming never decides again."""
        self.run.write_stage(f"{DECISION}{rung}", decision)
