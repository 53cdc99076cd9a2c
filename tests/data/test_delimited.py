from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from graftwork.data.read import read
from graftwork.errors import DataError, ParameterError


def put(
    folder: Path, content: str | bytes, name: str = "rows.csv", encoding: str = "utf-8"
) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def test_cells_stay_the_text_they_were(tmp_path: Path) -> None:
    labels = ["None", "NA", "null", "nan", "007", "true", "1.0", " pos", "1e5", "-0"]
    body = "text,label\n" + "".join(f"t{i},{label}\n" for i, label in enumerate(labels))
    table = read(put(tmp_path, body))
    assert table.columns.column("label").to_pylist() == labels
    assert str(table.columns.schema.field("label").type) == "large_string"
    assert table.source.text_first


def test_row_numbers_are_lines_where_records_begin(tmp_path: Path) -> None:
    body = 'text,label\n"two\nlines",a\nplain,b\n\n"three\n\nlines",c\nlast,d'
    table = read(put(tmp_path, body))
    assert table.rows.tolist() == [2, 4, 6, 9]
    assert table.columns.column("text").to_pylist()[2] == "three\n\nlines"
    assert [(row.row, row.reason, row.kind) for row in table.set_aside] == [
        (5, "blank_line", "dropped")
    ]


@pytest.mark.parametrize("at", [2, 3, 5])
def test_a_ragged_row_is_quarantined_wherever_it_stands(tmp_path: Path, at: int) -> None:
    lines = ["text,label", "a,1", "b,2", "c,3", "d,4"]
    lines[at - 1] = "x,y,z"
    table = read(put(tmp_path, "\n".join(lines) + "\n"))
    assert [(row.row, row.reason) for row in table.set_aside] == [(at, "ragged")]
    assert "3 cells, the header has 2" in table.set_aside[0].detail
    assert len(table) == 3
    assert at not in table.rows.tolist()
    assert table.names == ["text", "label"]


def test_text_after_a_closing_quote_is_quarantined(tmp_path: Path) -> None:
    table = read(put(tmp_path, 'text,label\n"a"b,1\nfine,2\n'))
    assert [(row.row, row.reason) for row in table.set_aside] == [(2, "bad_quote")]
    assert table.rows.tolist() == [3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["empty"]),
        ("\n \n".replace(" ", ""), ["blank lines"]),
        ("text,label\n", ["header only", "'text'"]),
        ('text,label\na,1\n"open,2\nb,3\n', ["row 3", "never closed"]),
        ('text,label\n"a",1\n"open,2\n"b",3\n', ["row 3", "not closed before row 4"]),
        (b"text,label\na,1\nb\0c,2\n", ["row 3", "NUL"]),
        ("text,text,label\na,b,1\n", ["row 1", "2 columns are named 'text'"]),
        (",text,\n0,a,1\n", ["column 1 of 3 has no name", "column 3 of 3", "index=False"]),
        ("text,label\na,1,2\nb,1,2\n", ["none of 2 rows fits", "row 2", "--delimiter"]),
    ],
)
def test_bad_files_are_refused_in_words(
    tmp_path: Path, content: str | bytes, words: list[str]
) -> None:
    path = put(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)


