"""`audit`: what is wrong with the data, by row, before anything is trained."""

from __future__ import annotations

from typing import Any

from graftwork.api._open import modality_audit, recipe_of
from graftwork.bases import token_counter
from graftwork.data.audit import Audit
from graftwork.data.build import build
from graftwork.data.read import read
from graftwork.data.schema import resolve_schema
from graftwork.modalities import MODALITIES
from graftwork.runs.progress import Progress

__all__ = ["audit"]


def audit(
    data: Any,
    *,
    target: str | None = None,
    inputs: tuple[str, ...] = (),
    progress: Progress | None = None,
    **settings: Any,
) -> Audit:
    """Audit a data set as `fit` would see it; errors are findings here, not exceptions.

    Args:
        data: path or Python object, as for `fit`.
        target: label column; None audits unlabelled rows.
        inputs: input columns; found when left out.
        progress: shown to the user.
        settings: other fields of `Recipe` (base, split, group, time, test, encoding, …).

    Raises:
        InputError: the file cannot be read, or columns do not exist.
    """
    progress = progress or Progress()
    recipe = recipe_of(None, {"target": target, "input": tuple(inputs), **settings})
    modality = MODALITIES.get(recipe.modality)()

    def table_of(source: Any) -> Any:
        return read(source, encoding=recipe.encoding, delimiter=recipe.delimiter, progress=progress)

    table = table_of(data)
    schema = resolve_schema(
        table,
        target=target,
        inputs=recipe.input,
        group=recipe.group,
        time=recipe.time,
        split=recipe.split,
        slices=recipe.slices,
    )
    count_tokens = token_counter(recipe.base or modality.default_base, recipe.max_length)
    _, found = build(
        table,
        schema,
        modality=recipe.modality,
        test_size=recipe.test_size if target else 0.0,
        seed=recipe.seed,
        test_table=table_of(recipe.test) if recipe.test else None,
        validation_table=table_of(recipe.validation) if recipe.validation else None,
        near_duplicates=modality.near_duplicates,
        modality_audit=modality_audit(modality, count_tokens),
        strict=False,
        progress=progress,
    )
    return found
