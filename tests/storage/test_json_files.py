from __future__ import annotations

import enum
import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from graftwork.errors import IntegrityError, StorageError
from graftwork.storage.hashing import digest_json, sha256_file
from graftwork.storage.json_files import append_jsonl, read_json, read_jsonl, write_json


class Colour(enum.StrEnum):
    RED = "red"


def test_round_trip_in_plain_types_and_order(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(
        path,
        {
            "z": np.float32(0.5),
            "a": np.int64(3),
            "array": np.arange(3),
            "yes": np.bool_(True),
            "pair": (1, None),
            "path": Path("x/y"),
            "colour": Colour.RED,
            "ü": "世界 😀",
            np.int64(7): "seven",
            "text": np.str_("t"),
        },
    )
    value = read_json(path)
    assert list(value) == ["z", "a", "array", "yes", "pair", "path", "colour", "ü", "7", "text"]
    assert value["z"] == 0.5
    assert value["array"] == [0, 1, 2]
    assert value["yes"] is True
    assert value["pair"] == [1, None]
    assert value["colour"] == "red"
    assert "世界 😀" in path.read_text(encoding="utf-8")
    assert path.read_text(encoding="utf-8").startswith('{\n "z": 0.5,')


def test_a_lone_surrogate_survives(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"broken": "\ud800!"})
    assert read_json(tmp_path / "a") == {"broken": "\ud800!"}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), np.float32("nan"), np.array([np.nan])])
def test_nan_is_refused_where_it_stands_and_the_file_is_what_it_was(
    tmp_path: Path, bad: object
) -> None:
    write_json(tmp_path / "a", 1)
    with pytest.raises(ValueError, match=r"\.scores\[1\].* is (nan|inf)"):
        write_json(tmp_path / "a", {"scores": [1, bad]})
    assert read_json(tmp_path / "a") == 1


@pytest.mark.parametrize("bad", [{1, 2}, b"bytes", object(), {(1, 2): 3}, {None: 1}])
def test_what_is_no_json_is_refused(tmp_path: Path, bad: object) -> None:
    with pytest.raises(ValueError, match=r"JSON cannot hold|keys must be text"):
        write_json(tmp_path / "a", bad)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', "'a' stands twice"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": 1', "not valid JSON"),
        (b"", "not valid JSON"),
        (b'"\xff"', "not valid JSON"),
        (b"[" * 300_000, "nested too deeply"),
    ],
)
def test_bad_json_is_refused_with_the_files_name(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(IntegrityError, match=words) as caught:
        read_json(tmp_path / "bad.json")
    assert "bad.json" in str(caught.value)


def test_writing_into_a_missing_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write .*No such file"):
        write_json(tmp_path / "none" / "a.json", 1)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="a part of the path is a file"):
        write_json(tmp_path / "file" / "a.json", 1)


def test_a_torn_line_is_closed_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    append_jsonl(path, {"n": 1})
    with path.open("ab") as stream:
        stream.write(b'{"n": 2, "torn')
    append_jsonl(path, {"n": 3})
    assert list(read_jsonl(path)) == [{"n": 1}, {"n": 3}]


def _append(path: Path, who: int) -> None:
    for n in range(200):
        append_jsonl(path, {"who": who, "n": n, "pad": "x" * 300})


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(path, who)) for who in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    found = [json.loads(line) for line in path.read_text().splitlines() if line]
    assert sorted((one["who"], one["n"]) for one in found) == [
        (who, n) for who in range(2) for n in range(200)
    ]


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "a") == want
    assert digest_json({"a": 1, "b": (2, 3)}) == digest_json({"b": [np.int64(2), 3], "a": 1})
    assert digest_json({"a": 1}) != digest_json({"a": "1"})
    assert digest_json({"a": 1}) != digest_json({"a": True})
    with pytest.raises(StorageError, match="cannot read"):
        sha256_file(tmp_path / "none")
    with pytest.raises(ValueError, match=r"\.x is nan"):
        digest_json({"x": float("nan")})