def test_missing_file_directory_and_foreign_formats(tmp_path: Path) -> None:
    put(tmp_path, "text\na\n", "reviews.csv")
    with pytest.raises(DataError, match=r"no such file.*did you mean 'reviews.csv'"):
        read(tmp_path / "review.csv")
    with pytest.raises(DataError, match="is a directory"):
        read(tmp_path)
    with pytest.raises(DataError, match="Excel"):
        read(put(tmp_path, b"PK\x03\x04....", "book.xlsx"))
    with pytest.raises(ParameterError, match="did you mean 'parquet'"):
        read(tmp_path / "reviews.csv", format="parquett")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_end(tmp_path: Path, newline: str) -> None:
    table = read(put(tmp_path, newline.join(["text,label", "a,1", "b,2", ""])))
    assert table.columns.to_pylist() == [{"text": "a", "label": "1"}, {"text": "b", "label": "2"}]
    assert table.rows.tolist() == [2, 3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_and_said(tmp_path: Path, delimiter: str) -> None:
    rows = [["text", "label"], ['"one, two; three | four"', "a"], ["x", "b"]]
    table = read(put(tmp_path, "".join(delimiter.join(row) + "\n" for row in rows)))
    assert table.names == ["text", "label"]
    assert table.source.details["delimiter"] == delimiter
    assert any("delimiter" in note for note in table.notes) == (delimiter != ",")


def test_a_given_delimiter_wins(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b;c\n1,2;3\n")
    assert read(path, delimiter=";").names == ["a,b", "c"]
    assert read(put(tmp_path, "a\tb,c\n1\t2,3\n"), delimiter="tab").names == ["a", "b,c"]
    with pytest.raises(ParameterError, match="cannot part cells"):
        read(path, delimiter="ab")


def test_one_column_and_long_cells(tmp_path: Path) -> None:
    long = "x" * 300_000
    table = read(put(tmp_path, f"text\nhello there\n{long}\n"))
    assert table.columns.column("text").to_pylist() == ["hello there", long]


BODY = "text,label\ncafé crème,é\n日本,x\n"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (codecs.BOM_UTF8 + BODY.encode(), "utf-8-sig"),
        (BODY.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + BODY.encode("utf-16-be"), "utf-16"),
        (BODY.encode("utf-16-le"), "utf-16-le"),
        (BODY.encode("utf-16-be"), "utf-16-be"),
        (BODY.encode("utf-32"), "utf-32"),
    ],
)
def test_marked_and_wide_encodings_are_read_and_said(
    tmp_path: Path, data: bytes, name: str
) -> None:
    table = read(put(tmp_path, data))
    assert table.names == ["text", "label"]
    assert table.columns.column("text").to_pylist() == ["café crème", "日本"]
    assert table.source.details["encoding"] == name
    assert any("read as" in note for note in table.notes)


FRENCH = "text,label\n" + "".join(
    f"le service est très agréable et la qualité de la pièce {i} est là,déjà\n" for i in range(5)
)
CHINESE = "text,label\n" + "".join(
    f"这个手机的质量不好。我们用了{i}天就不能开机了。他说要换一个,差评\n" for i in range(5)
)


@pytest.mark.parametrize(
    ("body", "codec", "found"),
    [
        (FRENCH, "latin-1", "latin-1"),
        (FRENCH.replace("est là", "coûte 5 €"), "cp1252", "cp1252"),
        (CHINESE, "gb18030", "gb18030"),
    ],
)
def test_old_encodings_are_read_when_certain(
    tmp_path: Path, body: str, codec: str, found: str
) -> None:
    table = read(put(tmp_path, body, encoding=codec))
    assert table.source.details["encoding"] == found
    assert any("not UTF-8" in note for note in table.notes)
    assert table.columns.column("text")[1].as_py() == body.splitlines()[2].split(",")[0]


KOREAN = "text,label\n" + "정말 좋은 제품입니다 추천합니다 배송도 빠르고,긍정\n" * 4
RUSSIAN = "text,label\n" + "очень хороший товар и быстрая доставка,да\n" * 4
POLISH = "text,label\n" + "bardzo się cieszę że mogę to mieć źle,tak\n" * 4
JAPANESE = "text,label\n" + "とても良い商品でした。ありがとうございます,良い\n" * 4


@pytest.mark.parametrize(
    ("body", "codec", "suggested"),
    [
        (KOREAN, "euc_kr", "euc_kr"),
        (RUSSIAN, "cp1251", "cp1251"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (POLISH, "cp1250", None),
    ],
)
def test_uncertain_encodings_are_refused_and_can_be_given(
    tmp_path: Path, body: str, codec: str, suggested: str | None
) -> None:
    path = put(tmp_path, body, encoding=codec)
    with pytest.raises(DataError, match=r"row 2.*not UTF-8.*--encoding") as caught:
        read(path)
    if suggested:
        assert f"--encoding {suggested}" in str(caught.value)
    table = read(path, encoding=codec)
    assert table.columns.column("label")[0].as_py() == body.splitlines()[1].split(",")[1]


def test_a_wrong_encoding_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, FRENCH, encoding="latin-1")
    with pytest.raises(DataError, match="cannot be read as utf-8"):
        read(path, encoding="utf-8")
    with pytest.raises(ParameterError, match="did you mean 'latin-1'"):
        read(path, encoding="latin-11")


def test_the_hash_is_of_the_bytes(tmp_path: Path) -> None:
    import hashlib

    path = put(tmp_path, "text\n" + "word \n" * 500_000)
    assert read(path).source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
