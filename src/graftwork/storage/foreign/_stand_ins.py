"""What a pickle of tensors may name, each with a harmless thing of our own in its place.

Nothing that a file names is ever imported or called: a name that is not in these tables is refused.
The stand-ins only write down what was said of a tensor; `_assemble` checks it and makes the array.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

__all__ = ["Array", "Opaque", "Refused", "Storage", "Table", "Tensor", "Unpickler"]

# torch's names of element types, with those of numpy; bfloat16 is widened when it is assembled
DTYPES = {
    "float64": "f8", "double": "f8", "float32": "f4", "float": "f4", "float16": "f2", "half": "f2",
    "bfloat16": "bf16", "int64": "i8", "long": "i8", "int32": "i4", "int": "i4", "int16": "i2",
    "short": "i2", "int8": "i1", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8",
    "bool": "?", "complex64": "c8",
}  # fmt: skip
STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "BFloat16Storage": "bf16",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "?", "ComplexFloatStorage": "c8", "UntypedStorage": "u1",
}  # fmt: skip


class Refused(Exception):
    """The file asks for what is never done, or is not what it should be."""


class Table(dict):
    """An ordered dictionary; what is set on it besides its entries is forgotten."""

    def __setstate__(self, state: Any) -> None:
        pass


class Opaque:
    """Something that is no tensor and is left out (a date, a path, options of a training)."""

    __slots__ = ()

    def __new__(cls, *_: Any, **__: Any) -> Opaque:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class Named:
    """A word of the file that stands for an element type."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def __setstate__(self, state: Any) -> None:
        raise Refused("it sets attributes of an element type")


class Storage:
    """Elements of one type in a row.

    Attributes:
        dtype: numpy's name of the type, or ``bf16``.
        count: elements, as the file says.
        content: gives the bytes.
    """

    __slots__ = ("content", "count", "dtype")

    def __init__(self, dtype: str, count: int, content: Callable[[], bytes]) -> None:
        self.dtype = dtype
        self.count = count
        self.content = content

    def __setstate__(self, state: Any) -> None:
        raise Refused("it sets attributes of a storage")


class Tensor:
    """A view of a storage, unchecked."""

    __slots__ = ("dtype", "offset", "shape", "storage", "stride")

    def __init__(self, storage: Any, offset: Any, shape: Any, stride: Any, dtype: str = "") -> None:
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.stride = stride
        self.dtype = dtype  # empty: the storage's own

    def __setstate__(self, state: Any) -> None:
        pass


class Array:
    """A numpy array as its state tells it, unchecked."""

    __slots__ = ("content", "dtype", "fortran", "shape")

    def __init__(self, *_: Any) -> None:
        self.shape: Any = None
        self.dtype: Any = None
        self.fortran: Any = False
        self.content: Any = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise Refused("it holds a numpy array of an unknown form")
        _, self.shape, self.dtype, self.fortran, self.content = state


class NumpyType:
    """A numpy element type as its state tells it."""

    __slots__ = ("big", "code")

    def __init__(self, code: Any, *_: Any) -> None:
        self.code = code
        self.big = False

    def __setstate__(self, state: Any) -> None:
        self.big = isinstance(state, tuple) and len(state) > 1 and state[1] == ">"


class _Call:
    """A function of ours under a name of the file; nothing can be set on it."""

    __slots__ = ("_run",)
    _run: Callable[..., Any]

    def __init__(self, run: Callable[..., Any]) -> None:
        object.__setattr__(self, "_run", run)

    def __call__(self, *args: Any) -> Any:
        return self._run(*args)

    def __setattr__(self, name: str, value: Any) -> None:
        raise Refused("it sets attributes of a function")

    def __setstate__(self, state: Any) -> None:
        raise Refused("it sets attributes of a function")


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> Tensor:
    return Tensor(storage, offset, shape, stride)


def _typed(storage: Any, offset: Any, shape: Any, stride: Any, _: Any, __: Any, dtype: Any) -> Any:
    if not isinstance(dtype, Named):
        raise Refused("a tensor's element type is none")
    return Tensor(storage, offset, shape, stride, dtype.dtype)


def _bytes(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused("it encodes text in an unknown way")
    return text.encode("latin-1")


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> Array:
    made = Array()
    made.shape, made.dtype, made.fortran, made.content = shape, dtype, order == "F", content
    return made


def _nested(content: Any) -> Any:
    """A storage that was pickled by itself: a whole file of the older format inside."""
    from graftwork.storage.foreign._older import read_older

    if not isinstance(content, bytes):
        raise Refused("a storage inside it is none")
    return read_older(io.BytesIO(content), len(content))


_CALLS: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor"): _Call(_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): _Call(_tensor),
    ("torch._utils", "_rebuild_tensor_v3"): _Call(_typed),
    ("torch._utils", "_rebuild_parameter"): _Call(lambda data, *_: data),
    ("torch._utils", "_rebuild_parameter_with_state"): _Call(lambda data, *_: data),
    ("torch.storage", "_load_from_bytes"): _Call(_nested),
    ("torch", "Size"): _Call(lambda values=(), *_: tuple(values)),
    ("torch", "device"): Opaque,
    ("collections", "OrderedDict"): Table,
    ("argparse", "Namespace"): Opaque,
    ("pathlib", "PosixPath"): Opaque,
    ("pathlib", "WindowsPath"): Opaque,
    ("_codecs", "encode"): _Call(_bytes),
    ("numpy", "ndarray"): Opaque,
    ("numpy", "dtype"): _Call(NumpyType),
    **{
        (f"numpy.{core}.multiarray", name): made
        for core in ("core", "_core")
        for name, made in (("_reconstruct", _Call(lambda *_: Array())), ("scalar", Opaque))
    },
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Call(_from_buffer) for core in ("core", "_core")},
    **{("torch", name): Named(dtype) for name, dtype in (DTYPES | STORAGES).items()},
    **{("torch.cuda", name): Named(dtype) for name, dtype in STORAGES.items()},
    **{("torch.storage", name): Named(STORAGES[name]) for name in ("UntypedStorage",)},
}


class Unpickler(pickle.Unpickler):
    """Knows the names in the tables above, and no others.

    Args:
        stream: the pickle.
        storage: from a persistent id's (dtype, key, count) to the storage.
    """

    def __init__(self, stream: Any, storage: Callable[[str, str, int], Storage]) -> None:
        super().__init__(stream, encoding="utf-8")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a global."""
        found = _CALLS.get((module, name))
        if found is None:
            raise Refused(_refusal(module, name))
        return found

    def persistent_load(self, pid: Any) -> Storage:
        """A storage: ``("storage", type, key, place, elements)``, in the older format one more."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise Refused("it refers to something outside that is no storage")
        _, kind, key, _, count = pid[:5]
        if len(pid) > 5 and pid[5] is not None:
            raise Refused("a storage of it is a part of another, as only very old torch wrote it")
        if not isinstance(kind, Named) or not isinstance(key, (str, int)) or type(count) is not int:
            raise Refused("a storage of it is described in an unknown way")
        if count < 0:
            raise Refused(f"a storage of it has {count} elements")
        return self._storage(kind.dtype, str(key), count)


def _refusal(module: str, name: str) -> str:
    told = f"it names {module[:200]}.{name[:200]}, which no file of tensors needs; nothing was run"
    whole = ("torch.nn", "torchvision", "timm", "__torch__", "__main__", "transformers", "models")
    if module.split(".")[0] in whole or module.startswith("torch.nn"):
        told += ". It seems to hold a whole model: save model.state_dict() where its code is"
    return told
