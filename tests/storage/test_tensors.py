from __future__ import annotations

import json
import pickle
import resource
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graftwork.errors import IntegrityError, StorageError
from graftwork.storage.tensors import check_safetensors, load_tensors, save_tensors


def raw(path: Path, header: Any, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(
    begin: int, end: int, shape: list[Any] | None = None, dtype: str = "U8"
) -> dict[str, Any]:
    shape = [end - begin] if shape is None else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int8", "uint16", "int32", "int64", "float16", "float32", "float64", "complex64"],
)
def test_round_trip_keeps_bits_shape_and_type(tmp_path: Path, dtype: str) -> None:
    array = (np.arange(24) % 2 if dtype == "bool" else np.arange(24)).astype(dtype).reshape(2, 3, 4)
    tensors = {
        "whole": array,
        "turned": array.T,
        "strided": array[:, ::2],
        "scalar": np.array(3).astype(dtype),
        "empty": np.zeros((0, 5), dtype),
        "big": array.astype(array.dtype.newbyteorder(">")),
    }
    save_tensors(tmp_path / "a.safetensors", tensors, {"note": "ünï"})
    loaded = load_tensors(tmp_path / "a.safetensors")
    assert set(loaded) == set(tensors)
    for name, want in tensors.items():
        assert loaded[name].shape == want.shape
        assert loaded[name].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(loaded[name], want)
    assert check_safetensors(tmp_path / "a.safetensors")["__metadata__"] == {"note": "ünï"}


def test_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    a, b = np.arange(3.0), np.ones((2, 2), np.float32)
    save_tensors(tmp_path / "1", {"a": a, "b": b})
    save_tensors(tmp_path / "2", {"a": a, "b": b})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([object()]), np.array([1j])])
def test_types_that_cannot_be_kept_are_refused_and_nothing_is_written(
    tmp_path: Path, array: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=r"tensor 'x' has dtype .*allowed are: bool"):
        save_tensors(tmp_path / "a", {"x": array})
    assert list(tmp_path.iterdir()) == []


