"""Parameters of strategies as flags, in recipe files and by --set."""

from __future__ import annotations

import sys

import pytest

import graftwork.strategies
from graftwork.cli.arguments import parse
from graftwork.cli.parser import build_parser
from graftwork.cli.verbs.fit import Fit
from graftwork.errors import ParameterError

SAMPLE = '''
"""A strategy for this test."""
from __future__ import annotations
from dataclasses import dataclass
from graftwork.registry import declare
from graftwork.runs.recipe import setting

@declare("{name}", title="a sample", aliases=("{name}-alias",))
@dataclass(frozen=True)
class Sample:
    {name}_width: int = setting(4, "how wide", low=1, high=64)
    seed: str = setting("own", "a name that the recipe has already")
    sample_bias: bool = setting(True, "a switch")
'''


@pytest.fixture
def _samples(tmp_path, monkeypatch):
    for name in ("sampleone", "sampletwo"):
        (tmp_path / f"{name}.py").write_text(SAMPLE.format(name=name))
    path = [*graftwork.strategies.__path__, str(tmp_path)]
    monkeypatch.setattr(graftwork.strategies, "__path__", path)
    yield
    for name in ("sampleone", "sampletwo"):
        sys.modules.pop(f"graftwork.strategies.{name}", None)
        vars(graftwork.strategies).pop(name, None)


def faults(*words: str) -> list[str]:
    with pytest.raises(ParameterError) as caught:
        parse(Fit, words)
    return [str(fault) for fault in caught.value.faults]


pytestmark = pytest.mark.usefixtures("_samples")


def test_flags_and_set_say_the_same():
    by_flag = parse(
        Fit, ["d", "--strategy", "sampleone", "--sampleone-width", "8", "--no-sample-bias"]
    )
    by_set = parse(
        Fit,
        [
            "d",
            "--strategy",
            "sampleone",
            "--set",
            "sampleone-width=8",
            "--set",
            "sample_bias=false",
        ],
    )
    expected = {"strategy": "sampleone", "parameters": {"sampleone_width": 8, "sample_bias": False}}
    assert by_flag.settings == by_set.settings == expected


def test_help_names_whose_parameter_it_is():
    shown = " ".join(build_parser(Fit).format_help().split())
    assert "sampleone: how wide (default: 4)" in shown
    assert "sampleone, sampletwo: a switch" in shown


def test_a_name_that_the_recipe_has_goes_by_set():
    given = parse(Fit, ["d", "--strategy", "sampleone", "--seed", "3", "--set", "seed=mine"])
    assert given.settings["seed"] == 3
    assert given.settings["parameters"] == {"seed": "mine"}


def test_a_parameter_of_another_strategy_is_refused():
    told = faults("d", "--strategy", "sampletwo-alias", "--sampleone-width", "8")
    assert "strategy 'sampletwo' has no parameter 'sampleone_width'" in told[0]
    assert "did you mean 'sampletwo_width'?" in told[0]


def test_values_are_checked_against_the_declaration():
    told = faults("d", "--strategy", "sampleone", "--set", "sampleone_width=65")
    assert "65 is not allowed; allowed: a whole number from 1 to 64" in told[0]


def test_a_parameter_given_twice_is_refused():
    both = ["d", "--strategy", "sampleone", "--sampleone-width", "8"]
    for again in (["--set", "sampleone-width=9"], ["--sampleone-width", "9"]):
        (told,) = faults(*both, *again)
        assert "given more than once: '8' and '9'" in told


def test_under_auto_any_strategys_parameter_will_do():
    assert parse(Fit, ["d", "--sampletwo-width", "8"]).settings["parameters"] == {
        "sampletwo_width": 8
    }


def test_parameters_of_the_recipe_file_are_checked_and_flags_go_before_them(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "strategy: sampleone\nparameters:\n  sampleone_width: 3\n  sample_bias: false\n"
    )
    given = parse(Fit, ["d", "--recipe", str(recipe), "--sampleone-width", "9"])
    assert given.settings["parameters"] == {"sampleone_width": 9, "sample_bias": False}
    recipe.write_text("strategy: sampleone\nparameters:\n  sampleone_width: wide\n")
    assert "'wide' is not allowed" in faults("d", "--recipe", str(recipe))[0]
