"""Fill the tables of bench/README.md from bench/results; no figure there is written by hand.

.venv/bin/python bench/tables.py            fill README.md
.venv/bin/python bench/tables.py --check    end with 1 where README.md says anything else
.venv/bin/python bench/tables.py --quick    print what a --quick run gave; README.md stays
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any

from cells import NAMES, Result, gain, reached, seconds, table
from harness import BENCH, WORK
from tables_data import DATA
from tables_images import IMAGES
from tables_long import LONG
from tables_referee import REFEREE
from tables_select import SELECT
from tables_sure import SURE

README = BENCH / "README.md"


def soft_transfer(found: Result) -> str:
    rows = []
    for name, told in found["sets"].items():
        ours, peer = told["ours"], told["peer"]
        rows.append(
            [
                NAMES[name],
                f"{ours['train']:,} / {ours['test']:,}",
                f"{ours['accuracy']:.4f}",
                f"{peer['accuracy']:.4f}",
                gain(told["difference"]),
                _times(ours),
                _times(peer),
                f"{told['time_ratio']:.2f} ({told['time_ratio_to_cv']:.2f})",
                ours["chosen"],
            ]
        )
    pooled = found["pooled"]
    rows.append(
        [
            "**all six, pooled**" if len(rows) == 6 else "**pooled**",
            *[""] * 3,
            f"**{gain(pooled['difference'])}**",
            seconds(pooled["ours_seconds"]),
            seconds(pooled["peer_seconds"]),
            f"**{pooled['time_ratio']:.2f}** ({pooled['time_ratio_to_cv']:.2f})",
            "",
        ]
    )
    head = ["set", "train / test", "probe", "peer", "difference in points (95 %)"]
    head += [
        "our time (encoding)",
        "peer's time (encoding)",
        "ratio (to LogisticRegressionCV)",
        "readout chosen out of fold",
    ]
    return table(head, rows)


def _times(side: Result) -> str:
    return f"{seconds(side['seconds']['all'])} ({seconds(side['seconds']['encoding'])})"


def hybrid(found: Result) -> str:
    rows = []
    for name, told in found["sets"].items():
        rungs = told["rungs"]
        rows.append(
            [
                NAMES[name],
                *(f"{rungs[rung]['accuracy']:.4f}" for rung in ("lexical", "probe", "hybrid")),
                f"{gain(told['gain_by_out_of_fold'])} over {told['better_by_out_of_fold']}",
                f"{gain(told['gain_by_accuracy'])} over {told['better_by_accuracy']}",
                told["auto"],
                "yes" if told["pays"] else "no",
            ]
        )
    pooled = found["pooled"]
    both = (gain(pooled[key]) for key in ("gain_by_out_of_fold", "gain_by_accuracy"))
    rows.append(["**pooled**", "", "", "", *(f"**{each}**" for each in both), "", ""])
    head = ["set", "TF-IDF", "probe", "hybrid", "gain over the better out of fold"]
    return table([*head, "gain over the better on test", "auto chose", "hybrid pays"], rows)


def second_start(found: Result) -> str:
    rows = [
        [
            NAMES[name],
            *(seconds(told[start]["seconds"]) for start in ("first", "second", "stored")),
            ", ".join(f"{step} {seconds(s)}" for step, s in told["second"]["inside"].items()),
            f"{told['second']['strategy']}, {told['second']['outcome']}",
        ]
        for name, told in found["sets"].items()
    ]
    head = ["1,000 rows of", "first start", "second start", "features stored"]
    return table([*head, "inside the second", "chosen, verdict"], rows)


def encoding(found: Result) -> str:
    rows = [
        [
            NAMES[name],
            *(f"{told['per_second'][who]:.0f}" for who in ("stored", "plain", "peer")),
            *(f"{told['ratio'][who]:.2f}" for who in ("stored", "plain")),
            f"{min(told['least_cosine'].values()):.6f}",
        ]
        for name, told in found["sets"].items()
    ]
    head = ["texts of", "ours, stored (texts/s)", "ours, not stored", "sentence-transformers"]
    return table([*head, "ratio, stored", "ratio, not stored", "least cosine"], rows)


def second_fit(found: Result) -> str:
    rows = [
        [
            NAMES[name] + (f", {told['rows']:,} rows" if told["rows"] else ""),
            *(f"{told[fit]['base_passes']:,}" for fit in ("first", "second")),
            *(seconds(told[fit]["store_seconds"]) for fit in ("first", "second")),
            f"{100 * told['saved']:.1f} %",
            *(seconds(told[fit]["seconds"]) for fit in ("first", "second")),
            str(told["second"]["other_rows_encoded"]),
        ]
        for name, told in found["sets"].items()
    ]
    head = [
        "set",
        "passes, first",
        "passes, second",
        "encoding, first",
        "encoding, second",
        "saved",
    ]
    head += ["whole fit, first", "whole fit, second", "rows of the load-back and latency checks"]
    return table(head, rows)


def verdict_wrong(found: Result) -> str:
    rows = [
        [
            f"{NAMES[name]}, {told['train']} / {told['test']} rows",
            str(told["resplits"]),
            str(told["outcomes"].get("helped", 0)),
            ", ".join(f"{word} {many}" for word, many in sorted(told["outcomes"].items())),
            ", ".join(str(each.get("helped", 0)) for each in told["outcomes_in_turn"].values()),
        ]
        for name, told in found["sets"].items()
    ]
    share = f"{found['helped_in_turn']} of {found['verdicts_in_turn']}"
    rows.append(["**both**", str(found["resplits"]), f"**{found['helped']}**", "", share])
    head = ["subset, train / test", "resplits", "“helped”", "all outcomes"]
    return table([*head, "“helped” with seed 0, 1, 2, 3 as the base"], rows)


def startup(found: Result) -> str:
    rows = [
        [
            f"`{name}`",
            seconds(found["median_seconds"][name]),
            seconds(found["slowest_seconds"][name]),
            ", ".join(found["imported"].get(name, [])) or "none",
        ]
        for name in found["median_seconds"]
    ]
    return table(["command", "median", "slowest", "torch, scikit-learn, numpy, … imported"], rows)


def line_soft_transfer(found: Result) -> list[list[str]]:
    pooled, told = found["pooled"], gain(found["pooled"]["difference"])
    return [
        [
            "`probe` against sentence-transformers + LogisticRegression, six sets",
            "pooled: lower bound ≥ −0.5 points, mean above 0",
            f"{told} points",
            reached(pooled, "quality"),
        ],
        [
            "its time",
            "≤ 1.1 × the peer's",
            f"{pooled['time_ratio']:.2f} ×",
            reached(pooled, "time"),
        ],
    ]


def line_hybrid(found: Result) -> list[list[str]]:
    pooled = found["pooled"]
    by_choice, by_test = pooled["gain_by_out_of_fold"], pooled["gain_by_accuracy"]
    wrongly = ", ".join(NAMES[name] for name in pooled["wrongly_chosen"]) or "nowhere"
    means = ("mean gain over the better out of fold", "mean gain over the better on test")
    return [
        [
            "`hybrid` against the better of probe and TF-IDF",
            "mean gain, with interval",
            f"{gain(by_choice)} points over the better out of fold, {gain(by_test)} over the "
            "better on test",
            reached(pooled, *means),
        ],
        [
            "`auto` on hybrid where it does not pay",
            "never",
            wrongly,
            reached(pooled, "never chosen where it does not pay"),
        ],
    ]


def line_second_start(found: Result) -> list[list[str]]:
    slowest = seconds(found["slowest_second_start"])
    name = "1,000 labelled rows: command to verdict and report, second start"
    return [[name, "≤ 60 s", f"{slowest} (slowest of {len(found['sets'])} sets)", reached(found)]]


def line_encoding(found: Result) -> list[list[str]]:
    ratios = {who: [f["ratio"][who] for f in found["sets"].values()] for who in ("stored", "plain")}
    told = (
        f"{min(ratios['stored']):.2f}–{max(ratios['stored']):.2f} × with all layers stored, "
        f"{min(ratios['plain']):.2f}–{max(ratios['plain']):.2f} × without storing"
    )
    name = "encoding in fp32 against sentence-transformers' default"
    both = ("throughput, stored", "throughput, not stored")
    return [
        [name, "≥ 1.15 × on every set", told, reached(found, *both)],
        [
            "its vectors",
            "cosine ≥ .9999",
            f"least {found['least_cosine']:.6f}",
            reached(found, "cosine"),
        ],
    ]


def line_second_fit(found: Result) -> list[list[str]]:
    told = f"{found['base_passes_of_second_fit']} passes, {100 * found['least_saved']:.1f} % saved"
    return [
        [
            "second fit on the same data",
            "0 base passes; ≥ 90 % of encoding saved",
            told,
            reached(found),
        ]
    ]


def line_verdict_wrong(found: Result) -> list[list[str]]:
    told = f"{found['helped']} of {found['resplits']}"
    name = "“helped”, told of random weights against random weights"
    return [[name, "≤ 15 of 200", told, reached(found)]]


def line_startup(found: Result) -> list[list[str]]:
    spent = found["median_seconds"]
    told = f"{seconds(spent['graftwork --help'])}, {seconds(spent['import graftwork'])}"
    wanted = "≤ 0.4 s each, no torch, no scikit-learn"
    return [["`graftwork --help`, `import graftwork`", wanted, told, reached(found)]]


TABLES: dict[str, tuple[Callable[[Result], str], Callable[[Result], list[list[str]]]]] = {
    "soft_transfer": (soft_transfer, line_soft_transfer),
    "hybrid": (hybrid, line_hybrid),
    "second_start": (second_start, line_second_start),
    "encoding": (encoding, line_encoding),
    "second_fit": (second_fit, line_second_fit),
    "verdict_wrong": (verdict_wrong, line_verdict_wrong),
    "startup": (startup, line_startup),
    **SURE,
    **SELECT,
    **DATA,
    **REFEREE,
    **IMAGES,
    **LONG,
}


def origin(results: dict[str, Result]) -> str:
    """Machines, versions and dates of the figures, and which was measured on which machine."""
    if not results:
        return "Nothing is measured yet."
    versions = next(iter(results.values()))["versions"]
    machines: dict[str, list[str]] = {}
    for name, found in results.items():
        for told in _machines(found):
            machines.setdefault(told, []).append(name)
    places = [
        told if len(machines) == 1 else f"{told} ({', '.join(names)})"
        for told, names in machines.items()
    ]
    days = sorted({found["date"][:10] for found in results.values()})
    named = ("graftwork", "python", "torch", "transformers", "scikit-learn")
    return (
        f"Measured {' and '.join(days)} on {'; on '.join(places)}; "
        + ", ".join(f"{name} {versions[name]}" for name in named if name in versions)
        + f". Sources {', '.join(sorted({found['sources'] for found in results.values()}))}."
    )


def _machines(found: Result) -> list[str]:
    """Where a bench was measured: on one machine, or its sets on one processor each."""
    sets = found.get("sets", {}).values()
    own = {each["processor"] for each in sets if isinstance(each, dict) and each.get("processor")}
    return [_machine(found["machine"] | {"cpu": cpu}) for cpu in sorted(own)] or [
        _machine(found["machine"])
    ]


def _machine(told: dict[str, Any]) -> str:
    memory = told["memory_bytes"] / 2**30
    return f"{told['cpu']}, {told['cores']} cores, {memory:.0f} GiB, {told['system']}"


def sections(results: dict[str, Result]) -> dict[str, str]:
    """Text by the name of the marker that it goes between."""
    head = ["measure", "to reach", "here", "reached"]
    lines = [line for name, found in results.items() for line in TABLES[name][1](found)]
    told = {"origin": origin(results), "summary": table(head, lines)}
    for name, (full, _) in TABLES.items():
        told[name] = full(results[name]) if name in results else "Not measured yet."
    return told


def filled(text: str, told: dict[str, str]) -> str:
    """`text` with what stands between each pair of markers replaced."""
    for name, content in told.items():
        pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, many = pattern.subn(lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text)
        if many != 1:
            raise SystemExit(f"{README} has {many} places for {name!r}, not one")
    return text


def read_results(*, quick: bool = False) -> dict[str, Result]:
    """What is measured, by the bench's name, in the order of the tables."""
    folder = WORK / "quick" / "results" if quick else BENCH / "results"
    files = {name: folder / f"{name}.json" for name in TABLES}
    return {n: json.loads(f.read_text("utf-8")) for n, f in files.items() if f.is_file()}


def main() -> int:
    quick = "--quick" in sys.argv
    told = sections(read_results(quick=quick))
    if quick:
        print("\n\n".join(told.values()))
        return 0
    before = README.read_text(encoding="utf-8")
    after = filled(before, told)
    if "--check" in sys.argv:
        return int(before != after)
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
