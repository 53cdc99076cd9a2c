"""Recipes as files: YAML for people, JSON for machines; every fault is told by its line."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graftwork.errors import Fault, InputError, ParameterError
from graftwork.runs.recipe import Recipe, as_dict
from graftwork.runs.resolve import setting_faults
from graftwork.storage.disk import atomic_file, disk_errors
from graftwork.storage.json_files import parse_json

__all__ = ["read_recipe", "write_recipe"]

_LARGEST = 1_000_000  # bytes; a recipe is a page of text


def read_recipe(path: Path | str) -> dict[str, Any]:
    """The settings in a recipe file, checked; those left out are left out.

    A file named ``.json`` is read as JSON, any other as YAML. Aliases are refused (a small file
    could unfold to gigabytes), and so are tags that would build Python objects.

    Raises:
        InputError: no such file, or not a text in UTF-8.
        ParameterError: no YAML, a key twice, an unknown key (with the nearest spelling), or a value
            that is not allowed; all together, each with its line.
        StorageError: the file cannot be read.
    """
    text = _text(path)
    json_file = Path(path).suffix.lower() == ".json"
    values, lines = _from_json(path, text) if json_file else _from_yaml(path, text)
    faults = [
        dataclasses.replace(fault, file=str(path), row=lines.get(fault.field or ""))
        for fault in setting_faults(Recipe, values)
    ]
    if faults:
        raise ParameterError(f"recipe {path}", faults=faults)
    return values


def write_recipe(path: Path | str, recipe: Recipe, comments: bool = True) -> None:
    """Write every setting as YAML, with its help above it unless `comments` is False.

    Raises:
        StorageError: the disk says no; the file is what it was.
    """
    import yaml

    values = as_dict(recipe)
    parts: list[str] = []
    if comments:
        parts.append("# A Graftwork recipe: everything that decides what comes out.\n\n")
    for field in dataclasses.fields(Recipe):
        if comments:
            parts.append(_comment(field))
        line = yaml.safe_dump({field.name: values[field.name]}, allow_unicode=True, sort_keys=True)
        parts.append(line + ("\n" if comments else ""))
    with atomic_file(path) as temporary:
        temporary.write_text("".join(parts), encoding="utf-8")


def _comment(field: dataclasses.Field[Any]) -> str:
    text = str(field.metadata["help"])
    if field.metadata["choices"]:
        text += f" ({' | '.join(field.metadata['choices'])})"
    elif field.metadata["registry"]:
        text += f" (see: graftwork list {field.metadata['registry']})"
    return textwrap.fill(text, 98, initial_indent="# ", subsequent_indent="#   ") + "\n"


def _text(path: Path | str) -> str:
    if not Path(path).is_file():
        raise InputError(f"no recipe file {path}")
    with disk_errors("read", path), open(path, "rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise InputError(f"recipe {path}: larger than {_LARGEST:,} bytes, which no recipe is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"recipe {path}: not a text in UTF-8 ({error})") from error


def _from_json(path: Path | str, text: str) -> tuple[dict[str, Any], dict[str, int]]:
    try:
        values = parse_json(text)
    except ValueError as error:
        raise ParameterError(f"recipe {path}: no valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise ParameterError(f"recipe {path}: must be a JSON object of settings")
    return values, {}


def _from_yaml(path: Path | str, text: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The settings, and the line of each."""
    tree = _tree(path, text)
    if tree is None:
        return {}, {}
    faults = list(_structure_faults(tree, str(path)))
    if faults:
        raise ParameterError(f"recipe {path}", faults=faults)
    lines = {key.value: key.start_mark.line + 1 for key, _ in tree.value}
    return _construct(path, tree), lines


def _tree(path: Path | str, text: str) -> Any:
    """The file's tree of YAML nodes, None when it is empty."""
    import yaml

    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise _not_yaml(path, error) from error
    if tree is not None and not isinstance(tree, yaml.MappingNode):
        raise ParameterError(f"recipe {path}: must be a list of `setting: value` lines")
    return tree


def _construct(path: Path | str, tree: Any) -> dict[str, Any]:
    import yaml

    loader = yaml.SafeLoader("")
    try:
        values: dict[str, Any] = loader.construct_document(tree)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise _not_yaml(path, error) from error
    finally:
        loader.dispose()
    return values


def _not_yaml(path: Path | str, error: Exception) -> ParameterError:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error)
    row = mark.line + 1 if mark is not None else None
    return ParameterError(faults=[Fault(f"no valid YAML: {what}", file=str(path), row=row)])


def _structure_faults(node: Any, file: str, seen: set[int] | None = None) -> Iterator[Fault]:
    """Keys that stand twice or are no text, and aliases, anywhere in the tree."""
    import yaml

    seen = set() if seen is None else seen
    row = node.start_mark.line + 1
    if id(node) in seen:
        yield Fault("aliases (`*name`) are not allowed", file=file, row=row)
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _structure_faults(item, file, seen)
    elif isinstance(node, yaml.MappingNode):
        rows: dict[str, int] = {}
        for key, item in node.value:
            line = key.start_mark.line + 1
            if key.tag != "tag:yaml.org,2002:str":
                shown = getattr(key, "value", "")
                yield Fault(f"the key {str(shown)[:60]!r} is no text", file=file, row=line)
            elif key.value in rows:
                text = f"stands twice (first in line {rows[key.value]})"
                yield Fault(text, file=file, row=line, field=key.value)
            else:
                rows[key.value] = line
            yield from _structure_faults(item, file, seen)
