"""Write docs/benchmarks.md and its pictures from bench/results; no figure there is by hand.

.venv/bin/python bench/pages.py             write docs/benchmarks.md and docs/images/bench-*.svg
.venv/bin/python bench/pages.py --check     end with 1 where they say anything else
.venv/bin/python bench/pages.py --quick     from what --quick gave, into bench/.work; docs stay
"""

from __future__ import annotations

import sys
from pathlib import Path

from bubbles import Bubble, field
from cells import NAMES, Result, gain, seconds, table
from charts import Panel, Point, Side, figure
from harness import ROOT, WORK
from tables import TABLES, origin, read_results
from tables_long import processors, times

QUICK = "--quick" in sys.argv
DOCS = WORK / "quick" / "docs" if QUICK else ROOT / "docs"
PAGE = DOCS / "benchmarks.md"
NOT_YET = "Not measured yet."
SIDES = {
    "auto": Side("graftwork, auto", "#2477d4", "circle"),
    "probe": Side("graftwork, probe", "#58a6ee", "triangle"),
    "trainer": Side("Trainer, full fine-tuning", "#d8702a", "square"),
    "logreg": Side("sentence-transformers + LogisticRegression", "#7d8590", "diamond"),
    "setfit": Side("SetFit", "#9a62c7", "square"),
    "fastfit": Side("FastFit", "#a8892a", "diamond"),
    "autointent": Side("AutoIntent", "#3a9a6c", "triangle"),
}
MEASURES = {
    "soft_transfer": "`probe` against sentence-transformers + LogisticRegression",
    "hybrid": "`hybrid` against the better of probe and TF-IDF",
    "second_start": "1,000 labelled rows: command to verdict and report",
    "encoding": "encoding against sentence-transformers",
    "second_fit": "second fit on the same data",
    "verdict_wrong": "“helped”, told of random weights against random weights",
    "startup": "`graftwork --help`, `import graftwork`",
    "calibration": "ECE after temperature, out of fold",
    "abstention": "a guarantee that is asked for: how often it is broken",
    "select_rows": "choosing which rows to label next, against random choice",
    "label_errors": "flipped labels that come back as suspects",
    "compare": "`compare`, 100,000 rows, five contestants",
    "hard_transfer": "`auto` against Trainer (full fine-tuning), all labels of six sets",
    "few_labels": "`auto` against SetFit and FastFit, 8 and 16 labels a class",
    "cached_epoch": "one epoch of the top 2 of 6 layers from the cache",
    "image_bases": "clothing10, probe, by base",
    "image_tuning": "clothing10, `auto` against a plain loop",
    "regret": "regret of `auto` against the best single strategy",
}
HEAD = """# How good and how fast

<!-- Written by bench/pages.py; do not edit. -->

What Graftwork claims, measured against what people use otherwise: same rows, same split, same
pre-trained base (all-MiniLM-L6-v2), same machine. Every figure comes from the files in
`bench/results`, and [bench/README.md](../bench/README.md) says how each is taken, with all tables.
Where nothing is measured yet, this page says so.

{origin}
"""
TUNING = """## All labels: accuracy against time

Up is better, left is faster. `auto` is a whole `graftwork fit`: reading, audit, every rung that it
tried, all controls, the saved and checked model, the report. The Trainer's time is one run of four
epochs with the better of two learning rates, its search for it not counted. Probe and
LogisticRegression (both on frozen features) are timed without reading and controls.

{content}
"""
FEW = """## Few labels: accuracy against time

Means over draws of the labelled rows; each line goes from 8 labels a class to 16. Times hold
predicting the whole test part; ours leave controls and report out.

{content}
"""
PICTURES = """## Pictures: what a base brings, and costs

A probe on clothing10 by each of the shared image weights: accuracy with its 95 % interval, the
time of a whole fit on an empty store, and the size of the model that comes out.

{content}
"""
PROMISES = """## What was promised, and what came

{content}
"""
PEERS = """## Peers that were tried

Offline, with the same base. One that does not run is left out above, with its own word for why.

{content}
"""
AGAIN = """## To measure it again

<!-- shown: hours of work, and the data sets are not part of the project -->
```bash
make setup
bench/envs.sh all
bench/run_all.sh
bench/run_long.sh
```
"""


def tuning(results: dict[str, Result]) -> tuple[str, str | None]:
    """Text and picture of the sets with all labels."""
    hard, soft = (results.get(n, {}).get("sets", {}) for n in ("hard_transfer", "soft_transfer"))
    names = [name for name in NAMES if name in hard or name in soft]
    if not names:
        return NOT_YET, None
    panels = [_tuning_panel(name, hard.get(name), soft.get(name)) for name in names]
    picture = figure("Accuracy against time, all labels", SIDES, panels)
    text = _image("bench-all-labels.svg", "accuracy against time on every set, all labels")
    if not hard:
        return f"{text}\n\n`auto` against the Trainer: not measured yet; shown is what is.", picture
    rows = [
        [
            NAMES[name],
            f"{told['ours']['accuracy']:.3f} ({told['ours']['strategy']})",
            f"{told['peer']['accuracy']:.3f}",
            gain(told["difference"]),
            f"{told['time_ratio']:.2f} ×",
        ]
        for name, told in hard.items()
    ]
    pooled = results["hard_transfer"]["pooled"]
    last = f"**{pooled['time_ratio']:.2f} ×**"
    rows.append(["**pooled**", "", "", f"**{gain(pooled['difference'])}**", last])
    head = ["set", "`auto` (ended on)", "Trainer", "difference in points (95 %)", "time"]
    where = processors(results["hard_transfer"])
    return f"{text}\n\n{table(head, rows)}{where}", picture


