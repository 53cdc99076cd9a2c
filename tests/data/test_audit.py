from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from graftwork.data.audit import Audit, Finding
from graftwork.data.build import build
from graftwork.data.dataset import Dataset
from graftwork.data.read import read
from graftwork.data.schema import resolve_schema
from graftwork.errors import DataError
from graftwork.modalities.text import Text


def audited(source: object, *, strict: bool = False, **names: object) -> tuple[Dataset, Audit]:
    table = read(source)
    names = {"target": "label", "inputs": ["text"], **names}
    schema = resolve_schema(table, **names)  # type: ignore[arg-type]
    return build(
        table,
        schema,
        modality="text",
        strict=strict,
        near_duplicates=Text().near_duplicates,
    )


def numbered(n: int) -> list[str]:
    words = [
        "ash",
        "bay",
        "cod",
        "dew",
        "elm",
        "fog",
        "gum",
        "hay",
        "ivy",
        "jam",
        "kelp",
        "lime",
        "moss",
        "nut",
        "oak",
        "pine",
        "rye",
        "sage",
        "tea",
        "yew",
    ]
    draw = random.Random(5)
    return [" ".join(draw.choices(words, k=8)) + f" {i}" for i in range(n)]


@pytest.mark.parametrize("seed", range(30))
def test_rows_in_are_used_quarantined_or_dropped(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    lines = []
    for _ in range(draw.randint(1, 60)):
        cells = [draw.choice(["hello", "", "  ", "\u200b", '"a\nb"', "NA"]) for _ in range(2)]
        line = draw.choice([",".join(cells)] * 6 + ["x,y,z", "one", "", '"q"x,y'])
        lines.append(line)
    lines.append("the end,yes")
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    records = len(lines)
    dataset, audit = audited(path)
    a = audit.accounting
    assert a["rows_in"] == a["used"] + a["quarantined"] + a["dropped"] == records
    assert a["used"] == len(dataset) == len(dataset.keys) == len(dataset.inputs["text"])
    kinds = [row.kind for row in audit.set_aside]
    assert kinds.count("quarantined") == a["quarantined"]
    assert len({row.row for row in audit.set_aside} | set(dataset.rows.tolist())) == records
    assert all(text.strip("\u200b \n") for text in dataset.inputs["text"])
    assert Audit.from_json(json.loads(json.dumps(audit.to_json()))) == audit


def test_what_was_read_how(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    body = "text;label\na b;x\nragged\nc d;y\n;x\ne f;\n"
    path.write_bytes(b"\xef\xbb\xbf" + body.encode())
    dataset, audit = audited(path)
    assert dataset.rows.tolist() == [2, 4]
    kinds = {finding.kind: finding for finding in audit.findings}
    assert {"encoding", "bom", "delimiter", "ragged", "blank_input", "missing_label"} <= set(kinds)
    assert kinds["ragged"].rows == (3,)
    assert kinds["blank_input"].rows == (5,)
    assert kinds["missing_label"].rows == (6,)
    assert audit.source["sha256"] == read(path).source.sha256
    assert "5 rows in = 2 used + 2 quarantined + 1 dropped" in audit.to_text()


def test_labels() -> None:
    labels = ["Pos"] * 30 + ["pos "] * 9 + ["neg"] * 30 + ["odd"] + ["few"] * 5
    dataset, audit = audited({"text": numbered(75), "label": labels})
    assert dataset.target == labels
    assert audit.of("label_spelling")[0].data["spellings"] == {"Pos": 30, "pos ": 9}
    assert audit.of("label_spelling")[0].rows == tuple(range(31, 40))
    assert audit.of("single_row_class")[0].rows == (70,)
    assert audit.of("rare_class")[0].data["classes"] == {"few": 5}
    tested = {label for label, part in zip(labels, dataset.parts, strict=True) if part == "test"}
    lacking = set(labels) - tested
    named = {name for found in audit.of("no_test_rows") for name in found.data["classes"]}
    assert named == lacking


def test_duplicates_and_conflicts() -> None:
    text = numbered(40)
    text[10] = "  " + text[3]
    long = "the quick brown fox jumps over the lazy dog and runs away from the farm"
    text[20], text[21] = long, long.replace("lazy", "lazi") + "!"
    labels = ["a", "b"] * 20
    _, audit = audited({"text": text, "label": labels})
    assert audit.of("exact_duplicates")[0].rows == (11,)
    assert audit.of("near_duplicates")[0].rows == (22,)
    (conflict,) = audit.of("label_conflicts")
    assert conflict.rows == (4, 11)
    assert conflict.data["labels"] == ["b", "a"]


def test_leaks() -> None:
    draw = random.Random(1)
    labels = [draw.choice(["refund", "login", "card"]) for _ in range(200)]
    code = {"refund": "7", "login": "8", "card": "9"}
    columns = {
        "text": [f"{text} {label}" for text, label in zip(numbered(200), labels, strict=True)],
        "label": labels,
        "code": [code[label] for label in labels],
        "channel": [draw.choice(["web", "mail"]) for _ in labels],
        "id": [str(i) for i in range(200)],
    }
    _, audit = audited(columns)
    assert [found.field for found in audit.of("leak")] == ["code"]
    assert audit.of("label_in_input")[0].field == "text"
    columns["text"] = numbered(200)
    _, audit = audited(columns)
    assert not audit.of("label_in_input")


def test_a_group_that_straddles_a_given_split_is_named() -> None:
    n = 40
    columns = {
        "text": numbered(n),
        "label": ["a", "b"] * (n // 2),
        "user": ["u1"] * 10 + [f"v{i}" for i in range(29)] + ["u1"],
        "part": ["train"] * 30 + ["test"] * 10,
    }
    _, audit = audited(columns, group="user", split="part")
    (found,) = audit.of("group_straddles")
    assert found.rows == (40,)
    _, audit = audited(columns)
    assert audit.of("unused_split")[0].field == "part"


@pytest.mark.parametrize(
    ("labels", "kind", "words"),
    [(["", " ", ""], "no_labels", "no row"), (["x"] * 3, "one_class", "'x'")],
)
def test_errors_refuse_a_fit(labels: list[str], kind: str, words: str) -> None:
    columns = {"text": ["a b", "c d", "e f"], "label": labels}
    _, audit = audited(columns)
    assert audit.errors[0].kind == kind
    with pytest.raises(DataError, match=words) as caught:
        audited(columns, strict=True)
    assert caught.value.faults[0].field == "label"


def test_rows_without_a_target() -> None:
    dataset, audit = audited({"text": ["a", "", None, "b"]}, target=None)
    assert dataset.target is None
    assert dataset.rows.tolist() == [1, 4]
    assert audit.accounting == {"rows_in": 4, "used": 2, "quarantined": 2, "dropped": 0}
    with pytest.raises(DataError, match="not one of 2 rows"):
        audited({"text": ["", " "]}, target=None, strict=True)


def test_a_row_with_several_inputs_is_blank_only_if_all_are() -> None:
    columns = {"text": ["a", "", ""], "more": ["", "b", " "], "label": ["x", "y", "x"]}
    dataset, audit = audited(columns, inputs=["text", "more"])
    assert dataset.rows.tolist() == [1, 2]
    assert dataset.take(dataset.where("train", "test")) == {"text": ["a", ""], "more": ["", "b"]}
    assert audit.set_aside[0].reason == "blank_input"


def test_typed_labels_keep_their_type() -> None:
    dataset, audit = audited({"text": numbered(4), "label": [1, 0, None, 1]})
    assert dataset.target == [1, 0, 1]
    assert type(dataset.target[0]) is int
    assert audit.accounting["dropped"] == 1


def test_modality_findings_join_the_audit() -> None:
    table = read({"text": ["a", "", "b"], "label": ["x", "x", "y"]})
    schema = resolve_schema(table, target="label", inputs=["text"])

    def look(field: str, values: Sequence[str], rows: np.ndarray) -> list[Finding]:
        return [Finding("seen", "warning", f"{field} {values}", tuple(rows.tolist()))]

    _, audit = build(table, schema, modality="text", modality_audit=look)
    (seen,) = audit.of("seen")
    assert (seen.message, seen.rows) == ("text ['a', 'b']", (1, 3))


def test_findings_of_the_modality_name_the_file_of_each_row() -> None:
    """Line numbers of two tables alone would not tell which row is meant."""
    tables = [{"text": ["a", "b"], "label": ["x", "y"]}, {"text": ["c"], "label": ["x"]}]
    main, test = map(read, tables)
    schema = resolve_schema(main, target="label", inputs=["text"])

    def look(field: str, values: Sequence[str], rows: np.ndarray) -> list[Finding]:
        return [Finding("seen", "info", "seen", tuple(rows.tolist()), len(rows), field)]

    _, audit = build(main, schema, modality="text", test_table=test, modality_audit=look)
    (seen,) = audit.of("seen")
    assert seen.rows == (1, 2, 1)
    assert seen.data["files"] == [main.source.name] * 2 + [test.source.name]


def test_one_of_a_thing_is_told_in_the_singular(tmp_path: Path) -> None:
    text = [*numbered(38), numbered(1)[0], "", ""]
    labels = [*["a", "b"] * 19, "a", "b", "c"]
    text[39], labels[37] = "one more", ""
    path = tmp_path / "rows.csv"
    lines = [f"{words},{label}" for words, label in zip(text, labels, strict=True)]
    path.write_text(
        "\n".join(["text,label", *lines, "x,y,z", '"q"x,y', "", "end,A"]) + "\n", "utf-8"
    )
    _, audit = audited(path)
    told = {finding.kind: finding.message for finding in audit.findings}
    assert told["exact_duplicates"] == "1 row repeats the input of an earlier row"
    assert told["blank_input"].startswith("1 row has no input")
    assert told["missing_label"].startswith("1 row has no label")
    assert told["ragged"].startswith("1 row has more or fewer cells")
    assert told["bad_quote"].startswith("1 row has text after")
    assert told["blank_line"].startswith("1 blank line stands")
    assert "'A' (1 row)" in told["label_spelling"]
    many = re.compile(r"\b1 (rows|files|classes|inputs|values|texts|labels|pictures)\b")
    assert not many.search(audit.to_text())


def test_near_duplicates_above_the_limit_are_sampled() -> None:
    from graftwork.data import groups

    seen: list[int] = []

    def count(values: Sequence[str]) -> np.ndarray:
        seen.append(len(values))
        return Text().near_duplicates(values)

    keys = [f"{i:032x}" for i in range(50)]
    twins = groups.find_duplicates(keys, [numbered(50)], count, limit=20)
    assert seen == [20]
    assert twins.sample == 20
    assert twins.near is not None
    assert len(set(twins.near.tolist())) == 50


def test_columns_of_any_type_pass_the_audit() -> None:
    import pandas as pd

    n = 40
    frame = pd.DataFrame({"text": numbered(n), "label": [i % 2 == 0 for i in range(n)]})
    frame["none"], frame["bytes"], frame["list"] = None, b"x", [[1]] * n
    frame["when"] = pd.date_range("2024-01-01", periods=n, tz="UTC")
    frame["period"] = pd.period_range("2024-01", periods=n, freq="M")
    frame["copy"] = frame["label"].astype(int)
    dataset, audit = audited(frame, strict=True, time="when", slices=["none", "copy"])
    assert dataset.target == frame["label"].tolist()
    assert [found.field for found in audit.of("leak")] == ["copy"]
    assert json.loads(json.dumps(audit.to_json()))["columns"]["label"] == "boolean"
