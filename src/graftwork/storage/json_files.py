"""JSON in and out: strict, UTF-8, written whole."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from graftwork.errors import IntegrityError
from graftwork.storage.disk import atomic_file, disk_errors

__all__ = ["append_jsonl", "parse_json", "plain", "read_json", "read_jsonl", "write_json"]


def plain(value: Any, where: str = "") -> Any:
    """The value as JSON's own types: numpy scalars and arrays, tuples and paths are converted.

    Raises:
        ValueError: NaN, infinity, a key that is no text or number, or a type that JSON has not;
            the message names the place, e.g. ``.test.accuracy[2]``.
    """
    if isinstance(value, Enum):
        return plain(value.value, where)
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where or 'the value'} is {value}, which JSON cannot hold")
        return float(value)
    if isinstance(value, Mapping):
        return {_key(key, where): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays, without importing numpy
        return plain(value.tolist(), where)
    raise ValueError(f"{where or 'the value'} is a {type(value).__name__}, which JSON cannot hold")


def _key(key: Any, where: str) -> str:
    if isinstance(key, str):
        return str(key)
    if hasattr(key, "item"):
        key = key.item()
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise ValueError(f"{where or 'the value'} has the key {key!r}; keys must be text")


def parse_json(text: str) -> Any:
    """Parse strictly: a key that stands twice, NaN and infinity are refused.

    Raises:
        ValueError: with what is wrong.
    """
    try:
        return json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twin, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twin!r} stands twice")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def read_json(path: Path | str) -> Any:
    """The value in a JSON file.

    Raises:
        StorageError: the file cannot be read.
        IntegrityError: it is not UTF-8 or not strict JSON; the message names the file.
    """
    with disk_errors("read", path):
        content = Path(path).read_bytes()
    try:
        return parse_json(content.decode("utf-8"))
    except ValueError as error:
        raise IntegrityError(f"{path}: not valid JSON: {error}") from error


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as UTF-8 JSON, keys in their own order, whole or not at all.

    Raises:
        StorageError: the disk says no; the file is what it was.
        ValueError: the value holds NaN or what JSON has no type for; nothing is written.
    """
    text = json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False)
    # A lone surrogate cannot be UTF-8; such a value is rare, and is kept as its JSON escape.
    content = text.encode("utf-8", "backslashreplace") + b"\n"
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def append_jsonl(path: Path | str, value: Any) -> None:
    """Append `value` as one line; a line torn by an earlier crash is closed first.

    The line goes out in one write, so that lines of several processes do not mix.

    Raises:
        StorageError: the disk says no.
        ValueError: as in `write_json`.
    """
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False)
    content = text.encode("utf-8", "backslashreplace") + b"\n"
    with disk_errors("append to", path), open(path, "ab+", buffering=0) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            if stream.read(1) != b"\n":
                content = b"\n" + content
        done = stream.write(content)
        if done < len(content):  # a full disk may take a part of it
            stream.write(content[done:])


def read_jsonl(path: Path | str) -> Iterator[Any]:
    """The values of a file that `append_jsonl` wrote; lines torn by a crash are passed over.

    Raises:
        StorageError: the file cannot be read.
    """
    with disk_errors("read", path):
        content = Path(path).read_bytes()
    for line in content.split(b"\n"):
        try:
            value = parse_json(line.decode("utf-8"))
        except ValueError:
            continue
        yield value