def _tuning_panel(name: str, hard: Result | None, soft: Result | None) -> Panel:
    points, note = [], "Trainer: not measured yet"
    if hard is not None:
        mine, theirs = hard["ours"], hard["peer"]
        points += [
            _point("auto", mine["seconds"]["whole run"], mine["accuracy"]),
            _point("trainer", theirs["seconds"]["all"], theirs["accuracy"]),
        ]
        note = f"auto − Trainer: {gain(hard['difference'])}"
    if soft is not None:
        for side, key in (("probe", "ours"), ("logreg", "peer")):
            points.append(_point(side, soft[key]["seconds"]["all"], soft[key]["accuracy"]))
    return Panel(NAMES[name], note, points)


def few(results: dict[str, Result]) -> tuple[str, str | None]:
    """Text and picture of the sets with few labels."""
    peers = results.get("few_labels", {}).get("peers", {})
    if not peers:
        return NOT_YET, None
    sets = dict.fromkeys(
        cell.rpartition("-")[0] for told in peers.values() for cell in told["cells"]
    )
    panels = [_few_panel(name, peers) for name in sets]
    rows = [
        [
            f"`auto` against {SIDES[side].title}",
            str(told["draws"]),
            gain(told["difference"]),
            times(told["time_ratio"]),
        ]
        for side, told in peers.items()
    ]
    head = ["pooled over the sets", "draws", "difference in points (95 %)", "time"]
    text = _image("bench-few-labels.svg", "accuracy against time on every set, few labels")
    return f"{text}\n\n{table(head, rows)}", figure("Few labels", SIDES, panels)


def _few_panel(name: str, peers: dict[str, Result]) -> Panel:
    points: dict[tuple[str, str], Point] = {}
    draws: set[int] = set()
    sizes: dict[str, None] = {}
    for side, told in peers.items():
        for cell, found in told["cells"].items():
            if cell.rpartition("-")[0] != name:
                continue
            draws.add(found["draws"])
            number = cell.rpartition("-")[2]
            sizes[number] = None
            size = f"{number} a class"
            took = found["times"]
            if took is None:
                continue
            mine = _point("auto", took["ours"], found["ours"], size)
            points.setdefault(("auto", cell), mine)
            points[side, cell] = _point(side, took["peer"], found["peer"], size)
    few, many = min(draws), max(draws)
    told = f"{many} draw{'s' if many > 1 else ''}" if few == many else f"{few} to {many} draws"
    return Panel(NAMES[name], f"{' and '.join(sizes)} a class, {told}", list(points.values()))


def pictures(results: dict[str, Result]) -> tuple[str, str | None]:
    """Text and picture of the image bases."""
    if "image_bases" not in results:
        return NOT_YET, None
    found = results["image_bases"]["bases"]
    bubbles = [
        Bubble(
            name="HOG + colour, no transfer" if name == "hog" else name,
            seconds=told["seconds"],
            accuracy=told["accuracy"],
            low=told["interval"][0],
            high=told["interval"][1],
            size=told["model_mb"],
            told=f"{name}: {100 * told['accuracy']:.1f} %, {seconds(told['seconds'])}, "
            f"{told['model_mb']:.1f} MB",
            colour="#7d8590" if name == "hog" else "#2477d4",
        )
        for name, told in sorted(found.items(), key=lambda item: -item[1]["accuracy"])
    ]
    words = "up: accuracy in percent · to the right: time, log scale · area: size of the model"
    text = _image("bench-image-bases.svg", "accuracy against time of every image base")
    table_of, _ = TABLES["image_bases"]
    return f"{text}\n\n{table_of(results['image_bases'])}", field("Image bases", words, bubbles)


def _point(side: str, spent: float, accuracy: float, more: str = "") -> Point:
    words = (SIDES[side].title, more, f"{100 * accuracy:.1f} %", seconds(spent))
    return Point(side, spent, accuracy, ", ".join(word for word in words if word))


def _image(name: str, words: str) -> str:
    return f"![{words}](images/{name})"


def promises(results: dict[str, Result]) -> str:
    """Every line of what is measured, and a line for what is not."""
    lines = []
    for name, (_, lines_of) in TABLES.items():
        if name in results:
            lines += lines_of(results[name])
        elif name != "peers_status":
            lines.append([MEASURES.get(name, name.replace("_", " ")), "", "not measured yet", "–"])
    return table(["measure", "to reach", "here", "reached"], lines)


def content(results: dict[str, Result]) -> dict[Path, str | None]:
    """What every file should hold; None for a picture that should not be there."""
    (many, first), (less, second), (seen, third) = tuning(results), few(results), pictures(results)
    status = results.get("peers_status")
    parts = [
        HEAD.format(origin=origin(results)),
        TUNING.format(content=many),
        FEW.format(content=less),
        PICTURES.format(content=seen),
        PROMISES.format(content=promises(results)),
        PEERS.format(content=TABLES["peers_status"][0](status) if status else NOT_YET),
        AGAIN,
    ]
    return {
        PAGE: "\n".join(parts),
        DOCS / "images" / "bench-all-labels.svg": first,
        DOCS / "images" / "bench-few-labels.svg": second,
        DOCS / "images" / "bench-image-bases.svg": third,
    }


def main() -> int:
    wanted = content(read_results(quick=QUICK))
    there = {path: path.read_text(encoding="utf-8") if path.is_file() else None for path in wanted}
    if "--check" in sys.argv:
        stale = [path for path in wanted if wanted[path] != there[path]]
        for path in stale:
            print(f"{path} says something else than bench/results: run bench/pages.py")
        return int(bool(stale))
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
