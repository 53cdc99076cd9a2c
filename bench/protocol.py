"""The six data sets and their splits, the same for every bench and every peer.

Given splits; validation joins train, as choices are made out of fold. CLINC150 in scope: rows
labelled `oos` are left out. Test rows are read for the final scores alone.

    .venv/bin/python bench/protocol.py     what the sets hold
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

from harness import ROOT, WORK

__all__ = ["SETS", "data_folder", "labelled_file", "rows_of", "set_file"]

SETS = {
    "banking77": "banking77_en",
    "clinc150": "clinc150_oos_en",
    "subj": "subj_en",
    "mr": "mr_sentiment_en",
    "agnews": "agnews_en",
    "finance": "twitter_fin_news_en",
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
    file = data_folder() / SETS[name] / f"{SETS[name]}.csv"
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


def _write(path: Path, header: tuple[str, ...], rows: list[Row] | list[tuple[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    for each in SETS:
        found = rows_of(each)
        n_test = sum(part == "test" for _, _, part in found)
        labels = len({label for _, label, _ in found})
        print(f"{each:10} train {len(found) - n_test:6,}  test {n_test:6,}  classes {labels}")
