"""From what the user gave to what a fit needs: data, base, dataset and audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graftwork.api._earlier import Earlier, open_earlier
from graftwork.api._kind import check_base, holds_files, kind_of, taker
from graftwork.api._tuned_on import tuned_on, tuned_on_notes
from graftwork.bases import open_base
from graftwork.bases.backbone import Backbone
from graftwork.data.audit import Audit, Finding
from graftwork.data.build import build
from graftwork.data.dataset import Dataset
from graftwork.data.read import read
from graftwork.data.schema import Schema, resolve_schema
from graftwork.data.table import Table
from graftwork.errors import Fault, ParameterError, nearest
from graftwork.modalities import MODALITIES
from graftwork.modalities.modality import Modality
from graftwork.planning.budget import parse_budget
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine, Recipe
from graftwork.runs.resolve import resolve_machine, resolve_recipe
from graftwork.runtime.devices import Placement, place

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Opened",
    "completed",
    "machine_of",
    "modality_audit",
    "open_all",
    "placement_of",
    "recipe_of",
    "schema_of",
    "settings_of",
    "store_folder",
]


@dataclass(frozen=True, eq=False)
class Opened:
    """Everything that is known before a run begins.

    Attributes:
        recipe: resolved.
        table: the main table.
        dataset, audit: rows ready to use, and what is wrong with them.
        base: the pre-trained backbone.
        modality: of the inputs.
        data: fingerprints by role, for the plan.
        names: what the user called each role.
        notes: sentences to say aloud.
        earlier: the run that it starts from, if any.
        base_keys: hex keys of the rows that the base was tuned on, where it was promoted.
    """

    recipe: Recipe
    table: Table
    dataset: Dataset
    audit: Audit
    base: Backbone
    modality: Modality
    data: dict[str, str]
    names: dict[str, str]
    notes: list[str]
    earlier: Earlier | None = None
    base_keys: frozenset[str] = frozenset()

    @property
    def moved_before(self) -> bool:
        """Whether the base is that of the earlier run, and its weights were tuned."""
        earlier = self.earlier
        return earlier is not None and earlier.tuned and earlier.base() is self.base


def settings_of(settings: Mapping[str, Any] | Recipe | None) -> dict[str, Any]:
    """Settings by name."""
    if isinstance(settings, Recipe):
        return {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    return dict(settings or {})


def recipe_of(settings: Mapping[str, Any] | Recipe | None, more: Mapping[str, Any]) -> Recipe:
    """The resolved recipe from settings and keyword arguments.

    Raises:
        InputError: a setting that is not there or not allowed.
    """
    recipe = resolve_recipe({**settings_of(settings), **more})
    parse_budget(recipe.budget)  # a budget that is none is told now, not after an hour
    return recipe


def machine_of(machine: Machine | Mapping[str, Any] | None) -> Machine:
    """The machine settings, checked."""
    if isinstance(machine, Machine):
        return machine
    return resolve_machine(machine or {})


def placement_of(recipe: Recipe, machine: Machine) -> Placement:
    """Device, precision and threads for a recipe on this machine."""
    return place(machine.device, recipe.precision, machine.threads)


def store_folder(machine: Machine) -> Path:
    """Where stored features lie."""
    from graftwork.storage.home import cache_dir

    return cache_dir(machine.cache) / "features"


def open_all(
    data: Any,
    recipe: Recipe,
    machine: Machine,
    *,
    progress: Progress,
    strict: bool = True,
) -> Opened:
    """Read the data, open the base, build and audit the dataset.

    Raises:
        GraftworkError: whatever is wrong, in the words of the floor that found it.
    """
    sources = _sources(data, recipe, machine, progress, strict)
    dataset, audit = _build(sources, machine, strict, progress)
    notes = [note for each in sources.tables.values() for note in each.notes]
    prints = {role: each.source.sha256 for role, each in sources.tables.items()}
    if holds_files(dataset.inputs):
        prints["files"] = dataset.fingerprint
    named = sources.recipe.base is not None or sources.earlier is not None
    if sources.base.kind == sources.modality.classical and not named:
        notes.append(
            f"no base was named and none comes with the package for this kind of input, so there "
            f"is no transfer yet: {type(sources.base).declaration.title}. `graftwork list bases` "
            "tells where a free base can be had"
        )
    earlier, table = sources.earlier, sources.tables["train"]
    base_keys = tuned_on(sources.base)
    if earlier is not None:
        earlier.check(dataset, table, sources.recipe)
        dataset, note = earlier.kept_apart(dataset)
        notes += [each for each in (note, earlier.forgotten(dataset)) if each]
        prints["start"] = earlier.digest
    else:  # a warm start tells of its earlier run instead
        notes += tuned_on_notes(dataset, base_keys)
    return Opened(
        sources.recipe,
        table,
        dataset,
        audit,
        sources.base,
        sources.modality,
        {**prints, "base": sources.base.fingerprint()},
        {role: each.source.name for role, each in sources.tables.items()},
        [*notes, *sources.schema.notes],
        earlier,
        base_keys,
    )


@dataclass(frozen=True, eq=False)
class _Sources:
    """What the user named, read and opened; the rows have no parts yet."""

    recipe: Recipe  # with what was found: modality, target, split
    tables: dict[str, Table]
    schema: Schema
    base: Backbone
    modality: Modality
    earlier: Earlier | None


def _sources(
    data: Any, recipe: Recipe, machine: Machine, progress: Progress, strict: bool
) -> _Sources:
    from graftwork.metrics import METRICS

    _check_metric(METRICS.get(recipe.metric).declaration.facts, recipe.metric)
    table = _read(data, recipe, progress)
    earlier = None
    if recipe.start is not None:
        earlier = open_earlier(recipe.start, placement_of(recipe, machine))
        recipe = replace(recipe, target=recipe.target or earlier.target)
    recipe, inputs = completed(recipe, table)
    if strict and recipe.target is None:
        raise _no_target(table)
    modality: Modality = MODALITIES.get(str(recipe.modality))()
    schema = schema_of(table, recipe, inputs)
    others = {
        role: _read(path, recipe, progress)
        for role, path in (("test", recipe.test), ("validation", recipe.validation))
        if path is not None
    }
    base = earlier.base() if earlier is not None and recipe.base is None else None
    base = base or open_base(
        recipe.base or modality.default_base,
        placement=placement_of(recipe, machine),
        max_length=recipe.max_length,
    )
    check_base(base, str(recipe.modality), schema.inputs, recipe.base)
    return _Sources(recipe, {"train": table, **others}, schema, base, modality, earlier)


def completed(recipe: Recipe, table: Table) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe with what the table itself says, and the input columns as far as known."""
    target = recipe.target or table.roles.get("target")
    own_split = None if recipe.test or recipe.time else table.roles.get("split")
    split = recipe.split or own_split
    taken = (target, recipe.group, recipe.time, split, *recipe.slices)
    modality, inputs = kind_of(table, recipe.input, taken, recipe.modality)
    return replace(recipe, target=target, split=split, modality=modality), inputs