ONE = json.dumps(entry(0, 1)).encode()
DAMAGED = {
    "unknown dtype": ({"a": entry(0, 4, dtype="Q7")}, 4, "unknown dtype 'Q7'"),
    "wrong size": ({"a": entry(0, 4, [3], "F32")}, 4, r"needs 12 bytes, it has 4"),
    "outside": ({"a": entry(0, 9)}, 4, "1 of 1 tensors .* need 9 bytes of data, it has 4"),
    "backwards": ({"a": entry(4, 0, [4])}, 4, "end before it"),
    "overlap": ({"a": entry(0, 4), "b": entry(2, 6)}, 6, "tensor 'b' overlaps 'a'"),
    "gap": ({"a": entry(0, 4), "b": entry(6, 8)}, 8, "2 bytes before tensor 'b'"),
    "not covered": ({"a": entry(0, 4)}, 7, "the last 3 bytes belong to no tensor"),
    "negative": ({"a": entry(-4, 0, [4])}, 4, "two whole numbers"),
    "negative shape": ({"a": entry(0, 4, [-2, -2])}, 4, "whole numbers from 0"),
    "true is no number": ({"a": entry(0, 1, [True])}, 1, "whole numbers from 0"),
    "huge shape": ({"a": entry(0, 4, [2**62] * 60)}, 4, "needs .* bytes, it has 4"),
    "entry": ({"a": [1, 2]}, 0, "dtype, shape and data_offsets"),
    "entry extra": ({"a": {**entry(0, 1), "x": 1}}, 1, "nothing else"),
    "metadata": ({"__metadata__": {"a": 1}}, 0, "__metadata__ must be a table of texts"),
    "twin": (b'{"a":' + ONE + b',"a":' + ONE + b"}", 1, "'a' stands twice"),
    "twin inside": (b'{"a":' + ONE[:-1] + b',"dtype":"U8"}}', 1, "'dtype' stands twice"),
    "no json": (b"{not json", 0, "header is not valid"),
    "not utf-8": (b'{"\xff":1}', 0, "header is not valid"),
    "constant": (b'{"a": NaN}', 0, "NaN is not JSON"),
    "deep": (b'{"a":' * 200_000, 0, "nested too deeply"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_header_is_refused_with_the_files_name(tmp_path: Path, kind: str) -> None:
    header, size, words = DAMAGED[kind]
    path = raw(tmp_path / "weights.safetensors", header, bytes(size))
    for read in (check_safetensors, load_tensors):
        with pytest.raises(IntegrityError, match=words) as caught:
            read(path)
        assert "weights.safetensors" in str(caught.value)


def test_all_faults_come_together(tmp_path: Path) -> None:
    path = raw(tmp_path / "x", {"a": entry(0, 1, dtype="?"), "b": entry(0, 9)}, b"1")
    with pytest.raises(IntegrityError) as caught:
        check_safetensors(path)
    assert len(caught.value.faults) == 2


def test_a_file_that_is_cut_off_is_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "x"
    save_tensors(path, {name: np.arange(100) for name in "abcdef"})
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(IntegrityError, match="3 of 6 tensors end beyond the file") as caught:
        check_safetensors(path)
    assert len(caught.value.faults) == 1


def test_too_many_tensors_are_refused(tmp_path: Path) -> None:
    path = raw(tmp_path / "x", {str(i): 0 for i in range(100_001)})
    with pytest.raises(IntegrityError, match="100,001 tensors, at most 100,000"):
        check_safetensors(path)


def test_foreign_files_are_named_for_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    weights = {"weights": list(range(200))}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(weights, protocol))
        with pytest.raises(IntegrityError, match="it is a pickle"):
            check_safetensors(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(weights))
    with pytest.raises(IntegrityError, match="it is a zip archive"):
        check_safetensors(path)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(IntegrityError, match="git lfs pull"):
        check_safetensors(path)
    path.write_bytes(b"<html><body>not found</body></html>")
    with pytest.raises(IntegrityError, match="web page"):
        check_safetensors(path)


@pytest.mark.parametrize("length", [0x0280, 0x0480])
def test_a_length_that_looks_like_a_pickle_is_no_pickle(tmp_path: Path, length: int) -> None:
    text = json.dumps({"a": entry(0, 4)}).encode().ljust(length)
    path = raw(tmp_path / "x", text, bytes(4))
    assert path.read_bytes()[:1] == b"\x80"
    assert list(check_safetensors(path)) == ["a"]


def test_absurd_lengths_and_every_cut_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    with pytest.raises(IntegrityError, match=r"header length 9,223,372,036,854,775,808"):
        check_safetensors(path)
    save_tensors(path, {"a": np.arange(5), "b": np.arange(7.0)})
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(IntegrityError):
            check_safetensors(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(IntegrityError, match="last 1 bytes"):
        check_safetensors(path)


def test_bfloat16_passes_the_check_and_is_not_loaded(tmp_path: Path) -> None:
    path = raw(tmp_path / "x", {"a": entry(0, 4, [2], "BF16")}, bytes(4))
    assert check_safetensors(path)["a"]["dtype"] == "BF16"
    with pytest.raises(IntegrityError, match="type BF16, which numpy has not"):
        load_tensors(path)


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*gone.*No such file"):
        check_safetensors(tmp_path / "gone")


LIMITED = """
import sys, numpy as np
from graftwork.errors import StorageError
from graftwork.storage.tensors import save_tensors
try:
    save_tensors(sys.argv[1], {"a": np.zeros(100_000)})
except StorageError as error:
    print(error)
"""


def test_a_file_size_limit_leaves_the_old_tensors(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"a": np.arange(3)})
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cannot write" in done.stdout
    assert "larger than this process may write" in done.stdout
    assert [one.name for one in tmp_path.iterdir()] == ["a.safetensors"]
    np.testing.assert_array_equal(load_tensors(path)["a"], np.arange(3))
