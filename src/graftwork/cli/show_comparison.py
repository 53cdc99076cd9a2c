"""A comparison for people: the sentence, contestants, pairs, coverage, and who wins where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graftwork.cli.show import score_text
from graftwork.cli.text import printable

__all__ = ["comparison_parts"]

_PAIRS = 15
_RATES = 4  # columns that fit
_NAMED = 3  # classes named of one winner


def comparison_parts(found: dict[str, Any]) -> list[Any]:
    """What `compare` says on a terminal."""
    parts: list[Any] = [found["sentence"], "", _contestants(found)]
    if found["pairs"]:
        parts += ["", _pairs(found)]
    more = len(found["pairs"]) - _PAIRS
    if more > 0:
        parts.append(f"{more:,} more pairs: see the page (--out) or --json")
    covering = [each for each in found["contestants"] if each["coverage"]]
    if covering:
        parts += ["", _coverage(covering)]
    return [*parts, "", *_winners(found), *_remarks(found)]


def _table(*heads: str) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, head in enumerate(heads):
        table.add_column(Text(head), justify="right" if place else "left", no_wrap=place > 0)
    return table


def _contestants(found: dict[str, Any]) -> Any:
    from rich.text import Text

    from graftwork.evaluation.referee.cost import money

    heads = ["contestant", "accuracy (95 %)", "macro-F1", "no label", "no answer"]
    metric = found["metric"].replace("-", "_")
    other = metric not in ("accuracy", "macro_f1")
    heads += [metric.replace("_", " ")] if other else []
    table = _table(*heads, "cost of a million rows")
    for each in found["contestants"]:
        answers, price = each["answers"], each["price"]
        cells = [
            each["name"],
            score_text(each["scores"]["accuracy"]),
            f"{each['scores']['macro_f1']['value']:.3f}",
            f"{answers['outside']:,}",
            f"{answers['empty']:,}",
        ]
        cells += [score_text(each["scores"][metric])] if other else []
        cells.append("–" if price is None else f"{money(price['value'])} ({price['source']})")
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _pairs(found: dict[str, Any]) -> Any:
    from rich.text import Text

    from graftwork.evaluation.referee.sentence import outcome_words, p_words

    table = _table("pair", "difference, points (95 %)", "p (Holm)", "same answer", "outcome")
    for pair in found["pairs"][:_PAIRS]:
        apart = pair["difference"]
        cells = [
            f"{pair['a']} − {pair['b']}",
            _points(apart),
            p_words(pair["p_holm"]),
            f"{100 * pair['agreement']:.1f} %",
            outcome_words(pair),
        ]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _coverage(covering: Sequence[Mapping[str, Any]]) -> Any:
    """How much each answers at a rate of errors, and how much of that was wrong indeed."""
    from rich.text import Text

    rates = [f"at most {100 * row['rate']:g} %" for row in covering[0]["coverage"][:_RATES]]
    table = _table("answered (wrong of these)", *rates)
    for each in covering:
        cells = [each["name"], *map(_covered, each["coverage"][:_RATES])]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _covered(row: Mapping[str, Any]) -> str:
    if not row["coverage"]:
        return "none"
    return f"{100 * row['coverage']:.1f} % ({100 * row['errors']['value']:.1f} %)"


def _winners(found: Mapping[str, Any]) -> list[str]:
    """Who finds most of how many classes and slices, and where that is beyond chance."""
    parts = [("class", "label", found["classes"])]
    parts += [(name, "value", rows) for name, rows in found["slices"].items()]
    return [_won(kind, key, rows) for kind, key, rows in parts if rows]


def _won(kind: str, key: str, rows: Sequence[Mapping[str, Any]]) -> str:
    won = {name: [row for row in rows if row["best"] == name] for name in rows[0]["right"]}
    said = [f"{name} in {len(mine):,} ({_clear(mine, key)})" for name, mine in won.items() if mine]
    ties = sum(row["best"] is None for row in rows)
    said += [f"a tie in {ties:,}"] if ties else []
    return printable(f"Most right answers by {kind} ({len(rows):,}): {'; '.join(said)}.")


def _clear(won: Sequence[Mapping[str, Any]], key: str) -> str:
    clear = [str(row[key]) for row in won if row["clear"]]
    more = f" and {len(clear) - _NAMED:,} more" if len(clear) > _NAMED else ""
    return f"beyond chance in {', '.join(clear[:_NAMED]) or 'none'}{more}"


def _points(found: dict[str, Any]) -> str:
    if found["low"] is None or found["high"] is None:
        return f"{100 * found['value']:+.1f}"
    low, high = 100 * found["low"], 100 * found["high"]
    return f"{100 * found['value']:+.1f} ({low:+.1f} to {high:+.1f})"


def _remarks(found: dict[str, Any]) -> list[str]:
    told = [f"Judged on {found['judged']:,} of {found['n']:,} labelled rows."]
    if found["apart"]["left_out"]:
        told.append(
            f"{found['apart']['left_out']:,} rows were trained on by one of them; "
            "they judge nobody."
        )
    elif found["apart"]["flagged"]:
        told.append("Every row was trained on by one of them: these figures flatter it.")
    for each in found["contestants"]:
        respelt = each["answers"]["respelt"]
        if respelt:
            told.append(
                f"{each['name']}: {respelt:,} answers differ from a label in spelling alone and "
                "count as wrong; --spelling reads them as the label."
            )
    told.append(f"{found['differences']['n']:,} rows are not answered alike by all.")
    return told
