from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pytest

from graftwork.cli.flags import Flag, convert, flags_of
from graftwork.errors import Fault
from graftwork.runs.recipe import Machine, Recipe, setting


@dataclass(frozen=True)
class Everything:
    word: str | None = setting(None, "a word")
    names: tuple[str, ...] = setting((), "several words")
    count: int = setting(3, "a count", low=1, high=9)
    share: float | None = setting(None, "a share", low=0.0, high=1.0)
    loud: bool = setting(False, "a switch")
    mode: str = setting("fast", "a choice", choices=("fast", "slow"))
    strategy_metric: str = setting("accuracy", "a registered name", registry="metrics")
    mixed: float | str = setting("auto", "a number or a word", low=0.0)
    hidden: dict[str, Any] = setting({}, "no flag can hold this")


FLAGS = {flag.name: flag for flag in flags_of(Everything)}


def fault(flag: Flag, value: Any) -> Fault:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its argument is what is looked at
        convert(flag, value, flag.spelling)
    return caught.value.args[0]


def test_every_field_but_mappings_is_a_flag():
    assert list(FLAGS) == [field.name for field in fields(Everything)][:-1]


@pytest.mark.parametrize(
    ("name", "spelling"),
    [("word", "--word"), ("names", "--name"), ("strategy_metric", "--strategy-metric")],
)
def test_spelling(name, spelling):
    assert FLAGS[name].spelling == spelling


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("word", "007", "007"),
        ("word", "none", "none"),  # a column may be called so
        ("word", None, None),
        ("names", ["a", "b"], ("a", "b")),
        ("names", "a", ("a",)),
        ("count", "9", 9),
        ("share", "0.5", 0.5),
        ("share", "1", 1.0),
        ("share", "none", None),
        ("loud", "yes", True),
        ("loud", False, False),
        ("mode", "slow", "slow"),
        ("strategy_metric", "macro_f1", "macro_f1"),
        ("mixed", "2", 2.0),
        ("mixed", "auto", "auto"),
    ],
)
def test_convert(name, text, value):
    got = convert(FLAGS[name], text, "x")
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("count", "ten", "'ten' is not allowed; allowed: a whole number from 1 to 9"),
        ("count", "10", "10 is not allowed; allowed: a whole number from 1 to 9"),
        ("count", "1.5", "allowed: a whole number from 1 to 9"),
        ("count", True, "True is not allowed"),
        ("share", "nan", "'nan' is not allowed"),
        ("share", "-0.1", "-0.1 is not allowed; allowed: a number from 0 to 1"),
        ("mixed", "-1", "-1 is not allowed; allowed: a number, at least 0"),
        ("mode", "fats", "did you mean 'fast'?"),
        ("strategy_metric", "acuracy", "did you mean 'accuracy'?"),
        ("loud", "perhaps", "'perhaps' is not allowed"),
        ("word", 7, "put it in quotes"),
        ("word", "", "is empty"),
    ],
)
def test_convert_refuses_with_what_is_allowed(name, text, words):
    assert words in str(fault(FLAGS[name], text))


def test_the_real_settings_all_become_flags():
    recipe = {flag.name for flag in flags_of(Recipe)}
    assert recipe == {field.name for field in fields(Recipe)} - {"parameters"}
    assert {flag.name for flag in flags_of(Machine)} == {field.name for field in fields(Machine)}


def test_defaults_of_the_real_settings_are_allowed_by_their_own_flags():
    for flag in [*flags_of(Recipe), *flags_of(Machine)]:
        assert convert(flag, flag.default, flag.spelling) == flag.default
