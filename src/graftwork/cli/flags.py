"""Flags made from the fields of settings classes (`Recipe`, `Machine`, a strategy, a verb's own).

A parameter is declared once, with `runs.recipe.setting`. Here its field becomes a flag, and what
the user wrote becomes its value. Types are read from the annotation's text, so that a class may
name types that are imported for type checkers only.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from graftwork.errors import Fault, nearest
from graftwork.registry import Registry

__all__ = ["Flag", "allowed_words", "convert", "flags_of", "registry_of"]

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_KINDS = ("bool", "int", "float", "str")
_SINGULAR = {
    "modalities": "modality",
    "strategies": "strategy",
    "bases": "base",
    "metrics": "metric",
}


@dataclass(frozen=True)
class Flag:
    """One parameter as the command line sees it.

    Attributes:
        name: the field's name.
        kinds: what a value may be, of ``bool``, ``int``, ``float``, ``str``.
        many: whether it may be repeated (a tuple).
        optional: whether None is a value.
        default: the field's default.
        help: one sentence.
        choices: allowed words, or None.
        registry: the registry whose names are allowed, or None.
        low: smallest allowed number.
        high: largest allowed number.
        flag: the word to type where it is not the name.
    """

    name: str
    kinds: tuple[str, ...]
    many: bool
    optional: bool
    default: Any
    help: str
    choices: tuple[str, ...] | None = None
    registry: str | None = None
    low: float | None = None
    high: float | None = None
    flag: str | None = None

    @property
    def spelling(self) -> str:
        """What is typed: ``--min-gain``; for a repeatable one the singular, ``--slice``."""
        word = self.flag or (self.name.removesuffix("s") if self.many else self.name)
        return "--" + word.replace("_", "-")

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value."""
        return self.kinds == ("bool",)

    def allowed(self) -> str:
        """What is allowed, in words."""
        words = allowed_words(self)
        if words:
            return ", ".join(words)
        return _numbers(self) if {"int", "float"} & set(self.kinds) else "text"


def _numbers(flag: Flag) -> str:
    words = "a number" if "float" in flag.kinds else "a whole number"
    match flag.low, flag.high:
        case None, None:
            limits = ""
        case low, None:
            limits = f", at least {_told(low)}"
        case None, high:
            limits = f", at most {_told(high)}"
        case low, high:
            limits = f" from {_told(low)} to {_told(high)}"
    return words + limits


def _told(limit: float | None) -> str:
    return str(limit) if isinstance(limit, int) else f"{limit:g}"


def registry_of(folder: str) -> Registry:
    """The registry of that folder, e.g. ``strategies``."""
    return Registry(f"graftwork.{folder}", _SINGULAR.get(folder, folder.removesuffix("s")))


def allowed_words(flag: Flag, with_aliases: bool = False) -> list[str]:
    """The words that `flag` takes, [] where any will do.

    Args:
        flag: the flag.
        with_aliases: also the other names of registered things, after the names.
    """
    if not flag.registry:
        return list(flag.choices or ())
    things = registry_of(flag.registry).all()
    names = list(things)
    aliases = [alias for thing in things.values() for alias in thing.declaration.aliases]
    # A default such as `auto` is a word of its own, not a registered thing.
    own = [flag.default] if isinstance(flag.default, str) and flag.default not in names else []
    return [*own, *names, *(aliases if with_aliases else ())]


def flags_of(owner: type) -> list[Flag]:
    """The flags of a dataclass, in field order; mappings and fields without help have none."""
    found = []
    for field in dataclasses.fields(owner):
        kinds, many, optional = _read_annotation(field.type)
        if kinds and "help" in field.metadata:
            default = None if field.default is dataclasses.MISSING else field.default
            found.append(Flag(field.name, kinds, many, optional, default, **field.metadata))
    return found


def _read_annotation(annotation: Any) -> tuple[tuple[str, ...], bool, bool]:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    parts = [part.strip() for part in text.split("|")]
    optional = "None" in parts
    many = any(part.startswith("tuple[") for part in parts)
    words = [part.removeprefix("tuple[").split(",")[0].rstrip("]").strip() for part in parts]
    literal = ["str" if word.startswith("Literal[") else word for word in words]
    return tuple(kind for kind in _KINDS if kind in literal), many, optional


def convert(flag: Flag, value: Any, field: str) -> Any:
    """`value` (text from the command line, or a parameter of a recipe file) as the field wants it.

    Raises:
        ValueError: its only argument is the `Fault`, with what was found and what is allowed.
    """

    def refuse(what: str, hint: str | None = None) -> ValueError:
        return ValueError(Fault(what, field=field, hint=hint))

    if flag.many:
        items = list(value) if isinstance(value, (list, tuple)) else [value]
        one = dataclasses.replace(flag, many=False, optional=False)
        return tuple(convert(one, item, field) for item in items)
    if value is None and flag.optional:
        return None
    for kind in flag.kinds:
        found = _CONVERTERS[kind](value, flag)
        if found is not None:
            return _within(flag, found, refuse)
    if flag.optional and isinstance(value, str) and value.lower() in ("none", "null"):
        return None
    hint = None
    if flag.kinds == ("str",) and isinstance(value, (bool, int, float)):
        hint = "put it in quotes"
    raise refuse(f"{value!r} is not allowed; allowed: {flag.allowed()}", hint)


def _as_bool(value: Any, flag: Flag) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in (*_TRUE, *_FALSE):
        # "1" is a number where a number is allowed too.
        return value.lower() in _TRUE if len(flag.kinds) == 1 or value.isalpha() else None
    return None


def _as_int(value: Any, flag: Flag) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _as_float(value: Any, flag: Flag) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _as_str(value: Any, flag: Flag) -> str | None:
    return value if isinstance(value, str) else None


_CONVERTERS = {"bool": _as_bool, "int": _as_int, "float": _as_float, "str": _as_str}


def _within(flag: Flag, value: Any, refuse: Any) -> Any:
    """`value`, or a refusal where it is outside the limits or not among the allowed words."""
    if isinstance(value, str):
        words = allowed_words(flag, with_aliases=True)
        if words and value not in words:
            close = nearest(value, words)
            hint = f"did you mean {close!r}?" if close else None
            raise refuse(f"{value!r} is not allowed; allowed: {flag.allowed()}", hint)
        if not value:
            raise refuse("is empty", "leave it out for the default")
    elif not isinstance(value, bool):
        below = flag.low is not None and value < flag.low
        above = flag.high is not None and value > flag.high
        if below or above:
            raise refuse(f"{value:g} is not allowed; allowed: {_numbers(flag)}")
    return value
