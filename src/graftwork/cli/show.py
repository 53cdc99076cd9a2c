"""Results for people: the verdict first, then the scores, then what to look at."""

from __future__ import annotations

from typing import Any

from graftwork.cli.text import plain, printable

__all__ = [
    "mapping_text",
    "metrics_parts",
    "run_parts",
    "score_text",
    "seconds_text",
    "things_text",
]

_NOTES = 8  # warnings of the audit that are shown


def seconds_text(seconds: float) -> str:
    """A duration: ``0.8 s``, ``12 s``, ``3 min 5 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def score_text(score: Any) -> str:
    """A score with its interval: ``0.912 (0.894 to 0.930)``; a dash where there is none."""
    if not isinstance(score, dict) or score.get("value") is None:
        return "–"
    low, high = score.get("low"), score.get("high")
    interval = f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
    return f"{score['value']:.3f}{interval}"


def run_parts(run: Any) -> list[Any]:
    """What a finished run shows: first for machines, then for people."""
    report = run.path / "report" / "report.html"
    payload = {**run.report, "run": str(run.path), "report": str(report)}
    parts = metrics_parts(run.report)
    parts += [f"Model:  {run.path / 'model'}", f"Report: {report}"]
    return [payload, *parts]


def metrics_parts(metrics: dict[str, Any]) -> list[Any]:
    """The readable face of `metrics.json`: verdict, what was chosen, scores, what to look at."""
    parts: list[Any] = []
    sentence = (metrics.get("verdict") or {}).get("sentence")
    if sentence:
        parts += [sentence, ""]
    chosen = metrics.get("chosen")
    about = chosen if isinstance(chosen, dict) else {"title": chosen or "the model"}
    title = str(about.get("title") or about.get("name") or "the model")
    if chosen:
        reason = f" ({about['reason']})" if about.get("reason") else ""
        parts.append(f"Chosen: {title}{reason}")
    if metrics.get("test"):
        parts += ["", _scores(metrics, title), ""]
    remarks = [*_slices(metrics), *_cautions(metrics), *_data(metrics)]
    remarks += _audit(metrics.get("audit") or {})
    return parts + [f"- {remark}" for remark in remarks]


def _scores(metrics: dict[str, Any], chosen: str) -> Any:
    """A table: a row for the model and for each control, a column for each metric."""
    from rich.table import Table
    from rich.text import Text

    first = metrics.get("metric")
    order = sorted(metrics["test"], key=lambda name: name != first)
    names = [name for name in order if isinstance(metrics["test"][name], dict)][:3]
    n = metrics.get("n_test")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"{_where(metrics, n)} (95 % interval)" if n else "on the test rows")
    for name in names:
        table.add_column(Text(printable(name.replace("_", " "))), no_wrap=True)
    for row, (label, scores) in enumerate(_rows(metrics, chosen)):
        cells = [Text(score_text(scores.get(metric))) for metric in names]
        table.add_row(Text(printable(label)), *cells, style="bold" if row == 0 else None)
    return table


def _where(metrics: dict[str, Any], n: int) -> str:
    """What the scores were read on."""
    out_of_fold = metrics.get("evidence") == "out of fold"
    return f"out of fold, on {n:,} rows" if out_of_fold else f"on {n:,} test rows"


def _rows(metrics: dict[str, Any], chosen: str) -> list[tuple[str, dict[str, Any]]]:
    """Who was scored: the model, the best transfer where that is another, the controls."""
    rows = [(chosen, metrics["test"])]
    about = metrics.get("chosen")
    transfer = metrics.get("transfer") or {}
    if isinstance(about, dict) and about.get("is_transfer") is False and transfer.get("test"):
        rows.append((f"best transfer: {transfer.get('title', '')}", transfer["test"]))
    for name, scores in (metrics.get("controls") or {}).items():
        info = (metrics.get("control_info") or {}).get(name) or {}
        fewer = info.get("n") not in (None, metrics.get("n_test"))
        where = f", on {info['n']:,} rows" if fewer else ""
        rows.append((f"control: {info.get('title') or name}{where}", scores))
    return rows


def _slices(metrics: dict[str, Any]) -> list[str]:
    lines = []
    for column, found in (metrics.get("slices") or {}).items():
        for group in found.get("groups", ()):
            if group.get("worst"):
                score = score_text(group.get(metrics.get("metric", "accuracy")))
                rows = f"{group['n']:,} rows"
                lines.append(f"worst slice of {column}: {group['value']}, {score} on {rows}")
    return lines


def _cautions(metrics: dict[str, Any]) -> list[str]:
    lines = []
    metric = metrics.get("metric", "accuracy")
    contamination = metrics.get("contamination") or {}
    if contamination.get("flagged"):
        without = (contamination.get("test") or {}).get(metric)
        rest = f"; without them {metric} is {score_text(without)}" if without else ""
        lines.append(f"{contamination['flagged']:,} rows were in the training data{rest}")
    for words, found in (metrics.get("without") or {}).items():
        without = (found.get("test") or {}).get(metric)
        if without:
            count = f"{found['flagged']:,} {words}"
            lines.append(f"without the {count}, {metric} is {score_text(without)}")
    if metrics.get("openings"):
        times = "once" if metrics["openings"] == 1 else f"{metrics['openings']:,} times"
        lines.append(f"this test part had been opened {times} before")
    return lines


def _data(metrics: dict[str, Any]) -> list[str]:
    """Labels to look at, and what more of them would bring."""
    lines = []
    errors, curve = metrics.get("label_errors") or {}, metrics.get("learning_curve") or {}
    chosen = metrics.get("chosen")
    kept = chosen.get("title") if isinstance(chosen, dict) else chosen
    if errors.get("suspected"):
        rows = f"{errors['suspected']:,} of {errors['rows_looked_at']:,} labels"
        where = "they are in the report and in label_errors.csv"
        if errors.get("many"):
            lines.append(f"{rows} look wrong to the model, too many to be mistakes alone: {where}")
        else:
            lines.append(f"{rows} may be wrong: {where}")
    if curve.get("twice"):
        sentence = str(curve["sentence"])
        of = curve.get("of")
        other = f" (the curve of {of}, not of the model kept)" if of and of != kept else ""
        lines.append(sentence[:1].lower() + sentence[1:].removesuffix(".") + other)
    return lines


def _audit(audit: dict[str, Any]) -> list[str]:
    """What the audit warns of; its remarks are in the report."""
    told = [
        str(finding.get("message"))
        for finding in audit.get("findings", ())
        if isinstance(finding, dict) and finding.get("severity") in ("error", "warning")
    ]
    more = [f"{len(told) - _NOTES:,} more in the report"] if len(told) > _NOTES else []
    return told[:_NOTES] + more


def things_text(things: list[dict[str, Any]]) -> str:
    """Registered things, a line each: name, title, other names, source."""
    if not things:
        return "(none)"
    width = max(len(str(thing["name"])) for thing in things)
    lines = []
    for thing in things:
        also = ", ".join(thing.get("aliases") or ())
        words = str(thing.get("title", ""))
        words += f" (also: {also})" if also else ""
        words += f" [{thing['source']}]" if thing.get("source") else ""
        lines.append(f"{thing['name']!s:<{width}}  {words}")
    return "\n".join(lines)


def mapping_text(value: dict[str, Any], depth: int = 0) -> str:
    """Nested values as indented ``key: value`` lines; a ready ``text`` is taken as it is."""
    if depth == 0 and isinstance(value.get("text"), str):
        return str(value["text"])
    pad = "  " * depth
    lines = []
    for key, item in plain(value).items():
        label = str(key).replace("_", " ")
        if isinstance(item, dict) and item:
            lines += [f"{pad}{label}:", mapping_text(item, depth + 1)]
        elif isinstance(item, list) and any(isinstance(one, dict) for one in item):
            lines.append(f"{pad}{label}:")
            lines += [f"{pad}  - {_on_one_line(one)}" for one in item]
        else:
            lines.append(f"{pad}{label}: {_on_one_line(item)}")
    return "\n".join(lines)


def _on_one_line(item: Any) -> str:
    if isinstance(item, dict):
        return ", ".join(f"{key}: {_on_one_line(one)}" for key, one in item.items())
    if isinstance(item, list):
        return ", ".join(_on_one_line(one) for one in item) or "–"
    if isinstance(item, bool):
        return "yes" if item else "no"
    if item is None:
        return "–"
    return f"{item:,}" if isinstance(item, int) else str(item)
