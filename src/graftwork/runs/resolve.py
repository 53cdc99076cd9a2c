"""From loose values (flags, recipe file, arguments) to checked settings, all faults at once."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from graftwork.errors import Fault, ParameterError, nearest
from graftwork.registry import Registry
from graftwork.runs.recipe import Machine, Recipe

__all__ = ["field_types", "resolve_machine", "resolve_recipe", "setting_faults"]

Settings = TypeVar("Settings", Recipe, Machine)
Origin = Mapping[str, str] | None

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


class _WrongError(Exception):
    """A value that is not allowed; `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def resolve_recipe(values: Mapping[str, Any], *, origin: Origin = None) -> Recipe:
    """A checked `Recipe`; what `values` leaves out keeps its default.

    Aliases of registered names become the names themselves (``soft`` → ``probe``), lists become
    tuples, one text where several are allowed becomes one of them.

    Args:
        values: settings by field name.
        origin: where each setting was given (a file, a flag), for the messages.

    Raises:
        ParameterError: unknown names (with the nearest spelling), wrong types, words that are not
            among the choices, numbers out of range; all of them together.
    """
    return _resolve(Recipe, values, origin, "the recipe")


def resolve_machine(values: Mapping[str, Any], *, origin: Origin = None) -> Machine:
    """A checked `Machine`; as `resolve_recipe`."""
    return _resolve(Machine, values, origin, "the machine settings")


def setting_faults(
    kind: type[Recipe] | type[Machine], values: Mapping[str, Any], origin: Origin = None
) -> list[Fault]:
    """Everything that is wrong with `values` as settings of that kind, nothing raised."""
    return _check(kind, values, origin)[1]


def field_types(kind: type[Recipe] | type[Machine]) -> dict[str, Any]:
    """The types of the fields, by name."""
    return typing.get_type_hints(kind)


def _resolve(
    kind: type[Settings], values: Mapping[str, Any], origin: Origin, title: str
) -> Settings:
    good, faults = _check(kind, values, origin)
    if faults:
        raise ParameterError(
            f"{title}: {len(faults)} faults" if len(faults) > 1 else "", faults=faults
        )
    return kind(**good)


def _check(
    kind: type[Recipe] | type[Machine], values: Mapping[str, Any], origin: Origin
) -> tuple[dict[str, Any], list[Fault]]:
    known = {field.name: field for field in dataclasses.fields(kind)}
    hints = field_types(kind)
    good: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in values.items():
        where = (origin or {}).get(name)
        if name not in known:
            faults.append(_unknown(kind, str(name), list(known), where))
            continue
        try:
            good[name] = _value(known[name], hints[name], value)
        except _WrongError as wrong:
            faults.append(Fault(str(wrong), file=where, field=name, hint=wrong.hint))
    return good, faults


def _unknown(kind: type[Any], name: str, known: list[str], where: str | None) -> Fault:
    other = Machine if kind is Recipe else Recipe
    if name in {field.name for field in dataclasses.fields(other)}:
        what = "how it runs on one machine" if kind is Recipe else "what is done"
        flag = "--" + name.replace("_", "-")
        hint = f"it says {what}; give it as {flag}"
    else:
        close = nearest(name.replace("-", "_"), known)
        hint = f"did you mean {close!r}?" if close else f"there are: {', '.join(known)}"
    return Fault("is no setting here", file=where, field=name, hint=hint)


def _value(field: dataclasses.Field[Any], hint: Any, value: Any) -> Any:
    """`value` in the field's type, within its choices and range."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None:
        if type(None) in options:
            return None
        raise _WrongError("needs a value; none was given")
    (wanted,) = (option for option in options if option is not type(None))
    converted = _CONVERT[typing.get_origin(wanted) or wanted](value)
    _in_range(converted, field.metadata.get("low"), field.metadata.get("high"))
    return _named(field, converted)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        hint = "in YAML, put it in quotes" if isinstance(value, (bool, int, float)) else None
        raise _WrongError(f"must be a text, not {value!r} ({type(value).__name__})", hint)
    if not value:
        raise _WrongError("is empty", "leave it out for the default")
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_text(value),)
    if not isinstance(value, (list, tuple)):
        raise _WrongError(f"must be a list of texts, not {value!r} ({type(value).__name__})")
    found = tuple(_text(item) for item in value)
    twins = sorted({item for item in found if found.count(item) > 1})
    if twins:
        raise _WrongError(f"names {twins[0]!r} twice")
    return found


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(f"must be true or false, not {value!r}")
    return value


def _number(value: Any, kind: type[int] | type[float]) -> Any:
    item = value.item() if hasattr(value, "item") else value  # numpy's numbers are welcome
    if isinstance(item, bool) or not isinstance(item, (int, kind)):
        hint = "without quotes; in YAML 1.0e-3, not 1e-3" if isinstance(item, str) else None
        raise _WrongError(f"must be {_WORDS[kind]}, not {value!r} ({type(value).__name__})", hint)
    try:
        return kind(item)
    except OverflowError:
        raise _WrongError(f"must be {_WORDS[kind]} of usual size, not {value!r}") from None


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _WrongError(f"must be a table of values by name, not {value!r}")
    try:
        found: dict[str, Any] = json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise _WrongError(f"holds what a recipe cannot: {error}") from None
    return found


_CONVERT: dict[Any, Callable[[Any], Any]] = {
    str: _text,
    tuple: _texts,
    bool: _truth,
    int: lambda value: _number(value, int),
    float: lambda value: _number(value, float),
    dict: _table,
}


def _in_range(value: Any, low: float | None, high: float | None) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    allowed = (low is None or value >= low) and (high is None or value <= high)
    if not allowed or value != value or value in (float("inf"), float("-inf")):
        above = None if low is None else f"at least {_told(low)}"
        below = None if high is None else f"at most {_told(high)}"
        limits = " and ".join(part for part in (above, below) if part) or "a finite number"
        raise _WrongError(f"is {value!r}; allowed: {limits}")


def _told(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def _named(field: dataclasses.Field[Any], value: Any) -> Any:
    """`value` among the field's choices or registered names; an alias becomes the name."""
    if field.metadata.get("choices"):
        names = {choice: choice for choice in field.metadata["choices"]}
    elif field.metadata.get("registry"):
        names = _registered(field.metadata["registry"])
        if isinstance(field.default, str):  # `auto` is a word of its own, not a registered thing
            names.setdefault(field.default, field.default)
    else:
        return value
    if value not in names:
        close = nearest(value, names)
        hint = f"did you mean {close!r}?" if close else None
        raise _WrongError(
            f"is {value!r}; allowed: {', '.join(dict.fromkeys(names.values()))}", hint
        )
    return names[value]


def _registered(folder: str) -> dict[str, str]:
    """Every allowed spelling in a registry folder, and the name that it stands for."""
    things = Registry(f"graftwork.{folder}", folder).all()
    names = {name: name for name in things}
    for name, thing in things.items():
        for alias in thing.declaration.aliases:
            names.setdefault(alias, name)
    return names
