"""The tables and summary lines of the long benches (run_long.sh)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cells import NAMES, Result, gain, points, reached, seconds, table

__all__ = ["LONG", "processors", "times"]

PEERS = {"setfit": "SetFit", "fastfit": "FastFit", "autointent": "AutoIntent"}
FEW = {"probe": "`probe`"} | PEERS  # what few_labels sets `auto` against
TITLES = PEERS | {"trainer": "Trainer (full fine-tuning)"}


def hard_transfer(found: Result) -> str:
    rows = []
    for name, told in found["sets"].items():
        ours, peer = told["ours"], told["peer"]
        rows.append(
            [
                NAMES[name],
                f"{ours['accuracy']:.4f}",
                f"{peer['accuracy']:.4f}",
                gain(told["difference"]),
                f"{seconds(ours['seconds']['whole run'])} ({_evidence(ours)})",
                seconds(peer["seconds"]["all"]),
                f"{told['time_ratio']:.2f} ({told['time_ratio_without_evidence']:.2f})",
                ours["strategy"],
                f"{peer['rate']:g}",
            ]
        )
    pooled = found["pooled"]
    rows.append(
        [
            f"**{pooled['sets']} sets, pooled**",
            *[""] * 2,
            f"**{gain(pooled['difference'])}**",
            seconds(pooled["ours_seconds"]),
            seconds(pooled["peer_seconds"]),
            f"**{pooled['time_ratio']:.2f}** ({pooled['time_ratio_without_evidence']:.2f})",
            *[""] * 2,
        ]
    )
    head = ["set", "`auto`", "Trainer", "difference in points (95 %)"]
    head += ["our whole run (of it controls and report)", "Trainer's time"]
    told = table([*head, "ratio (evidence apart)", "`auto` ended on", "Trainer's rate"], rows)
    return told + processors(found)


def processors(found: Result) -> str:
    """Which sets were measured on which processor; nothing where all were on the last one."""
    where: dict[str | None, list[str]] = {}
    for name, told in found["sets"].items():
        where.setdefault(told.get("processor"), []).append(NAMES[name])
    mixed = where.pop(None, [])
    told = ""
    if where and (len(where) > 1 or [*where] != [found["machine"]["cpu"]]):
        places = "; ".join(f"{', '.join(names)}: {each}" for each, names in where.items())
        told += f"\n\nBoth sides of a set were measured on one processor. {places}."
    if mixed:
        told += (
            f"\n\nTheir times are not to be compared, of several processors: {', '.join(mixed)}."
        )
    return told


def _evidence(side: Result) -> str:
    return seconds(side["seconds"]["controls"] + side["seconds"]["report"])


def few_labels(found: Result) -> str:
    parts = []
    for side, peer in found["peers"].items():
        rows = [_few_row(cell, told) for cell, told in peer["cells"].items()]
        rows.append(
            [
                "**pooled**",
                str(peer["draws"]),
                *[""] * 2,
                f"**{gain(peer['difference'])}**",
                *[""] * 2,
                _ratios(peer["time_ratio"], peer["time_ratio_whole_run"], "**"),
            ]
        )
        head = ["labels", "draws", "`auto`", FEW[side], "difference in points (95 %)"]
        head += ["our time", "its time", "ratio (with our controls and report)"]
        parts.append(table(head, rows))
    return "\n\n".join(parts)


def _few_row(cell: str, told: Result) -> list[str]:
    name, _, per_class = cell.rpartition("-")
    took = told["times"]
    return [
        f"{NAMES[name]}, {per_class} a class",
        str(told["draws"]),
        f"{told['ours']:.4f}",
        f"{told['peer']:.4f}",
        gain(told["difference"]),
        seconds(took["ours"]) if took else "",
        seconds(took["peer"]) if took else "",
        _ratios(took["ours"] / took["peer"], took["whole"] / took["peer"]) if took else "",
    ]


def _ratios(bare: float | None, whole: float | None, mark: str = "") -> str:
    """Of our time to a peer's, and with our controls and report; nothing where there is none."""
    return "" if bare is None else f"{mark}{bare:.2f}{mark} ({whole:.2f})"


def cached_epoch(found: Result) -> str:
    rows = [
        [
            f"{NAMES[name]}, {told['cached']['rows']:,} rows",
            seconds(told["filling"]),
            seconds(told["cached"]["seconds"]),
            seconds(told["full"]["seconds"]),
            f"{told['ratio']:.2f}",
            f"{told['ratio_over_4']:.2f}",
        ]
        for name, told in found["sets"].items()
    ]
    head = ["set", "filling the cache, once", "epoch of the top 2", "epoch of all 6"]
    return table([*head, "ratio", "ratio over 4 epochs, filling included"], rows)


