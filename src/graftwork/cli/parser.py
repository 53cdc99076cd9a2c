"""The flags that a verb takes, as an argparse parser that reads words and checks nothing.

Checking comes afterwards (`arguments`), so that all faults are told together. Every flag with a
value is kept as the list of texts that were given for it; a switch as a truth value.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import shutil
from dataclasses import dataclass
from typing import Any, NoReturn

from graftwork.cli.flags import Flag, allowed_words, flags_of, registry_of
from graftwork.errors import Fault, ParameterError
from graftwork.runs.recipe import Machine, Recipe, setting

__all__ = ["Common", "build_parser", "group_flags", "parameter_flags"]


@dataclass(frozen=True)
class Common:
    """The flags that every verb takes."""

    json: bool = setting(False, "print the result as JSON on stdout, and nothing else there")
    quiet: bool = setting(False, "no progress, no remarks")


@dataclass(frozen=True)
class RecipeOptions:
    """The flags of verbs that take a whole recipe."""

    recipe: str | None = setting(None, "YAML file with settings; flags override it")
    set: tuple[str, ...] = setting((), "parameter of the strategy, as NAME=VALUE; repeatable")


_METAVARS = {"older_than": "DAYS", "recipe": "FILE", "set": "NAME=VALUE"}
_TITLES = {
    "options": "options",
    "recipe": "what is done (kept in the recipe)",
    "parameters": "parameters of strategies",
    "machine": "how it runs on this machine",
    "common": "output",
}


GIVEN_ONE = "ignored explicit argument "  # argparse of a switch with a value


class _Parser(argparse.ArgumentParser):
    """A parser that raises where argparse would print and leave."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # argparse takes -5m for a flag, and says that --budget lacks its value; what begins as a
        # negative number is a value, and its own check says what is allowed
        self._negative_number_matcher = re.compile(r"^-\.?\d")

    def error(self, message: str) -> NoReturn:
        """Raise the fault with argparse's words, the flag's name first."""
        name, _, rest = message.partition(": ")
        if rest and name.startswith("argument "):
            flag = name.removeprefix("argument ").split(",")[0].split("/")[0]
            raise ParameterError(faults=[self._fault(flag, rest)])
        raise ParameterError(faults=[Fault(message)])

    def _fault(self, flag: str, words: str) -> Fault:
        """Of a flag; one that lacks its value says what that would be."""
        if words.startswith(GIVEN_ONE):
            return Fault(f"takes no value; found {words.removeprefix(GIVEN_ONE)}", field=flag)
        if words != "expected one argument":
            return Fault(words, field=flag)
        meant = next(action for action in self._actions if flag in action.option_strings)
        return Fault("wants a value", field=flag, hint=(meant.help or "").replace("%%", "%"))


def parameter_flags() -> dict[str, dict[str, Flag]]:
    """The parameters of each strategy: flags by parameter name, by strategy name."""
    return {
        name: {flag.name: flag for flag in flags_of(strategy)}
        for name, strategy in registry_of("strategies").all().items()
        if isinstance(strategy, type) and dataclasses.is_dataclass(strategy)
    }


def group_flags(verb: Any) -> dict[str, list[Flag]]:
    """The flags of a verb by group, in the order in which help shows them."""
    own = flags_of(verb.options)
    groups = {
        "options": own + (flags_of(RecipeOptions) if verb.parameters else []),
        "recipe": [flag for flag in flags_of(Recipe) if flag.name in verb.recipe],
        "parameters": [],
        "machine": [flag for flag in flags_of(Machine) if flag.name in verb.machine],
        "common": flags_of(Common),
    }
    if verb.parameters:
        taken = {flag.spelling for flags in groups.values() for flag in flags}
        groups["parameters"] = _free_parameters(taken)
    return groups


def _free_parameters(taken: set[str]) -> list[Flag]:
    """Parameters whose flag clashes with no other; help says what each strategy means by them."""
    owners: dict[str, dict[str, list[str]]] = {}  # of each flag: strategies by what they say of it
    flags: dict[str, Flag] = {}
    for strategy, parameters in parameter_flags().items():
        for name, flag in parameters.items():
            if flag.spelling not in taken:
                flags.setdefault(name, flag)
                owners.setdefault(name, {}).setdefault(flag.help, []).append(strategy)
    return [
        dataclasses.replace(
            flag, help="; ".join(f"{', '.join(who)}: {text}" for text, who in owners[name].items())
        )
        for name, flag in flags.items()
    ]


def build_parser(verb: Any, with_words: bool = False) -> argparse.ArgumentParser:
    """The parser of a verb.

    Args:
        verb: a class of `cli/verbs/`.
        with_words: also declare the words that are no flags, for help. Reading them is left to
            `arguments`: argparse up to 3.12 mistakes optional words after flags.
    """
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    parser = _Parser(
        prog=f"graftwork {verb.declaration.name}",
        usage=_usage(verb),
        description=verb.declaration.title + ".",
        epilog=verb.declaration.facts.get("example"),
        add_help=False,
        allow_abbrev=False,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
            prog, max_help_position=30, width=width
        ),
    )
    if with_words and verb.words:
        group = parser.add_argument_group("arguments")
        for word, text in verb.words.items():
            group.add_argument(word.strip("[]"), metavar=word, help=_escape(text))
    for name, flags in group_flags(verb).items():
        if flags:
            group = parser.add_argument_group(_TITLES[name])
            for flag in flags:
                _add(group, flag, name, negatable=name in ("recipe", "parameters"))
            if name == "common":
                group.add_argument("-h", "--help", action="store_true", help="show this help")
    return parser


def _usage(verb: Any) -> str:
    required = [f"--{name.replace('_', '-')} {name.upper()}" for name in verb.required]
    return " ".join(["graftwork", verb.declaration.name, *verb.words, *required, "[flags]"])


def _add(group: Any, flag: Flag, owner: str, negatable: bool) -> None:
    where = f"{owner}.{flag.name}"
    text = _escape(_help(flag))
    if flag.is_switch:
        action: Any = argparse.BooleanOptionalAction if negatable else "store_true"
        group.add_argument(
            flag.spelling, dest=where, action=action, default=argparse.SUPPRESS, help=text
        )
        return
    metavar = _METAVARS.get(flag.name) or flag.spelling.strip("-").replace("-", "_").upper()
    if flag.choices:
        metavar = "{" + ",".join(flag.choices) + "}"
    group.add_argument(
        flag.spelling,
        dest=where,
        action="append",
        metavar=metavar,
        default=argparse.SUPPRESS,
        help=text,
    )


def _help(flag: Flag) -> str:
    extra = []
    if flag.registry:
        extra.append("one of: " + ", ".join(allowed_words(flag)))
    if flag.default is not None and flag.default != () and not flag.is_switch:
        extra.append(f"default: {flag.default}")
    elif flag.is_switch and flag.default:
        extra.append("default: on")
    return f"{flag.help} ({'; '.join(extra)})" if extra else flag.help


def _escape(text: str) -> str:
    return text.replace("%", "%%")
