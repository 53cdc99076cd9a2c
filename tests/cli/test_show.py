from __future__ import annotations

import json

from graftwork.cli.session import Session
from graftwork.cli.show import mapping_text, metrics_parts, score_text, things_text
from graftwork.cli.text import plain, printable

METRICS = {
    "task": "classification",
    "metric": "macro_f1",
    "n_test": 1240,
    "chosen": {"name": "probe", "title": "frozen [b]MiniLM[/b]", "is_transfer": True},
    "test": {
        "accuracy": {"value": 0.9123, "low": 0.894, "high": 0.93},
        "macro_f1": {"value": 0.9, "low": 0.88, "high": 0.92},
    },
    "controls": {"lexical": {"accuracy": {"value": 0.85, "low": None, "high": None}}},
    "control_info": {"lexical": {"title": "TF-IDF [i]x[/i]", "n": 1000}},
    "verdict": {"outcome": "helped", "sentence": "Transfer helped: by [6.2] points."},
    "slices": {
        "channel": {
            "worst": "chat",
            "groups": [
                {"value": "mail", "n": 900, "worst": False, "macro_f1": {"value": 0.95}},
                {"value": "chat", "n": 340, "worst": True, "macro_f1": {"value": 0.7}},
            ],
        }
    },
    "contamination": {"checked": True, "flagged": 3, "test": {"macro_f1": {"value": 0.89}}},
    "without": {
        "rows that are also in training": {
            "checked": True,
            "flagged": 5,
            "test": {"macro_f1": {"value": 0.81}},
        }
    },
    "openings": 2,
    "audit": {
        "findings": [
            {"severity": "warning", "message": "3 rows have no label"},
            {"severity": "info", "message": "the delimiter is a comma"},
        ]
    },
}


def test_the_verdict_stands_first_and_nothing_is_markup(capsys):
    Session(as_json=False, quiet=True).result(METRICS, *metrics_parts(METRICS))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "Transfer helped: by [6.2] points.",
        "",
        "Chosen: frozen [b]MiniLM[/b]",
    ]
    assert [line.split("  ")[0] for line in lines[4:7]] == [
        "on 1,240 test rows (95 % interval)",
        "frozen [b]MiniLM[/b]",
        "control: TF-IDF [i]x[/i], on 1,000 rows",
    ]
    assert lines[4].index("macro f1") < lines[4].index("accuracy")
    assert "0.912 (0.894 to 0.930)" in lines[5]
    assert "0.850" in lines[6]
    assert lines[8:] == [
        "- worst slice of channel: chat, 0.700 on 340 rows",
        "- 3 rows were in the training data; without them macro_f1 is 0.890",
        "- without the 5 rows that are also in training, macro_f1 is 0.810",
        "- this test part had been opened 2 times before",
        "- 3 rows have no label",
    ]


def test_the_best_transfer_has_a_row_where_another_model_is_kept(capsys):
    kept = {"name": "lexical", "title": "TF-IDF", "is_transfer": False}
    transfer = {"title": "MiniLM", "test": {"accuracy": {"value": 0.5}}}
    told = {**METRICS, "chosen": kept, "transfer": transfer}
    Session(as_json=False, quiet=True).result(told, *metrics_parts(told))
    assert "best transfer: MiniLM" in capsys.readouterr().out


def test_json_is_all_there_is_on_stdout(capsys):
    session = Session(as_json=True, quiet=True)
    with session.working():
        print("a library that prints")
    session.result(METRICS, *metrics_parts(METRICS))
    out, err = capsys.readouterr()
    assert json.loads(out) == METRICS
    assert err == "a library that prints\n"


def test_scores_without_value_or_interval():
    assert score_text({"value": None}) == "–"
    assert score_text(None) == "–"
    assert score_text({"value": 0.5}) == "0.500"


def test_things_are_listed_with_their_other_names():
    things = [
        {"name": "probe", "title": "a linear head", "aliases": ["soft"], "source": "a paper"},
        {"name": "lexical", "title": "TF-IDF"},
    ]
    assert things_text(things).splitlines() == [
        "probe    a linear head (also: soft) [a paper]",
        "lexical  TF-IDF",
    ]
    assert things_text([]) == "(none)"


def test_mappings_are_indented_lines():
    value = {"n_layers": 7, "facts": {"size": 22700000, "local": True}, "poolings": ["mean"]}
    assert mapping_text(value).splitlines() == [
        "n layers: 7",
        "facts:",
        "  size: 22,700,000",
        "  local: yes",
        "poolings: mean",
    ]


def test_plain_and_printable(tmp_path):
    import numpy as np

    value = {1: np.float32(0.5), "nan": float("nan"), "a": np.arange(2), "p": tmp_path, "t": (1,)}
    assert plain(value) == {"1": 0.5, "nan": None, "a": [0, 1], "p": str(tmp_path), "t": [1]}
    assert printable("a\tb\nc\x07\u202e") == "a\tb\nc��"
