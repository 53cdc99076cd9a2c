"""`report/metrics.json`, value by value, against its schema."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

OUTCOMES = {"helped", "no-difference", "hurt", "undecidable"}
PARTS = {
    "task": str,
    "test": dict,
    "controls": dict,
    "verdict": dict,
    "chosen": (str, dict),
    "slices": dict,
    "cost": dict,
    "audit": dict,
}
VERDICT = {"outcome", "gain", "low", "high", "best_control", "sentence"}


def faults_of(metrics: dict[str, Any]) -> list[str]:
    """Where it departs from the schema, in words; [] where nowhere."""
    found = [f"{name} is missing" for name in PARTS if name not in metrics]
    found += [
        f"{name} is {type(metrics[name]).__name__}"
        for name, kind in PARTS.items()
        if name in metrics and not isinstance(metrics[name], kind)
    ]
    if found:
        return found
    found += _scores("test", metrics["test"])
    for name, scores in metrics["controls"].items():
        found += _scores(f"controls.{name}", scores)
    return found + _verdict(metrics["verdict"], metrics["controls"])


def _scores(where: str, scores: dict[str, Any]) -> list[str]:
    found = [] if scores else [f"{where} is empty"]
    for metric, score in scores.items():
        if set(score) != {"value", "low", "high"}:
            found.append(f"{where}.{metric} has {sorted(score)}")
        elif not all(_number(part) for part in score.values()):
            found.append(f"{where}.{metric} is {score}")
        elif not score["low"] - 1e-9 <= score["value"] <= score["high"] + 1e-9:
            found.append(f"{where}.{metric}: {score} is out of order")
    return found


def _verdict(verdict: dict[str, Any], controls: dict[str, Any]) -> list[str]:
    found = [f"verdict.{name} is missing" for name in sorted(VERDICT - set(verdict))]
    if found:
        return found
    if verdict["outcome"] not in OUTCOMES:
        found.append(f"verdict.outcome is {verdict['outcome']}")
    if verdict["best_control"] not in controls:
        found.append(f"verdict.best_control is {verdict['best_control']}")
    if not all(_number(verdict[name]) for name in ("gain", "low", "high")):
        found.append("verdict's figures are no numbers")
    elif not verdict["low"] <= verdict["gain"] <= verdict["high"]:
        found.append("verdict's figures are out of order")
    if not (isinstance(verdict["sentence"], str) and verdict["sentence"].endswith(".")):
        found.append(f"verdict.sentence is {verdict['sentence']!r}")
    return found


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@pytest.fixture
def metrics(fitted) -> dict[str, Any]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    content = (fitted / "report" / "metrics.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(content, parse_constant=refuse)
    return found


def test_follows_the_schema(metrics):
    assert faults_of(metrics) == []


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda m: m.pop("slices"), "slices is missing"),
        (lambda m: m["test"]["accuracy"].pop("low"), "test.accuracy has"),
        (lambda m: m["test"]["accuracy"].update(low=2.0), "out of order"),
        (lambda m: m["verdict"].update(outcome="great"), "verdict.outcome"),
        (lambda m: m["verdict"].update(best_control="nobody"), "best_control"),
        (lambda m: m["controls"].update(x={}), "controls.x is empty"),
    ],
)
def test_the_checker_finds_what_is_wrong(metrics, damage, word):
    damage(metrics)
    assert any(word in fault for fault in faults_of(metrics))


def test_controls_costs_and_slices_are_there(metrics):
    assert {"majority", "lexical", "random_weights"} <= set(metrics["controls"])
    cost = metrics["cost"]
    for name in ("seconds", "peak_memory_mb", "trainable_parameters", "latency_ms", "base_passes"):
        assert _number(cost[name]), name
    assert cost["seconds"] > 0
    assert set(metrics["slices"]) == {"channel"}
    groups = metrics["slices"]["channel"]["groups"]
    assert sum(group["n"] for group in groups) == metrics["n_test"]
    labels = metrics["labels"]
    assert labels == sorted(labels) == ["delivery", "login", "refund"]
    assert sum(map(sum, metrics["confusion"]["matrix"])) == metrics["n_test"]


def test_the_verdict_is_told_of_the_best_transfer(metrics):
    gain = metrics["verdict"]["gain"]
    best = metrics["verdict"]["best_control"]
    if best != "random_weights":  # that one is judged on rows of its own
        ours = metrics["transfer"]["test"][metrics["metric"]]["value"]
        theirs = metrics["controls"][best][metrics["metric"]]["value"]
        assert gain == pytest.approx(ours - theirs, abs=1e-9)


def test_scores_can_be_computed_again_from_the_predictions(fitted, metrics):
    from job_files import read_csv

    rows = read_csv(fitted / "report" / "predictions.csv")
    assert len(rows) == metrics["n_test"]
    right = sum(row["label"] == row["prediction"] for row in rows) / len(rows)
    assert metrics["test"]["accuracy"]["value"] == pytest.approx(right)
