from __future__ import annotations

from pathlib import Path

import pytest

from graftwork.data.read import read
from graftwork.data.schema import resolve_schema
from graftwork.data.types import column_types
from graftwork.errors import DataError, UnknownNameError


def test_types_are_shown_not_applied(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = ["i,n,b,d,z,c,t,e"]
    for k in range(40):
        text = f"a longer sentence number {k} that nobody wrote twice"
        lines.append(
            f"{k},{k}.5,{'true' if k % 2 else 'False'},2024-01-{k % 28 + 1:02},007,c{k % 3},{text},"
        )
    path.write_text("\n".join(lines))
    table = read(path)
    assert column_types(table) == {
        "i": "integer",
        "n": "number",
        "b": "boolean",
        "d": "date",
        "z": "category",
        "c": "category",
        "t": "text",
        "e": "empty",
    }
    assert set(map(str, table.columns.schema.types)) == {"large_string"}
    assert column_types(read({"a": [1, 2], "b": [0.5, None], "c": [True, False]})) == {
        "a": "integer",
        "b": "number",
        "c": "boolean",
    }


ROWS = {
    "id": [f"row-{i}" for i in range(9)],
    "title": [f"title {i}" for i in range(9)],
    "message": [f"a rather long message with number {i}" for i in range(9)],
    "label": ["a", "b", "c"] * 3,
    "user": ["u", "v", "w"] * 3,
}


def test_the_input_is_found_and_said() -> None:
    table = read(ROWS)
    schema = resolve_schema(table, target="label")
    assert schema.inputs == ("message",)
    assert "'title'" in schema.notes[0]
    assert resolve_schema(table, target=None).inputs == ("message",)
    schema = resolve_schema(table, target="label", inputs=["title", "message"], group="user")
    assert schema.used == ["title", "message", "label", "user"]
    assert schema.notes == ()


def test_all_wrong_names_come_at_once() -> None:
    with pytest.raises(UnknownNameError) as caught:
        resolve_schema(read(ROWS), target="lable", inputs=["mesage"], slices=["chanel"])
    assert [fault.field for fault in caught.value.faults] == ["lable", "mesage", "chanel"]
    assert "did you mean 'label'?" in str(caught.value)
    assert "did you mean 'message'?" in str(caught.value)


def test_roles_that_contradict_each_other() -> None:
    table = read(ROWS)
    with pytest.raises(DataError, match="both the input and the label"):
        resolve_schema(table, target="label", inputs=["label"])
    with pytest.raises(DataError, match="give one"):
        resolve_schema(table, target="label", split="user", time="id")
    with pytest.raises(DataError, match="no text column"):
        resolve_schema(read({"x": [1, 2], "y": ["a", "b"]}), target="y")
    with pytest.raises(DataError, match="a single value is wanted"):
        resolve_schema(read({"x": ["a", "b"], "y": [["u"], ["v"]]}), target="y")
