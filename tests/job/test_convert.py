"""`convert`: a file of image weights becomes a base, and nothing in the file is trusted."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import graftwork as api
import toy_pictures
import toy_transformers
from graftwork.bases import open_base
from graftwork.errors import (
    BaseModelError,
    GraftworkError,
    IntegrityError,
    ParameterError,
    RunError,
    UnknownNameError,
)
from graftwork.storage.foreign.pickled import read_foreign
from graftwork.storage.json_files import read_json, write_json

NAME = "resnet20_cifar"
CLASSES = 5


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """A state dict with weights of its own drawing."""
    from graftwork.bases._convnet_config import build_network

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return dict(build_network(NAME, CLASSES, {}).state_dict())


def torch_file(path: Path, value: Any, *, new: bool = True) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=new)
    return path


def same(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """The base in `folder` holds those weights, and opens."""
    held = load_file(folder / "model.safetensors")
    assert set(held) == set(weights)
    for name, value in weights.items():
        torch.testing.assert_close(held[name], value, rtol=0, atol=0)
    assert open_base(str(folder)).kind == "convnet"


WRITERS: dict[str, Callable[[Path, Any], Any]] = {
    "new.pth": torch_file,
    "old.th": lambda path, value: torch_file(path, value, new=False),
    "resnet.tar": torch_file,
    "plain.safetensors": lambda path, value: save_file(value, path),
    **{
        f"bare{protocol}.bin": lambda path, value, protocol=protocol: path.write_bytes(
            pickle.dumps(value, protocol)
        )
        for protocol in (0, 2, 4, 5)
    },
}


@pytest.mark.parametrize("file", WRITERS)
def test_every_format_round_trips(file: str, weights: Any, tmp_path: Path) -> None:
    path, out = tmp_path / file, tmp_path / "bases" / "ours"
    WRITERS[file](path, weights)
    told = api.convert(path, out=out)
    assert told["architecture"] == NAME
    assert told["classes"] == CLASSES
    assert told["n_left_out"] == 0
    same(out, weights)
    assert {item.name for item in out.iterdir()} == {"config.json", "model.safetensors"}


def nested(key: str, prefix: str) -> Callable[[dict[str, Any]], Any]:
    def made(weights: dict[str, Any]) -> Any:
        inner = {prefix + name: value for name, value in weights.items()}
        moments = {0: {"exp_avg": torch.zeros(3)}}
        return {"epoch": 7, key: inner, "optimizer": {"state": moments}, "args": None}

    return made


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.backbone."])
@pytest.mark.parametrize("key", ["state_dict", "model", "teacher"])
def test_nested_checkpoints_are_seen_through(
    key: str, prefix: str, weights: Any, tmp_path: Path
) -> None:
    path = torch_file(tmp_path / "checkpoint.pth", nested(key, prefix)(weights))
    told = api.convert(path, out=tmp_path / "out")
    same(tmp_path / "out", weights)
    assert key in told["found"]
    assert prefix in told["found"]
    assert set(told["left_out"]) == {"epoch", "args", "optimizer.state.0.exp_avg"}


def test_a_part_of_a_larger_network(weights: Any, tmp_path: Path) -> None:
    whole = {f"encoder.{name}": value for name, value in weights.items()}
    whole |= {"decoder.weight": torch.zeros(2)}
    told = api.convert(torch_file(tmp_path / "a.pt", whole), out=tmp_path / "out")
    same(tmp_path / "out", weights)
    assert told["left_out"] == ["decoder.weight"]


def test_another_classifier_is_left_out(weights: Any, tmp_path: Path) -> None:
    changed = {n: v for n, v in weights.items() if not n.startswith("linear")}
    changed["fc.weight"] = torch.zeros(3, 64)
    told = api.convert(torch_file(tmp_path / "a.pt", changed), out=tmp_path / "out")
    assert told["classes"] is None
    assert told["left_out"] == ["fc.weight"]
    same(tmp_path / "out", {n: v for n, v in changed.items() if n != "fc.weight"})


def test_the_command_says_what_it_did(graftwork: Any, weights: Any, tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pth", nested("state_dict", "module.")(weights))
    out = tmp_path / "base"
    told = graftwork("convert", path, "--out", out, "--size", 48, "--std", "0.2,0.3,0.4")
    assert told.code == 0, told.err
    for words in (
        "'module.'",
        NAME,
        "48 x 48",
        "0.2 0.3 0.4",
        "Left out: optimizer",
        f"--base {out}",
    ):
        assert words in told.out
    config = read_json(out / "config.json")
    assert config["input"]["size"] == 48
    assert config["input"]["std"] == [0.2, 0.3, 0.4]
    assert config["converted_from"]["file"] == "a.pth"
    assert graftwork("info", out, "--json").json["kind"] == "convnet"
    assert graftwork("convert", path, "--out", out).code == 2  # it exists now


def test_torchvision_weights_are_padded_as_torchvision_does(tmp_path: Path) -> None:
    from graftwork.bases._convnet_config import build_network

    style = {"padding": "symmetric", "norm_eps": 1e-5}
    path = torch_file(tmp_path / "a.pth", build_network("mobilenet_v2", 10, style).state_dict())
    with pytest.raises(ParameterError, match="'mobilenet_v2', 'torchvision/mobilenet_v2'"):
        api.convert(path, out=tmp_path / "out")
    api.convert(path, out=tmp_path / "out", architecture="torchvision/mobilenet_v2")
    assert read_json(tmp_path / "out" / "config.json")["options"]["padding"] == "symmetric"


# --- what does not fit ---


def test_what_does_not_fit_is_named(weights: Any, tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pth", {"state_dict": weights})
    with pytest.raises(BaseModelError) as caught:
        api.convert(path, out=tmp_path / "out", architecture="squeezenet1_1")
    message = str(caught.value)
    assert "'features.0.weight', shape (64, 3, 3, 3), is missing" in message
    assert len(caught.value.faults) == 22  # twenty, how many more, what fits
    assert "more" in message
    assert f"they fit '{NAME}'" in message
    assert not (tmp_path / "out").exists()


def test_wrong_shapes_are_named(weights: Any, tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pth", weights | {"conv1.weight": torch.zeros(16, 1, 3, 3)})
    with pytest.raises(BaseModelError, match=r"'conv1.weight' has the shape \(16, 1, 3, 3\)"):
        api.convert(path, out=tmp_path / "out", architecture=NAME)
    with pytest.raises(ParameterError, match="fit none of our own"):
        api.convert(path, out=tmp_path / "out")


def test_an_unknown_architecture_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UnknownNameError, match="did you mean 'resnet20_cifar'"):
        api.convert(path, out=tmp_path / "out", architecture="resnet20_cifra")


def test_wrong_words(weights: Any, tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pth", weights)
    with pytest.raises(ParameterError) as caught:
        api.convert(path, out=tmp_path / "o", size=0, mean="1,2", std=0.0, resize="zoom")
    assert [fault.field for fault in caught.value.faults] == ["size", "mean", "std", "resize"]


def test_wrong_words_of_the_command_line_are_told_at_once(
    graftwork: Any, weights: Any, tmp_path: Path
) -> None:
    path = torch_file(tmp_path / "a.pth", weights)
    words = ("--size", "wide", "--mean", "1,2", "--std", "0", "--resize", "sqash")
    told = graftwork("convert", path, "--out", tmp_path / "o", *words)
    assert told.code == 2
    for part in ("'size'", "'mean'", "'std'", "'resize'", "did you mean 'squash'"):
        assert part in told.err
    assert not (tmp_path / "o").exists()


def test_what_is_there_is_not_replaced(weights: Any, tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pth", weights)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="nothing was touched"):
        api.convert(path, out=tmp_path / "out")
    assert [item.name for item in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_directory_that_is_a_base_needs_no_converting(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match=f"--base {tiny}"):
        api.convert(tiny, out=tmp_path / "out")
    with pytest.raises(BaseModelError, match="no such file"):
        api.convert(tmp_path / "absent.pth", out=tmp_path / "out")


# --- what is never run ---


class Runs:
    """Pickles as a call of that function with those words."""

    def __init__(self, function: Any, *words: Any) -> None:
        self.call = (function, words)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("kind", ["system", "eval", "getattr", "open", "import", "nested"])
def test_a_program_in_a_pickle_is_refused(kind: str, protocol: int, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    program = {
        "system": Runs(os.system, f"touch {mark}"),
        "eval": Runs(eval, code),
        "getattr": Runs(getattr, os, "system"),
        "open": Runs(open, str(mark), "w"),
        "import": Runs(__import__, "antigravity"),
        "nested": {"state_dict": [torch.nn.Parameter, (Runs(exec, code),)]},
    }[kind]
    if kind == "getattr":  # a module cannot be pickled; its method can be asked for
        content = b"\x80\x02cbuiltins\ngetattr\ncos\nsystem\nX\x05\x00\x00\x00hello\x86R."
    else:
        content = pickle.dumps(program, protocol)
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="nothing was run"):
        api.convert(path, out=tmp_path / "out")
    assert not mark.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("new", [True, False])
def test_a_program_among_tensors_is_refused(new: bool, weights: Any, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    value = {"state_dict": weights, "more": {"deep": [Runs(os.system, f"touch {mark}")]}}
    path = torch_file(tmp_path / "a.pth", value, new=new)
    with pytest.raises(IntegrityError, match=r"posix\.system|nt\.system"):
        api.convert(path, out=tmp_path / "out")
    assert not mark.exists()


def test_a_program_inside_a_nested_storage_is_refused(tmp_path: Path) -> None:
    from torch.storage import _load_from_bytes

    mark = tmp_path / "mark"
    inner = pickle.dumps(Runs(os.system, f"touch {mark}"), 2)
    path = tmp_path / "a.bin"
    path.write_bytes(pickle.dumps(Runs(_load_from_bytes, inner), 2))
    with pytest.raises(IntegrityError, match="system"):
        read_foreign(path)
    assert not mark.exists()


def test_attributes_cannot_be_set_on_the_stand_ins(tmp_path: Path) -> None:
    for name in (b"ctorch._utils\n_rebuild_tensor_v2\n", b"ccollections\nOrderedDict\n"):
        path = tmp_path / "a.pth"
        path.write_bytes(b"\x80\x02" + name + b"N}X\x01\x00\x00\x00aK\x01s\x86b.")
        with pytest.raises(IntegrityError, match="cannot be converted"):
            read_foreign(path)


def test_a_whole_model_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pth", torch.nn.Linear(2, 2))
    with pytest.raises(IntegrityError, match=r"save model\.state_dict\(\)"):
        read_foreign(path)


def test_the_reading_process_may_do_little(tmp_path: Path) -> None:
    """Even code that ran in it could neither reach the network nor start or open anything."""
    import subprocess
    import sys

    script = (
        "import os, socket, subprocess, sys\n"
        "from graftwork.storage.foreign._limits import confine\n"
        "confine(1000, sys.argv[1])\n"
        "tries = [lambda: socket.socket(), lambda: os.system('true'), lambda: os.fork(),\n"
        "  lambda: subprocess.run(['true']), lambda: open('/etc/hostname'), lambda: eval('1'),\n"
        "  lambda: __import__('antigravity'), lambda: bytearray(1 << 33)]\n"
        "for one in tries:\n"
        "    try:\n"
        "        one()\n"
        "    except (PermissionError, MemoryError) as error:\n"
        "        print(type(error).__name__)\n"
        "print(open(sys.argv[1] + '/mine', 'w').write('x'))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["PermissionError"] * 7 + ["MemoryError", "1"], done.stderr


# --- what is damaged ---


def repacked(
    path: Path, to: Path, change: Callable[[str, bytes], bytes | None], **how: Any
) -> Path:
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(to, "w", **how) as target:
        for name in source.namelist():
            content = change(name, source.read(name))
            if content is not None:
                target.writestr(name, content)
    return to


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("file", ["new.pth", "old.th", "plain.safetensors", "bare2.bin"])
def test_a_truncated_file(file: str, share: float, weights: Any, tmp_path: Path) -> None:
    path = tmp_path / file
    WRITERS[file](path, weights)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(IntegrityError, match=file):
        api.convert(path, out=tmp_path / "out")


def test_a_zip_bomb(tmp_path: Path) -> None:
    plain = torch_file(tmp_path / "plain.pth", {"a": torch.zeros(4_000_000)})
    bomb = repacked(
        plain, tmp_path / "b.pth", lambda _, content: content, compression=zipfile.ZIP_DEFLATED
    )
    assert bomb.stat().st_size < 100_000
    with pytest.raises(IntegrityError, match="is compressed"):
        read_foreign(bomb)


def test_entries_that_lie_over_each_other(tmp_path: Path) -> None:
    """One storage that the directory of the archive names a hundred times."""
    path = torch_file(tmp_path / "a.pth", {"a": torch.zeros(1000)})
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        big = next(info for info in archive.infolist() if info.filename.endswith("data/0"))
        start = archive.start_dir
        infos = archive.infolist()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.fp.write(content[:start])
        target.start_dir = start
        for number in range(100):
            other = zipfile.ZipInfo(f"archive/data/x{number}")
            other.header_offset, other.file_size = big.header_offset, big.file_size
            other.compress_size, other.CRC = big.compress_size, big.CRC
            infos.append(other)
        target.filelist, target._didModify = infos, True
    path.write_bytes(out.getvalue())
    with pytest.raises(IntegrityError, match="promise"):
        read_foreign(path)


def test_a_missing_storage(tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pth", {"a": torch.zeros(3)})
    less = repacked(path, tmp_path / "b.pth", lambda n, c: None if n.endswith("data/0") else c)
    with pytest.raises(IntegrityError, match="storage '0' is missing"):
        read_foreign(less)


@pytest.mark.parametrize(
    ("shape", "stride", "offset", "words"),
    [
        ((3, 4), (4, 1), 1, "reads element 12 of a storage of 12"),
        ((2, 2), (100, 1), 0, "reads element 101"),
        ((3, 4), (4, -1), 0, "none can have"),
        ((3, 4), (4, 1), -1, "none can have"),
        ((3, 4), (4,), 0, "2 axes and 1 strides"),
        ((1_000_000, 1_000_000), (0, 0), 0, "more than the whole file"),
        ((2**62,), (1,), 0, "none can have"),
        ((2.5,), (1,), 0, "none can have"),
        ((True,), (1,), 0, "none can have"),
    ],
)
def test_a_tensor_that_reads_outside_its_storage(
    shape: Any, stride: Any, offset: int, words: str, tmp_path: Path
) -> None:
    class Lies:
        def __reduce__(self) -> Any:
            storage = torch.arange(12.0).storage()
            return torch._utils._rebuild_tensor_v2, (storage, offset, shape, stride, False, {})

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch's own, of its typed storages
        path = torch_file(tmp_path / "a.pth", {"a": Lies()})
    with pytest.raises(IntegrityError, match=words) as caught:
        read_foreign(path)
    assert "tensor 'a'" in str(caught.value)


def test_views_shared_storages_and_types(tmp_path: Path) -> None:
    base = torch.arange(24.0)
    values = {
        "turned": base.reshape(4, 6).t(),
        "part": base[3:9].reshape(2, 3),
        "every other": base[::2],
        "tied": base,
        "same row": base[:4].expand(3, 4),
        "half": base[:3].half(),
        "brain": torch.tensor([1.5, -2.0, 3.0e38, float("inf")]).bfloat16(),
        "long": torch.arange(3),
        "small": torch.arange(3, dtype=torch.int8),
        "unsigned": torch.tensor([1, 65535], dtype=torch.uint16),
        "flag": torch.tensor([True, False]),
        "none": torch.zeros(0, 3),
        "number": torch.tensor(7.0),
        "double": torch.arange(3, dtype=torch.float64),
    }
    files = [torch_file(tmp_path / f"{new}.pth", values, new=new) for new in (True, False)]
    files.append(tmp_path / "flat.safetensors")
    save_file({name: value.contiguous().clone() for name, value in values.items()}, files[-1])
    for path in files:
        found = read_foreign(path)
        assert {words[0] for words in found.tensors} == set(values)
        for (name,), array in found.tensors.items():
            wanted = values[name].float() if name == "brain" else values[name]
            assert array.dtype == wanted.numpy().dtype, name
            np.testing.assert_array_equal(array, wanted.numpy())
        assert found.types[("brain",)] == "bfloat16"


def test_half_precision_is_kept_and_double_narrowed(weights: Any, tmp_path: Path) -> None:
    changed = {n: v.half() if v.ndim > 1 else v for n, v in weights.items()}
    changed["bn1.weight"] = weights["bn1.weight"].double()
    changed["bn1.bias"] = weights["bn1.bias"].bfloat16()
    told = api.convert(torch_file(tmp_path / "a.pth", changed), out=tmp_path / "out")
    assert told["widened"] == 2
    held = load_file(tmp_path / "out" / "model.safetensors")
    assert held["conv1.weight"].dtype == torch.float16
    assert held["bn1.weight"].dtype == held["bn1.bias"].dtype == torch.float32


def test_no_time_beyond_the_limit(
    weights: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = torch_file(tmp_path / "a.pth", weights)
    monkeypatch.setattr("graftwork.storage.foreign.pickled.SECONDS", 0.01)
    with pytest.raises(IntegrityError, match=r"not read within 0\.01 seconds"):
        api.convert(path, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_memory_beyond_the_limit(tmp_path: Path) -> None:
    """A byte of a pickle may ask for sixty-four of memory."""
    path = tmp_path / "a.pth"
    path.write_bytes(b"\x80\x02(" + b"}" * 45_000_000 + b"l.")
    with pytest.raises(IntegrityError, match="memory"):
        read_foreign(path)


def test_dictionaries_inside_themselves(tmp_path: Path) -> None:
    inside: dict[str, Any] = {}
    inside["again"] = inside
    wide: Any = {"a": 1}
    for _ in range(15):  # four to the fifteenth leaves
        wide = {str(i): wide for i in range(4)}
    for value, words in ((inside, "deep"), (wide, "more than")):
        path = tmp_path / "a.bin"
        path.write_bytes(pickle.dumps(value, 2))
        with pytest.raises(IntegrityError, match=words):
            read_foreign(path)


def test_lists_inside_themselves_are_never_spelt_out(tmp_path: Path) -> None:
    """Of two to the fortieth words, where the older format has its version and its storages."""
    deep: Any = [1]
    for _ in range(40):
        deep = [deep, deep]
    parts = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, None, []]
    for place, words in ((1, "unknown"), (4, "list of its storages")):
        value = [*parts[:place], deep if place == 1 else [deep], *parts[place + 1 :]]
        path = tmp_path / f"{place}.pth"
        path.write_bytes(b"".join(pickle.dumps(part, 2) for part in value))
        with pytest.raises(IntegrityError, match=words):
            read_foreign(path)


@pytest.mark.parametrize(
    "header",
    [
        b'{"\\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}}',
        b'{"a":{"dtype":"BF16","shape":[0,4611686018427387904],"data_offsets":[0,0]}}',
    ],
)
def test_a_safetensors_header_that_no_reader_takes(header: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    data = bytes(8 if b"[0,8]" in header else 0)
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    with pytest.raises(IntegrityError, match="damaged"):
        read_foreign(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.to(torch.int8), "is of int8"),
        (lambda v: v.bool(), "is of bool"),
        (lambda v: v.to(torch.complex64), "is of complex64"),
        (lambda v: torch.full_like(v, float("nan")), "no numbers"),
        (lambda v: v.double().abs() * 1e300 + 1e300, "no numbers"),
    ],
)
def test_values_that_are_no_weights(
    change: Callable[[Any], Any], words: str, weights: Any, tmp_path: Path
) -> None:
    changed = {n: change(v) if v.is_floating_point() else v for n, v in weights.items()}
    path = torch_file(tmp_path / "odd.pth", changed)
    with pytest.raises(BaseModelError, match=words) as caught:
        api.convert(path, out=tmp_path / "out")
    assert "odd.pth" in str(caught.value)
    assert "more" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x1f\x8b" + bytes(30), "gzip"),
        (b"\x89HDF\r\n\x1a\n" + bytes(30), "HDF5"),
        (b"<html>not found</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"", "0 bytes"),
        (b"\x80\x02.", "damaged"),
    ],
)
def test_other_files_are_told_apart(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(GraftworkError, match=words):
        read_foreign(path)


@pytest.mark.parametrize(
    ("folder", "architecture"),
    [
        ("resnet20_cifar10", None),
        ("squeezenet1_1", "torchvision/squeezenet1_1"),
        ("mobilenet_v2_1.0", "mobilenet_v2"),
        ("darknet_tiny", None),
    ],
)
def test_real_weights(folder: str, architecture: str | None, shared: Path, tmp_path: Path) -> None:
    file = shared / "data" / "weights" / folder / f"{folder}.safetensors"
    if not file.is_file():
        pytest.skip(f"no such weights: {file}")
    again = torch_file(tmp_path / "again.pth", {"state_dict": load_file(file)})
    for number, path in enumerate((file, again)):
        out = tmp_path / str(number)
        told = api.convert(path, out=out, architecture=architecture)
        assert told["parameters"] > 200_000
        same(out, load_file(file))


def test_list_bases_says_where_more_are_to_be_had(graftwork: Any) -> None:
    told = graftwork("list", "bases")
    assert "Free, to be had elsewhere:" in told.out
    assert "graftwork convert mobilenet_v2-b0353104.pth" in told.out
    rows = graftwork("list", "bases", "--json").json
    there = {row["name"]: row for row in rows if row.get("how")}
    assert {"torchvision/mobilenet_v2", "facebook/dinov2-small"} <= set(there)
    assert all(row["licence"] and not row["here"] for row in there.values())


def _pickled_twin(folder: Path, *, shards: int = 1) -> Path:
    """A Hugging Face directory whose weights are pickles, in one file or several."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    if shards == 1:
        torch.save(tensors, folder / "pytorch_model.bin")
        return folder
    places = {name: f"pytorch_model-{i % shards}.bin" for i, name in enumerate(tensors)}
    for file in set(places.values()):
        torch.save({n: tensors[n] for n in tensors if places[n] == file}, folder / file)
    write_json(folder / "pytorch_model.bin.index.json", {"weight_map": places})
    return folder


