"""From the words of the command line to what a verb is given; all faults come together."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from graftwork.cli.flags import Flag, convert, registry_of
from graftwork.cli.parser import build_parser, group_flags, parameter_flags
from graftwork.cli.verb import Given
from graftwork.errors import Fault, InputError, ParameterError, UnknownNameError, nearest
from graftwork.runs.recipe import Machine

__all__ = ["common", "parse", "wants_help"]


def wants_help(argv: Sequence[str]) -> bool:
    """Whether the words ask for help (before a bare ``--``)."""
    words = list(argv)
    words = words[: words.index("--")] if "--" in words else words
    return "-h" in words or "--help" in words


def parse(verb: Any, argv: Sequence[str]) -> Given:
    """Read and check the words after the verb.

    Raises:
        ParameterError: with one `Fault` for each thing that is wrong.
    """
    return _Reading(verb, argv).given()


class _Reading:
    """One reading of a command line: the raw values, and the faults found so far."""

    def __init__(self, verb: Any, argv: Sequence[str]) -> None:
        self.verb = verb
        self.faults: list[Fault] = []
        self.groups = group_flags(verb)
        words = list(argv)
        cut = words.index("--") if "--" in words else len(words)
        namespace, rest = build_parser(verb).parse_known_args(words[:cut], argparse.Namespace())
        self.raw: dict[str, Any] = vars(namespace)
        self.unknown = [word for word in rest if word.startswith("-") and word != "-"]
        self.free = [word for word in rest if word not in self.unknown] + words[cut + 1 :]

    def given(self) -> Given:
        """Everything checked and converted."""
        self._name_unknown()
        words = self._words()
        options = self._values("options")
        settings = self._settings(options)
        machine = self._values("machine")
        recipe_options = {"recipe", "set"} if self.verb.parameters else set()
        own = {key: value for key, value in options.items() if key not in recipe_options}
        self._ask_required({**own, **settings})
        if self.faults:
            count = len(self.faults)
            name = self.verb.declaration.name
            message = "" if count == 1 else f"{count} things are wrong with `graftwork {name}`"
            raise ParameterError(message, self.faults)
        more = tuple(self.free[len(self.verb.words) :])
        return Given(words, self.verb.options(**own), settings, Machine(**machine), more)

    def _name_unknown(self) -> None:
        known = [flag.spelling for flags in self.groups.values() for flag in flags] + ["--help"]
        for word in self.unknown:
            name = word.split("=")[0]
            close = nearest(name, known)
            hint = f"did you mean {close}?" if close else None
            verb = self.verb.declaration.name
            hint = hint or f"`graftwork {verb} --help` lists the flags"
            self.faults.append(Fault(f"there is no flag {name}", hint=hint))

    def _words(self) -> dict[str, str]:
        names = list(self.verb.words)
        found = {name.strip("[]."): word for name, word in zip(names, self.free, strict=False)}
        if self.unknown:
            return found  # the value of an unknown flag may stand among the words
        for name in names[len(self.free) :]:
            if not name.startswith("[") and name not in self._excused():
                self.faults.append(Fault(f"{name} is missing: {self.verb.words[name]}"))
        several = bool(names) and names[-1].endswith("...")
        for word in () if several else self.free[len(names) :]:
            taken = " ".join(names) or "no such words"
            self.faults.append(Fault(f"{word!r} is one word too many; this takes {taken}"))
        return found

    def _excused(self) -> set[str]:
        """Words and options that are not needed beside the options that were given."""
        excuses = getattr(self.verb, "excuses", {})
        return {name for flag in excuses if f"options.{flag}" in self.raw for name in excuses[flag]}

    def _convert(self, flag: Flag, value: Any, field: str) -> tuple[bool, Any]:
        try:
            return True, convert(flag, value, field)
        except ValueError as error:
            self.faults.append(error.args[0])
            return False, None

    def _values(self, group: str) -> dict[str, Any]:
        found = {}
        for flag in self.groups[group]:
            value = self.raw.get(f"{group}.{flag.name}")
            if value is None:
                continue
            if isinstance(value, list) and not flag.many:
                self._once(value, flag.spelling)
                value = value[-1]
            sound, converted = self._convert(flag, value, flag.spelling)
            if sound:
                found[flag.name] = converted
        return found

    def _settings(self, options: dict[str, Any]) -> dict[str, Any]:
        """Recipe fields: those of the recipe file, those of flags over them."""
        settings: dict[str, Any] = {}
        if self.verb.parameters and options.get("recipe"):
            settings = self._recipe_file(options["recipe"])
        parameters = dict(settings.pop("parameters", None) or {})
        settings.update(self._values("recipe"))
        if self.verb.parameters:
            parameters.update(self._parameter_texts(options.get("set", ())))
            if parameters:
                settings["parameters"] = self._parameters(parameters, settings)
        return settings

    def _recipe_file(self, path: str) -> dict[str, Any]:
        from graftwork.runs.recipe_file import read_recipe

        try:
            return read_recipe(path)
        except InputError as error:
            self.faults += error.faults or [Fault(str(error), field="--recipe")]
            return {}

    def _parameter_texts(self, assignments: Sequence[str]) -> dict[str, Any]:
        """Parameters as given by their own flags and by ``--set``, not yet converted."""
        texts: dict[str, Any] = {}
        for flag in self.groups["parameters"]:
            value = self.raw.get(f"parameters.{flag.name}")
            if isinstance(value, list) and not flag.many:
                self._once(value, flag.spelling)
                value = value[-1]
            if value is not None:
                texts[flag.name] = value
        for word in assignments:
            name, equals, value = word.partition("=")
            key = name.strip().replace("-", "_")
            if not (equals and key):
                self.faults.append(Fault(f"{word!r} is not NAME=VALUE", field="--set"))
                continue
            if key in texts:
                self._once([texts[key], value], f"--set {key}")
            texts[key] = value
        return texts

    def _once(self, values: Sequence[Any], field: str) -> None:
        """Refuse a value that is given again: which of them would count is anybody's guess."""
        if len(values) > 1:
            both = " and ".join(repr(value) for value in values)
            self.faults.append(Fault(f"given more than once: {both}", field=field))

    def _parameters(self, texts: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        """The parameters as the chosen strategy declares them; under `auto`, as any does."""
        declared = parameter_flags()
        chosen = settings.get("strategy", "auto")
        if chosen != "auto":
            try:
                chosen = registry_of("strategies").get(chosen).declaration.name
            except UnknownNameError:
                return texts  # named already as the fault of --strategy
        owner: dict[str, Flag] = {}
        for name, flags in declared.items():
            if chosen in ("auto", name):
                owner = {**flags, **owner}
        found = {}
        for name, text in texts.items():
            if name in owner:
                sound, value = self._convert(owner[name], text, name)
                if sound:
                    found[name] = value
            else:
                allowed = ", ".join(owner) or "none"
                close = nearest(name, owner)
                hint = f"did you mean {close!r}?" if close else None
                words = f"strategy {chosen!r} has no parameter {name!r}; it has: {allowed}"
                self.faults.append(Fault(words, hint=hint))
        return found

    def _ask_required(self, found: dict[str, Any]) -> None:
        for name in self.verb.required:
            if found.get(name) is None and not self.unknown and name not in self._excused():
                self.faults.append(Fault("is missing", field=f"--{name.replace('_', '-')}"))


def common(argv: Sequence[str]) -> tuple[bool, bool]:
    """Whether ``--json`` and ``--quiet`` are among the words; known before anything is checked."""
    words = list(argv)
    words = words[: words.index("--")] if "--" in words else words
    return "--json" in words, "--quiet" in words
