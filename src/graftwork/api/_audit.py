"""`audit`: what is wrong with the data, by row, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graftwork.api._kind import taker
from graftwork.api._open import completed, machine_of, modality_audit, recipe_of, schema_of
from graftwork.bases import token_counter
from graftwork.data.audit import Audit
from graftwork.data.build import build
from graftwork.data.read import read
from graftwork.modalities import MODALITIES
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine

__all__ = ["audit"]


def audit(
    data: Any,
    *,
    target: str | None = None,
    inputs: tuple[str, ...] = (),
    machine: Machine | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Audit:
    """Audit a data set as `fit` would see it; errors are findings here, not exceptions.

    Args:
        data: path or Python object, as for `fit`.
        target: label column; None audits unlabelled rows.
        inputs: input columns; found when left out.
        machine: where what was found out about inputs is kept.
        progress: shown to the user.
        settings: other fields of `Recipe` (base, split, group, time, test, encoding, …).

    Raises:
        InputError: the file cannot be read, or columns do not exist.
    """
    progress = progress or Progress()
    recipe = recipe_of(None, {"target": target, "input": tuple(inputs), **settings})

    def table_of(source: Any) -> Any:
        return read(source, encoding=recipe.encoding, delimiter=recipe.delimiter, progress=progress)

    table = table_of(data)
    recipe, columns = completed(recipe, table)
    modality = MODALITIES.get(str(recipe.modality))()
    schema = schema_of(table, recipe, columns)
    count_tokens = token_counter(recipe.base or modality.default_base, recipe.max_length)
    _, found = build(
        table,
        schema,
        modality=str(recipe.modality),
        test_size=recipe.test_size if recipe.target else 0.0,
        seed=recipe.seed,
        test_table=table_of(recipe.test) if recipe.test else None,
        validation_table=table_of(recipe.validation) if recipe.validation else None,
        noun=modality.noun,
        take=taker(modality, machine_of(machine), progress),
        near_duplicates=modality.near_duplicates,
        modality_audit=modality_audit(modality, count_tokens),
        strict=False,
        progress=progress,
    )
    return found