def regret(found: Result) -> str:
    rows = []
    for cell, told in found["cells"].items():
        name, _, size = cell.rpartition("-")
        runs = told["runs"]
        rows.append(
            [
                f"{NAMES[name]}, {'all labels' if size == 'all' else size + ' a class'}",
                f"{runs['auto']['train']:,}",
                f"{runs['auto']['accuracy']:.4f} ({runs['auto']['strategy']})",
                " / ".join(dict.fromkeys(told["best_single"])),
                points(told["regret"]["value"]),
                f"{100 * told['share_of_time']:.0f} %",
            ]
        )
    pooled = found["pooled"]
    share = f"**{100 * pooled['share_of_time']:.0f} %**"
    rows.append([f"**{pooled['sets']} sets**", "", "", "", f"**{gain(pooled['regret'])}**", share])
    head = ["set and labels", "rows", "`auto` (ended on)", "best single one, by each half"]
    text = table([*head, "regret in points", "its time of theirs"], rows)
    missing = found.get("left_out", [])
    if not missing:
        return text
    return f"{text}\n\nLeft out, as it was not installed: {', '.join(missing)}."


def peers_status(found: Result) -> str:
    rows = [
        [
            TITLES[name],
            ", ".join(f"{p} {v}" for p, v in told["versions"].items()) or "not installed",
            "yes" if told["ran"] else "**no**",
            "<br>".join(f"{way}: {word}" for way, word in told["said"].items()),
        ]
        for name, told in found["peers"].items()
    ]
    return table(["peer", "versions", "runs offline with our base", "what happened"], rows)


def line_hard_transfer(found: Result) -> list[list[str]]:
    pooled = found["pooled"]
    worst = min(found["sets"].items(), key=lambda item: item[1]["difference"]["value"])
    slowest = max(told["time_ratio"] for told in found["sets"].values())
    return [
        [
            f"`auto` against Trainer (full fine-tuning), all labels of {pooled['sets']} sets",
            "pooled: lower bound ≥ −0.5 points; no set's mean below −2",
            f"{gain(pooled['difference'])} points; lowest {points(worst[1]['difference']['value'])}"
            f" ({NAMES[worst[0]]})",
            so_far(reached(pooled, "pooled", "every set"), pooled, "sets"),
        ],
        [
            "its whole run's time",
            "≤ 0.4 × Trainer's, no set above 0.8 ×",
            f"{pooled['time_ratio']:.2f} ×, at most {slowest:.2f} ×",
            so_far(reached(pooled, "time", "time on every set"), pooled, "sets"),
        ],
        [
            f"its {pooled['epochs']} epochs, seconds against the forecast",
            "within ± 25 % in ≥ 90 %",
            _share(pooled["epochs_as_foretold"]),
            reached(pooled, "forecast"),
        ],
        [
            "checkpoints, share of its time",
            "≤ 5 %",
            f"{100 * pooled['checkpoint_share']:.1f} %",
            reached(pooled, "checkpoints"),
        ],
    ]


def _share(value: float | None) -> str:
    return "no epoch was run" if value is None else f"{100 * value:.0f} %"


def line_few_labels(found: Result) -> list[list[str]]:
    lines = []
    for side, told in found["peers"].items():
        if side not in PEERS:
            continue
        lines.append(
            [
                f"8 and 16 a class: `auto` against {PEERS[side]}, {told['draws']} draws",
                "pooled: lower bound ≥ −1 point, mean above 0",
                f"{gain(told['difference'])} points",
                so_far(reached(told, "quality"), told, "draws"),
            ]
        )
        if side == "setfit":
            timed = told | {"draws": told["timed_draws"]}
            ended = so_far(reached(told, "time"), timed, "draws")
            lines.append(["its time", "≤ 0.1 × SetFit's", times(told["time_ratio"]), ended])
    return lines


def line_cached_epoch(found: Result) -> list[list[str]]:
    told = ", ".join(f"{NAMES[n]} {each['ratio']:.2f} ×" for n, each in found["sets"].items())
    name = "one epoch of the top 2 of 6 layers from the cache"
    return [[name, "≤ 0.35 × a full epoch", told, reached(found)]]


def line_regret(found: Result) -> list[list[str]]:
    pooled = found["pooled"]
    told = f"{gain(pooled['regret'])} points, {100 * pooled['share_of_time']:.0f} % of the time"
    sizes = ", ".join(dict.fromkeys(cell.rpartition("-")[2] for cell in found["cells"]))
    name = f"regret of `auto` against the best single strategy, {pooled['sets']} sets"
    ended = so_far(reached(pooled), pooled, "cells")
    told_of = f"{name}, labels a class: {sizes}"
    return [[told_of, "upper bound of the mean ≤ 1 point", told, ended]]


def so_far(ended: str, told: Result, what: str) -> str:
    """Whether it was reached, and of how much of the bench that is told."""
    done, whole = told[what], told["of"]
    return ended if done >= whole else f"{ended}, on {done} of {whole} {what}"


def times(ratio: float | None) -> str:
    """A ratio of times; nothing where none was measured on one processor."""
    return "" if ratio is None else f"{ratio:.2f} ×"


def line_nothing(found: Result) -> list[list[str]]:
    return []


Pair = tuple[Callable[[Any], str], Callable[[Any], list[list[str]]]]
LONG: dict[str, Pair] = {
    "hard_transfer": (hard_transfer, line_hard_transfer),
    "few_labels": (few_labels, line_few_labels),
    "cached_epoch": (cached_epoch, line_cached_epoch),
    "regret": (regret, line_regret),
    "peers_status": (peers_status, line_nothing),
}
