from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graftwork.data.read import read
from graftwork.data.readers.media import unpacked
from graftwork.errors import DataError


def test_jsonl_keeps_types_and_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a", "label": 1}\n\n{"text": "b"}\n{"label": 3, "text": null}\n')
    table = read(path)
    assert table.rows.tolist() == [1, 3, 4]
    assert table.columns.column("label").to_pylist() == [1, None, 3]
    assert table.columns.column("text").to_pylist() == ["a", "b", None]


def test_all_bad_jsonl_lines_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n{"a": \n[1]\n{"a": 1, "a": 2}\n"x"\n')
    with pytest.raises(DataError) as caught:
        read(path)
    assert [fault.row for fault in caught.value.faults] == [2, 3, 4, 5]
    assert "4 lines are no JSON object" in str(caught.value)
    path.write_text("nope\n" * 50)
    with pytest.raises(DataError, match=r"50 lines.*the first 20") as caught:
        read(path)
    assert len(caught.value.faults) == 20
    path.write_text('{"a": "\\ud800"}\n')
    with pytest.raises(DataError, match=r"row 1.*surrogate"):
        read(path)


def test_jsonl_of_mixed_kinds_becomes_text_aloud(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"x": 1}\n{"x": "1"}\n{"x": true}\n{"x": 1.0}\n')
    table = read(path)
    assert table.columns.column("x").to_pylist() == ["1", "1", "true", "1.0"]
    assert any("mixes kinds" in note for note in table.notes)


def test_parquet_and_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    source = pa.table({"text": ["a", "b"], "label": pa.array(["x", "y"]).dictionary_encode()})
    pq.write_table(source, path)
    table = read(path)
    assert table.columns.to_pylist() == source.to_pylist()
    assert table.rows.tolist() == [1, 2]
    whole = path.read_bytes()
    for cut in (len(whole) - 9, len(whole) // 2, 6):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match="no whole Parquet file"):
            read(path)
    path.write_text("text,label\n")
    with pytest.raises(DataError, match="no whole Parquet file"):
        read(path)


def test_objects_of_python() -> None:
    import datasets
    import pandas as pd

    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 2}]
    columns = {"text": ["a", "b"], "label": [1, 2]}
    sources = {
        "pandas": pd.DataFrame(columns),
        "arrow": pa.table(columns),
        "datasets": datasets.Dataset.from_dict(columns),
        "list": rows,
    }
    hashes = set()
    for kind, source in sources.items():
        table = read(source)
        assert table.source.format == kind
        assert table.columns.to_pylist() == rows
        assert table.rows.tolist() == [1, 2]
        hashes.add(table.source.sha256)
    assert read(columns).columns.to_pylist() == rows
    assert read(["a", "b"]).names == ["text"]
    assert len(hashes) == 1
    picked = sources["datasets"].select([1])
    assert read(picked).columns.to_pylist() == rows[1:]


def test_pandas_oddities() -> None:
    import pandas as pd

    frame = pd.DataFrame({"x": ["NA", None, "b"], "c": pd.Categorical(["u", "v", "u"])})
    frame["m"] = [1, "one", float("nan")]
    table = read(frame)
    assert table.columns.column("x").to_pylist() == ["NA", None, "b"]
    assert table.columns.column("c").to_pylist() == ["u", "v", "u"]
    assert table.columns.column("m").to_pylist() == ["1", "one", None]
    assert any("'m' mixes kinds" in note for note in table.notes)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([], "no rows"),
        ({"a": [1], "b": [1, 2]}, "one length"),
        ({"a": "text"}, "a list is wanted"),
        ([{"a": 1}, 5], "row 2"),
        (42, "wanted is a path"),
        ({"": [1]}, "no name"),
    ],
)
def test_objects_that_are_no_table(source: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(source)


RECORD = pa.struct([("bytes", pa.binary()), ("path", pa.string()), ("id", pa.int64())])


def records(path: Path, values: list[Any], kind: pa.DataType = RECORD) -> list[Any]:
    """The cells of a Parquet file of such records, in two row groups, as they are meant."""
    table = pa.table({"image": pa.array(values, kind)})
    pq.write_table(table, path, row_group_size=max(1, len(values) // 2))
    cells = read(path).columns.column("image")
    again = read(table).columns.column("image")
    assert again.type == cells.type
    assert again.to_pylist() == cells.to_pylist()
    if not pa.types.is_binary(cells.type):
        assert cells.type == pa.large_string()
        return cells.to_pylist()
    return [cell and unpacked(cell) for cell in cells.to_pylist()]


def test_records_of_bytes_and_path_give_each_row_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    one, two = {"bytes": b"1", "path": "1.png"}, {"bytes": b"2", "path": None, "id": 4}
    away, none = {"bytes": None, "path": "3.png"}, {"bytes": None, "path": None, "id": 7}
    blank = {"bytes": None, "path": ""}
    assert records(path, [one, two, none, None, blank]) == [b"1", b"2", None, None, None]
    assert records(path, [one, away, none, two]) == [b"1", "3.png", None, b"2"]
    assert records(path, [away, None, away]) == ["3.png", None, "3.png"]
    assert records(path, [none, None, none]) == [None] * 3
    only = pa.struct([("bytes", pa.binary())])
    assert records(path, [{"bytes": b"1"}, None], only) == [b"1", None]
    assert records(path, [{"bytes": None}, None], only) == [None, None]
    coded = pa.array(["1.png", "3.png"]).dictionary_encode()
    large = pa.array([b"1", None], pa.large_binary())
    table = pa.table({"image": pa.StructArray.from_arrays([large, coded], ["bytes", "path"])})
    cells = read(table).columns.column("image").to_pylist()
    assert [unpacked(cell) for cell in cells] == [b"1", "3.png"]


def test_records_of_python_and_of_jsonl(tmp_path: Path) -> None:
    values = [{"bytes": b"1", "path": None}, None, {"path": "2.png"}, {"bytes": b"3", "id": 1}]
    cells = read({"image": values}).columns.column("image").to_pylist()
    assert [cell and unpacked(cell) for cell in cells] == [b"1", None, "2.png", b"3"]
    path = tmp_path / "rows.jsonl"
    path.write_text('{"image": {"bytes": null, "path": "a.png", "id": 3}}\n{"image": null}\n')
    assert read(path).columns.column("image").to_pylist() == ["a.png", None]
    other = {"x": [{"bytes": 5, "path": "a"}]}  # of other types: no record of a picture
    assert read(other).columns.column("x").to_pylist() == other["x"]
