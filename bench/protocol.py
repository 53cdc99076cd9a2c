"""The data sets and their splits, the same for every bench and every peer.

Given splits; validation joins train, as choices are made out of fold. CLINC150 in scope: rows
labelled `oos` are left out. Test rows are read for the final scores alone. Six sets (`SETS`) stand
in most benches, eleven (`MORE`) in those that ask how `auto` does on other kinds of text.

    .venv/bin/python bench/protocol.py     what the sets hold
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

from harness import ROOT, WORK

__all__ = [
    "MORE",
    "SETS",
    "data_folder",
    "drawn",
    "labelled_file",
    "peer_rows",
    "rows_of",
    "set_file",
    "write_parts",
]

SETS = {
    "banking77": "banking77_en",
    "clinc150": "clinc150_oos_en",
    "subj": "subj_en",
    "mr": "mr_sentiment_en",
    "agnews": "agnews_en",
    "finance": "twitter_fin_news_en",
}
MORE = SETS | {
    "clinc150_oos": "clinc150_oos_en",  # the rows out of scope as a class of their own
    "pros_cons": "pros_cons_en",
    "langid30": "langid30",
    "chnsenticorp": "chnsenticorp_hotel_zh",  # Chinese, which the base hardly knows
    "thucnews": "thucnews_headlines_zh",
}
LEFT_OUT = {"clinc150": {"oos"}}
QUICK_LABELS, QUICK_TRAIN, QUICK_TEST = 6, 240, 120  # --quick: does it run? figures mean nothing

Row = tuple[str, str, str]  # text, label, train or test


def data_folder() -> Path:
    """`data` in the folder that GRAFTWORK_SHARED names (default: `shared` beside the checkout)."""
    folder = Path(os.environ.get("GRAFTWORK_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there; set GRAFTWORK_SHARED to the folder with the data")
    return folder


def rows_of(name: str, *, quick: bool = False) -> list[Row]:
    """Text, label and part of every row in the protocol, in the file's order."""
    file = data_folder() / MORE[name] / f"{MORE[name]}.csv"
    with open(file, encoding="utf-8", newline="") as stream:
        rows = [
            (row["text"], row["label"], "test" if row["split"] == "test" else "train")
            for row in csv.DictReader(stream)
            if row["label"] not in LEFT_OUT.get(name, ())
        ]
    return _fewer(rows) if quick else rows


def _fewer(rows: list[Row]) -> list[Row]:
    import numpy as np

    few = set(sorted({label for _, label, _ in rows})[:QUICK_LABELS])
    rows = [row for row in rows if row[1] in few]
    order = np.random.default_rng(0).permutation(len(rows)).tolist()
    chosen: list[int] = []
    for part, most in (("train", QUICK_TRAIN), ("test", QUICK_TEST)):
        chosen += [i for i in order if rows[i][2] == part][:most]
    return [rows[i] for i in sorted(chosen)]


def set_file(name: str, *, quick: bool = False) -> Path:
    """The set as `text,label,split`, written once under `bench/.work`."""
    path = WORK / ("sets-quick" if quick else "sets") / f"{name}.csv"
    _write(path, ("text", "label", "split"), rows_of(name, quick=quick))
    return path


def labelled_file(name: str, count: int, *, seed: int = 0) -> Path:
    """`count` training rows drawn at random, as `text,label`: what a user brings."""
    import numpy as np

    rows = [row[:2] for row in rows_of(name) if row[2] == "train"]
    drawn = np.sort(np.random.default_rng(seed).permutation(len(rows))[:count])
    path = WORK / "labelled" / f"{name}-{count}-{seed}.csv"
    _write(path, ("text", "label"), [rows[i] for i in drawn])
    return path


def drawn(
    name: str,
    per_class: int | None = None,
    draw: int = 0,
    *,
    most_train: int | None = None,
    most_test: int | None = None,
    quick: bool = False,
) -> tuple[list[Row], list[Row]]:
    """Training rows with few labels, and the test rows.

    Args:
        name: of the set.
        per_class: labels a class, all where a class has fewer (None: every class's); the 8 of a
            draw are among its 16.
        draw: seed of the order in which rows are taken.
        most_train, most_test: no more than that, drawn at random.
        quick: of the few rows of `--quick`.
    """
    import numpy as np

    rows = rows_of(name, quick=quick)
    order = np.random.default_rng([draw, 41]).permutation(len(rows)).tolist()
    train = [i for i in order if rows[i][2] == "train"]
    test = [i for i in range(len(rows)) if rows[i][2] == "test"]
    if per_class is not None:
        taken: dict[str, int] = {}
        few = []
        for i in train:
            taken[rows[i][1]] = taken.get(rows[i][1], 0) + 1
            if taken[rows[i][1]] <= per_class:
                few.append(i)
        train = few
    if most_test is not None and len(test) > most_test:
        test = np.random.default_rng(43).permutation(test)[:most_test].tolist()
    train = train[:most_train]
    return [rows[i] for i in sorted(train)], [rows[i] for i in sorted(test)]


def write_parts(train: list[Row], test: list[Row], folder: Path) -> tuple[Path, Path]:
    """Both parts as `text,label`: what `graftwork fit TRAIN --test TEST` takes."""
    files = folder / "train.csv", folder / "test.csv"
    for file, rows in zip(files, (train, test), strict=True):
        _write(file, ("text", "label"), [row[:2] for row in rows])
    return files


def peer_rows(train: list[Row], test: list[Row], path: Path, *, validation: int = 0) -> Path:
    """Both parts for a peer's worker: texts, label codes and label names.

    Args:
        train, test: rows.
        path: of the JSON file.
        validation: hold back one row in so many, stratified (0: none); for a peer that chooses.
    """
    labels = sorted({label for _, label, _ in train})
    codes = {label: code for code, label in enumerate(labels)}
    told: dict[str, Any] = {
        "labels": labels,
        "train": [text for text, _, _ in train],
        "codes": [codes[label] for _, label, _ in train],
        "test": [text for text, _, _ in test],
        "test_codes": [codes[label] for _, label, _ in test],
        "validation": _held_back([codes[row[1]] for row in train], validation),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def _held_back(codes: list[int], one_in: int) -> list[int]:
    if not one_in:
        return []
    import numpy as np

    from graftwork.stats.folds import stratified_group_folds

    folds = stratified_group_folds(np.asarray(codes), np.arange(len(codes)), one_in, 0)
    return [int(i) for i in np.flatnonzero(folds == 0)]


def _write(path: Path, header: tuple[str, ...], rows: list[Row] | list[tuple[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    for each in MORE:
        found = rows_of(each)
        n_test = sum(part == "test" for _, _, part in found)
        labels = len({label for _, label, _ in found})
        print(f"{each:12} train {len(found) - n_test:6,}  test {n_test:6,}  classes {labels}")
