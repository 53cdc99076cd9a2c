"""The frozen plan: what will be done, to which data. A changed plan is another run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graftwork.errors import GraftworkError, IntegrityError
from graftwork.runs.recipe import Recipe, as_dict
from graftwork.runs.resolve import resolve_recipe
from graftwork.storage.hashing import digest_json

__all__ = ["Plan", "difference", "resolve_recipe", "version_notes"]

_FORMAT = 1
# Settings that name a file: what counts is its content, where the plan knows it.
_FILES = ("test", "validation")


@dataclass(frozen=True)
class Plan:
    """What a run does, before it does it.

    Attributes:
        recipe: every setting.
        data: SHA-256 fingerprint by role (``train``, ``test``, ``validation``, also ``base``).
        names: how the user called the data of each role (a path); for messages, no part of what
            the plan is.
        versions: of the software, by package; a difference is told but is no changed plan.
    """

    recipe: Recipe
    data: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """64 hex digits over settings and data; equal plans have equal digests."""
        return digest_json({"recipe": _identity(self), "data": self.data})

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values, as in `plan.json`."""
        return {
            "format_version": _FORMAT,
            "digest": self.digest(),
            "recipe": as_dict(self.recipe),
            "data": dict(self.data),
            "names": dict(self.names),
            "versions": dict(self.versions),
        }

    @classmethod
    def from_json(cls, value: Any, *, file: str = "plan.json") -> Plan:
        """The plan that `to_json` gave; settings that an older release lacked get their default.

        Raises:
            IntegrityError: it is no plan, or of an unknown version.
        """
        if not isinstance(value, dict) or not isinstance(value.get("recipe"), dict):
            raise IntegrityError(f"{file}: is no plan")
        if value.get("format_version") != _FORMAT:
            raise IntegrityError(
                f"{file}: plan format {value.get('format_version')!r} is not known here; "
                f"known is: {_FORMAT} (a newer Graftwork may have written it)"
            )
        tables = [value.get(key, {}) for key in ("data", "names", "versions")]
        if not all(_texts(table) for table in tables):
            raise IntegrityError(f"{file}: data, names and versions must be tables of texts")
        try:
            recipe = resolve_recipe(value["recipe"])
        except GraftworkError as error:
            raise IntegrityError(f"{file}: is damaged or of a newer Graftwork: {error}") from error
        return cls(recipe, *tables)


def difference(old: Plan, new: Plan) -> list[str]:
    """One readable line for each thing in which `new` is another plan than `old`; [] if equal."""
    before, after = _identity(old), _identity(new)
    lines = [
        f"{name}: {_shown(before.get(name))} -> {_shown(after.get(name))}"
        for name in as_dict(new.recipe)
        if before.get(name) != after.get(name)
    ]
    for role in sorted(old.data.keys() | new.data.keys()):
        was, now = old.data.get(role), new.data.get(role)
        name = new.names.get(role) or old.names.get(role) or role
        if was is None:
            lines.append(f"data: {role} is new: {name} (sha256 {_short(now)})")
        elif now is None:
            lines.append(f"data: {role} is no longer given: {name} (sha256 {_short(was)})")
        elif was != now:
            lines.append(f"data: {name} has changed (sha256 {_short(was)} -> {_short(now)})")
    return lines


def version_notes(old: Plan, new: Plan) -> list[str]:
    """One line for each package of another version; such a plan still counts as the same."""
    return [
        f"{package} was {old.versions[package]} when this run began and is {version} now"
        for package, version in sorted(new.versions.items())
        if old.versions.get(package, version) != version
    ]


def _identity(plan: Plan) -> dict[str, Any]:
    """The settings that decide; a file whose content is known may lie anywhere."""
    settings = as_dict(plan.recipe)
    for name in _FILES:
        if settings[name] is not None and name in plan.data:
            settings[name] = "(by content)"
    return settings


def _shown(value: Any) -> str:
    if value is None:
        return "(default)"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "(none)"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={item}" for key, item in sorted(value.items())) or "(none)"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(digest: str | None) -> str:
    return (digest or "")[:12] + "…"


def _texts(table: Any) -> bool:
    return isinstance(table, dict) and all(isinstance(value, str) for value in table.values())