@pytest.mark.parametrize("shards", [1, 2])
def test_pickles_of_a_hugging_face_directory(graftwork: Any, tmp_path: Path, shards: int) -> None:
    made = toy_transformers.checkpoint("resnet", tmp_path / "resnet")
    before = load_file(made / "model.safetensors")
    given = _pickled_twin(made, shards=shards)
    with pytest.raises(BaseModelError, match=f"graftwork convert {given} --out FOLDER"):
        open_base(str(given))
    told = graftwork("convert", given, "--out", tmp_path / "out")
    assert told.code == 0, told.err
    assert "graftwork fit photos/" in told.out
    after = load_file(tmp_path / "out" / "model.safetensors")
    assert {name: value.shape for name, value in after.items()} == {
        name: value.shape for name, value in before.items()
    }
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert open_base(str(tmp_path / "out")).kind == "vision"


def test_pickles_of_a_text_network_too(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "bert")
    # how long its inputs may be stands in a file of its own
    write_json(tmp_path / "bert" / "sentence_bert_config.json", {"max_seq_length": 16})
    shutil.copytree(tmp_path / "bert", tmp_path / "before")
    told = api.convert(_pickled_twin(tmp_path / "bert") / "pytorch_model.bin", out=tmp_path / "out")
    assert told["architecture"] == "bert"
    one, other = (open_base(str(tmp_path / name)) for name in ("before", "out"))
    assert one.fingerprint() == other.fingerprint()
    assert other.max_length == 16  # type: ignore[attr-defined]


