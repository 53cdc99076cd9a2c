"""The card of a promoted base: the facts of `graftwork.json` in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graftwork.evaluation.card import markdown_table, safe
from graftwork.evaluation.report.format import (
    figure,
    metric_title,
    share_metric,
    span,
    text_of,
    thousands,
)

__all__ = ["promoted_card"]


def promoted_card(facts: Mapping[str, Any]) -> str:
    """Markdown with the front matter that model hubs read; no text of any row goes into it."""
    parts = (_head, _origin, _scores, _limits, _use)
    return "\n".join(line for part in parts for line in part(facts)).rstrip() + "\n"


def _head(facts: Mapping[str, Any]) -> list[str]:
    base = facts["base"]
    front = ["library_name: transformers"] if facts.get("loaders") else []
    # only what is a plain word can stand in YAML as it is
    for key, value in (("license", base.get("licence")), ("base_model", base.get("hub"))):
        if value and re.fullmatch(r"[\w.+-]+(/[\w.+-]+)?", str(value)):
            front.append(f"{key}: {str(value).lower() if key == 'license' else value}")
    front += ["tags:", "- graftwork", "- transfer-learning", "- feature-extraction"]
    return ["---", *front, "---", "", f"# {safe(facts['name'])}", "", safe(facts["about"]), ""]


def _origin(facts: Mapping[str, Any]) -> list[str]:
    base = facts["base"]
    licence = base.get("licence") or "not known here: ask where the base comes from"
    pairs = [
        ("run", facts["run_id"]),
        ("strategy", facts["strategy"]),
        ("settings", facts["settings"]),
        ("tuned to predict" if facts["tuned"] else "the run predicted", facts["target"]),
        ("base it began from", base["name"]),
        ("licence of that base", licence),
        ("source of that base", base.get("source")),
        ("fingerprint of that base", base.get("fingerprint")),
        *((f"data ({role}), SHA-256", digest) for role, digest in facts["data"].items()),
        ("promoted", facts["promoted"]),
        ("versions", facts["versions"]),
    ]
    rows = [[name, safe(text_of(value))] for name, value in pairs if value not in (None, "", {})]
    lines = ["## Where it comes from", "", *markdown_table(["what", "value"], rows)]
    earlier = base.get("promoted")
    while earlier:  # a promoted base of a promoted base: each begins where the one before ended
        lines += [f"- before that: {safe(earlier.get('about', earlier.get('name')))}"]
        earlier = (earlier.get("base") or {}).get("promoted")
    return [*lines, ""]


def _scores(facts: Mapping[str, Any]) -> list[str]:
    if not facts["scores"]:
        return ["Scores of the run are not known here.", ""]
    rows = [
        [metric_title(name), figure(x["value"], share_metric(name)), span(x, share_metric(name))]
        for name, x in facts["scores"].items()
    ]
    where = "rows, out of fold" if facts["scores_on"] == "out of fold" else "test rows"
    lines = [f"## What the run scored with it, on {thousands(facts['n_test'])} {where}", ""]
    lines += markdown_table(["metric", "value", "95 % interval"], rows)
    return [*lines, f"> {safe(facts['verdict'])}", ""] if facts["verdict"] else lines


def _limits(facts: Mapping[str, Any]) -> list[str]:
    notes = [
        "The scores are those of the run's task, with its head; on another task, measure anew."
    ]
    earlier = facts["base"].get("promoted") or {}
    if facts["tuned"] or earlier.get("tuned"):
        notes += [
            "Weights can remember what they were tuned on: treat them like the data.",
            "Rows that it was tuned on are no fair test of a later model on this base, whatever "
            "the label: `training_keys.safetensors` holds their hashes (BLAKE2b, no texts).",
        ]
    return ["## Know before use", "", *(f"- {note}" for note in notes), ""]


def _use(facts: Mapping[str, Any]) -> list[str]:
    command = "graftwork fit DATA --base PATH_OF_THIS_DIRECTORY"
    lines = ["## Use", "", "```", command, "```", ""]
    loaders = facts.get("loaders")
    if not loaders:
        return lines
    network, processor = loaders
    return [
        *lines,
        "```python",
        f"from transformers import {network}, {processor}",
        "",
        f'network = {network}.from_pretrained("PATH_OF_THIS_DIRECTORY")',
        f'processor = {processor}.from_pretrained("PATH_OF_THIS_DIRECTORY")',
        "```",
        "",
    ]
