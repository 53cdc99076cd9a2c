"""`build`: a table and its schema into a dataset and its audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graftwork.data.assemble import Rows, Take, assemble
from graftwork.data.audit import Audit, Finding
from graftwork.data.checks import View, by_severity, run_checks
from graftwork.data.dataset import TEST, VALIDATION, Dataset
from graftwork.data.groups import Duplicates, column_groups, find_duplicates
from graftwork.data.keys import dataset_fingerprint, label_token, row_keys
from graftwork.data.schema import Schema
from graftwork.data.splits import PART_DTYPE, parts_by_hash, parts_by_time, parts_from_column
from graftwork.data.table import Table
from graftwork.data.types import TYPES, column_types
from graftwork.data.values import codes_of, to_list
from graftwork.runs.progress import Progress

__all__ = ["build"]

NearDuplicates = Callable[[Sequence[Any]], np.ndarray]
ModalityAudit = Callable[[str, Sequence[Any], np.ndarray], Iterable[Finding]]


def build(
    table: Table,
    schema: Schema,
    *,
    modality: str,
    test_size: float = 0.2,
    seed: int = 0,
    test_table: Table | None = None,
    validation_table: Table | None = None,
    noun: str | None = None,
    take: Take | None = None,
    near_duplicates: NearDuplicates | None = None,
    modality_audit: ModalityAudit | None = None,
    strict: bool = True,
    progress: Progress | None = None,
) -> tuple[Dataset, Audit]:
    """Set unusable rows aside, find duplicates, part the rows, and audit all of it.

    Args:
        table: the rows (all of them, or those to train on where other tables hold the rest).
        schema: which column is what; without a target no label is asked for.
        modality: of the inputs, a key of `modalities/`.
        test_size: share of rows that become test where the user gave no split.
        seed: of the split.
        test_table: rows of the test part, same columns; nothing else is then moved to test.
        validation_table: rows of the validation part.
        noun: what an input column holds, in the modality's words; None: told by its cells.
        take: makes inputs of cells; None: they are their own.
        near_duplicates: gives each of different inputs an int64 group number; None: exact only.
        modality_audit: gives findings for (column, its values, their numbers from 0).
        strict: raise where the audit found errors (no labels, one class); False to only report.
        progress: is told what is being done.

    Raises:
        DataError: columns that the other tables lack, split or time values that cannot be read, and
            the audit's errors where `strict`.
    """
    progress = progress or Progress()
    tables = [(table, None), (validation_table, VALIDATION), (test_table, TEST)]
    rows = assemble([(each, part) for each, part in tables if each is not None], schema, take)
    inputs: dict[str, Sequence[Any]] = dict(rows.inputs)
    with progress.step("hashing the inputs"):
        keys = row_keys(list(inputs.values()))
    with progress.step("looking for duplicates"):
        twins = find_duplicates(keys, list(inputs.values()), near_duplicates)
    groups, group_keys = column_groups(rows, schema, keys, twins)
    parts, how = _parts(rows, schema, groups, group_keys, test_size, seed)
    dataset = _dataset(rows, schema, inputs, keys, groups, parts, modality)
    view = _view(rows, schema, dataset, twins, how, test_size)
    with progress.step("auditing"):
        findings = run_checks(view)
        if modality_audit is not None and len(dataset):
            places = np.arange(len(dataset), dtype=np.int64)
            for name, values in inputs.items():
                found = modality_audit(name, values, places)
                findings.extend(view.located(finding) for finding in found)
    audit = _audit(view, by_severity(findings), how, noun)
    if strict:
        audit.raise_errors()
    return dataset, audit


def _dataset(
    rows: Rows,
    schema: Schema,
    inputs: dict[str, Sequence[Any]],
    keys: list[str],
    groups: np.ndarray,
    parts: np.ndarray,
    modality: str,
) -> Dataset:
    target = None if schema.target is None else to_list(rows.columns.column(schema.target))
    kept = [*schema.slices, *(name for name in (schema.group, schema.time) if name)]
    columns: dict[str, Sequence[Any]] = {
        name: to_list(rows.columns.column(name)) for name in dict.fromkeys(kept)
    }
    digest = dataset_fingerprint(keys, target, parts)
    return Dataset(inputs, target, parts, groups, rows.rows, keys, digest, columns, modality)


def _view(
    rows: Rows, schema: Schema, dataset: Dataset, twins: Duplicates, how: str, test_size: float
) -> View:
    labels: np.ndarray | None = None
    values: list[Any] = []
    if schema.target is not None:
        labels, values = codes_of(rows.columns.column(schema.target))
    return View(
        dataset=dataset,
        tables=rows.tables,
        schema=schema,
        columns=rows.columns,
        exact=twins.exact,
        near=twins.near,
        near_sample=twins.sample,
        labels=labels,
        label_values=values,
        file_of=rows.file_of,
        given_split=how in ("column", "files"),
        test_size=test_size,
        set_aside=rows.set_aside,
    )


def _parts(
    rows: Rows,
    schema: Schema,
    groups: np.ndarray,
    group_keys: Sequence[str],
    test_size: float,
    seed: int,
) -> tuple[np.ndarray, str]:
    """The part of each row, and how it was found: column, files, time, group or hash."""
    fixed = np.asarray([part or "" for part in rows.parts], dtype=PART_DTYPE)
    of_file = fixed[rows.file_of] if len(rows.file_of) else np.empty(0, dtype=PART_DTYPE)
    main = np.flatnonzero(of_file == "")
    name, parts = rows.tables[0].source.name, of_file.copy()

    def values(column: str) -> list[Any]:
        return to_list(rows.columns.column(column).take(main))

    if schema.split is not None:
        parts[main] = parts_from_column(
            values(schema.split), rows.rows[main], field=schema.split, file=name
        )
        return parts, "column"
    if TEST in rows.parts:
        parts[main] = "train"
        return parts, "files"
    if schema.time is not None:
        parts[main] = parts_by_time(
            values(schema.time), rows.rows[main], test_size=test_size, field=schema.time, file=name
        )
        return parts, "time"
    hashed = parts_by_hash(group_keys, groups, test_size=test_size, seed=seed)
    parts[main] = hashed[main]
    return parts, "group" if schema.group else "hash"


def _audit(view: View, findings: list[Finding], how: str, noun: str | None) -> Audit:
    kinds = Counter(row.kind for row in view.set_aside)
    accounting = {
        "rows_in": sum(table.n_in for table in view.tables),
        "used": len(view.dataset),
        "quarantined": kinds["quarantined"],
        "dropped": kinds["dropped"],
    }
    main = view.tables[0].source
    files = [
        {
            "name": t.source.name,
            "format": t.source.format,
            "sha256": t.source.sha256,
            "rows": t.n_in,
            **t.source.details,
        }
        for t in view.tables
    ]
    source = {"name": main.name, "format": main.format, "sha256": main.sha256, "files": files}
    set_aside = tuple(replace(r, file=r.file or main.name) for r in view.set_aside)
    columns = column_types(view.tables[0])
    if noun is not None and noun not in TYPES:  # of cells alone: text is told apart from categories
        columns |= dict.fromkeys(view.schema.inputs, noun)
    return Audit(source, columns, accounting, set_aside, tuple(findings), _counts(view, how))


def _counts(view: View, how: str) -> dict[str, Any]:
    parts = Counter(view.dataset.parts.tolist())
    splits: dict[str, Any] = {"how": how, "parts": dict(sorted(parts.items()))}
    if view.labels is not None:
        # labels of different types may share a spelling (1 and "1"): their type then tells them
        texts = [str(label) for label in view.label_values]
        twice = len(set(texts)) < len(texts)
        names = list(map(label_token, view.label_values)) if twice else texts
        splits["labels"] = {
            part: {
                names[code]: int(n)
                for code, n in enumerate(np.bincount(view.labels[view.dataset.parts == part]))
                if n
            }
            for part in splits["parts"]
        }
    return splits