def test_what_a_hugging_face_directory_lacks_is_named(tmp_path: Path) -> None:
    folder = _pickled_twin(toy_transformers.checkpoint("resnet", tmp_path / "resnet"))
    with pytest.raises(ParameterError) as caught:
        api.convert(folder, out=tmp_path / "out", size=32, mean="0.5")
    assert [fault.field for fault in caught.value.faults] == ["size", "mean"]
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(BaseModelError, match=r"resnet: no image processor"):
        api.convert(folder, out=tmp_path / "out")
    write_json(folder / "pytorch_model.bin.index.json", {"weight_map": {"a": "../b.bin"}})
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(BaseModelError, match=r"'\.\./b\.bin' is no \.bin file of this folder"):
        api.convert(folder, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("index", [[], {"weight_map": []}, {"weight_map": {"a": "b" * 5000}}])
def test_an_index_that_is_none_is_told(index: Any, tmp_path: Path) -> None:
    folder = _pickled_twin(toy_transformers.checkpoint("resnet", tmp_path / "resnet"))
    (folder / "pytorch_model.bin").unlink()
    write_json(folder / "pytorch_model.bin.index.json", index)
    with pytest.raises(BaseModelError, match=r"no \.bin file|names no files"):
        api.convert(folder, out=tmp_path / "out")


def test_a_shard_stands_for_its_directory(tmp_path: Path) -> None:
    folder = _pickled_twin(toy_transformers.checkpoint("resnet", tmp_path / "resnet"), shards=2)
    told = api.convert(folder / "pytorch_model-1.bin", out=tmp_path / "out")
    assert told["tensors"] == len(load_file(tmp_path / "out" / "model.safetensors"))
    with pytest.raises(BaseModelError, match="leave it out"):
        api.convert(folder, out=tmp_path / "other", architecture="resnet20_cifar")


def test_weights_that_are_no_numbers_are_told_of_a_directory_too(tmp_path: Path) -> None:
    folder = toy_transformers.checkpoint("resnet", tmp_path / "resnet")
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name, value in tensors.items() if value.is_floating_point())
    tensors[name] = torch.full_like(tensors[name], float("nan"))
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    with pytest.raises(BaseModelError, match="no numbers"):
        api.convert(folder, out=tmp_path / "out")