def schema_of(table: Table, recipe: Recipe, inputs: Sequence[str]) -> Schema:
    """Which column is what."""
    return resolve_schema(
        table,
        target=recipe.target,
        inputs=inputs,
        group=recipe.group,
        time=recipe.time,
        split=recipe.split,
        slices=recipe.slices,
    )


def _build(
    sources: _Sources, machine: Machine, strict: bool, progress: Progress
) -> tuple[Dataset, Audit]:
    recipe, tables, modality = sources.recipe, sources.tables, sources.modality
    return build(
        tables["train"],
        sources.schema,
        modality=str(recipe.modality),
        test_size=recipe.test_size,
        seed=recipe.seed,
        test_table=tables.get("test"),
        validation_table=tables.get("validation"),
        noun=modality.noun,
        take=taker(modality, machine, progress),
        near_duplicates=modality.near_duplicates,
        modality_audit=modality_audit(modality, getattr(sources.base, "count_tokens", None)),
        strict=strict,
        progress=progress,
    )


def modality_audit(modality: Modality, count_tokens: Callable[..., Any] | None) -> Any:
    """The audit of one column's inputs, with the base's token counts where it has them."""

    def audit(field: str, values: Sequence[Any], rows: np.ndarray) -> Iterable[Finding]:
        return modality.audit(values, rows.tolist(), field=field, count_tokens=count_tokens)

    return audit


def _no_target(table: Table) -> ParameterError:
    """Labels are needed and no column was named: say which columns there are."""
    if table.source.format == "folder":
        message = "holds no class folders: each class is a folder of its own, named as the class"
        return ParameterError(faults=[Fault(message, table.source.name)])
    shown = ", ".join(table.names[:20]) + (", …" if len(table.names) > 20 else "")
    near = (nearest(word, table.names) for word in LABEL_NAMES)
    guess = next((name for name in near if name), None)
    hint = f"is it {guess!r}?" if guess else None
    message = f"is missing: name the column that holds the label; there are: {shown}"
    return ParameterError(faults=[Fault(message, table.source.name, field="target", hint=hint)])


LABEL_NAMES = ("label", "target", "class", "category", "intent", "sentiment")


def _read(data: Any, recipe: Recipe, progress: Progress) -> Table:
    return read(data, encoding=recipe.encoding, delimiter=recipe.delimiter, progress=progress)


def _check_metric(facts: Mapping[str, Any], name: str) -> None:
    if facts["needs"] != "labels" or not facts["higher_is_better"]:
        raise ParameterError(
            f"metric {name!r} can be reported but not optimised; choose one over labels where more "
            "is better (accuracy, macro_f1, balanced_accuracy, mcc, …)"
        )