def test_a_pickle_of_a_hugging_face_directory_runs_nothing(tmp_path: Path) -> None:
    folder = _pickled_twin(toy_transformers.checkpoint("resnet", tmp_path / "resnet"))

    class Evil:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    torch.save({"a": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(IntegrityError):
        api.convert(folder, out=tmp_path / "out")
    assert not (tmp_path / "ran").exists()


def test_the_nearest_architecture_and_its_first_tensors_are_named(
    weights: Any, tmp_path: Path
) -> None:
    changed = dict(weights)
    changed["conv1.weight"] = changed["conv1.weight"][:, :1].clone()
    with pytest.raises(ParameterError) as caught:
        api.convert(torch_file(tmp_path / "a.pth", changed), out=tmp_path / "out")
    told = str(caught.value)
    assert f"come nearest to {NAME!r}" in told
    assert "'conv1.weight' has the shape (16, 1, 3, 3)" in told


def test_architectures_of_the_same_tensors_are_told_apart(tmp_path: Path) -> None:
    folder = toy_pictures.network("squeezenet1_1", tmp_path / "net")
    with pytest.raises(ParameterError, match=r"resize squash.*resize crop.*torchvision/<name>"):
        api.convert(folder / "model.safetensors", out=tmp_path / "out")
    with pytest.raises(UnknownNameError) as caught:
        api.convert(folder / "model.safetensors", out=tmp_path / "o", architecture="org/resnet-50")
    assert "torchvision/org" not in str(caught.value)
