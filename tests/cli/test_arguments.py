from __future__ import annotations

import pytest

from graftwork.cli.arguments import parse
from graftwork.cli.verbs.cache import Cache
from graftwork.cli.verbs.fit import Fit
from graftwork.cli.verbs.predict import Predict
from graftwork.errors import ParameterError
from graftwork.runs.recipe import Machine


def faults(verb, *words: str) -> list[str]:
    with pytest.raises(ParameterError) as caught:
        parse(verb, words)
    return [str(fault) for fault in caught.value.faults]


def test_only_what_was_given_is_a_setting():
    given = parse(Fit, ["reviews.csv", "--target", "label", "--slice", "a", "--slice", "b"])
    assert given.words == {"DATA": "reviews.csv"}
    assert given.settings == {"target": "label", "slices": ("a", "b")}
    assert given.machine == Machine()
    assert (given.options.resume, given.options.dry_run, given.options.out) == (False, False, None)


def test_words_may_stand_before_between_and_after_flags():
    expected = {"RUN": "runs/x", "DATA": "new.csv"}
    for words in (
        ["runs/x", "new.csv", "--out", "p.csv"],
        ["--out", "p.csv", "runs/x", "new.csv"],
        ["runs/x", "--out=p.csv", "new.csv"],
        ["--out", "p.csv", "--", "runs/x", "new.csv"],
    ):
        given = parse(Predict, words)
        assert given.words == expected
        assert given.options.out == "p.csv"


def test_a_file_whose_name_looks_like_a_flag_goes_after_two_dashes():
    assert parse(Fit, ["--seed", "1", "--", "--json"]).words == {"DATA": "--json"}


def test_switches_and_their_opposites():
    assert parse(Fit, ["d", "--redact"]).settings == {"redact": True}
    assert parse(Fit, ["d", "--no-redact"]).settings == {"redact": False}
    assert "redact" not in parse(Fit, ["d"]).settings


def test_machine_fields_are_no_settings():
    given = parse(Fit, ["d", "--threads", "2", "--cache-gb", "0.5"])
    assert given.machine == Machine(threads=2, cache_gb=0.5)
    assert given.settings == {}


def test_an_optional_word_may_be_left_out():
    assert parse(Cache, []).words == {}
    assert parse(Cache, ["clear", "--older-than", "30"]).words == {"ACTION": "clear"}


def test_all_faults_come_together():
    told = faults(Fit, "d.csv", "e.csv", "--folds", "1", "--seed", "x", "--metric", "acuracy")
    assert len(told) == 4
    assert any("'e.csv' is one word too many" in text for text in told)
    assert any("--folds" in text and "from 2 to 20" in text for text in told)
    assert any("--seed" in text and "'x'" in text for text in told)
    assert any("did you mean 'accuracy'?" in text for text in told)


def test_unknown_flag_names_the_nearest_and_blames_nothing_else():
    assert faults(Fit, "--targt", "label", "d.csv") == [
        "there is no flag --targt (did you mean --target?)"
    ]
    assert faults(Predict, "runs/x", "new.csv", "--outt=p.csv") == [
        "there is no flag --outt (did you mean --out?)"
    ]


def test_flags_are_never_guessed_from_their_beginning():
    assert "there is no flag --targ" in faults(Fit, "d.csv", "--targ", "label")[0]


def test_missing_words_and_flags_are_named():
    told = faults(Predict)
    assert [text.split(":")[0] for text in told] == [
        "RUN is missing",
        "DATA is missing",
        "field '--out'",
    ]


def test_a_flag_without_its_value_says_what_that_would_be():
    assert faults(Fit, "d.csv", "--target") == [
        "field '--target': wants a value (column that holds the label)"
    ]


def test_a_switch_takes_no_value():
    assert faults(Fit, "d.csv", "--quiet=3") == ["field '--quiet': takes no value; found '3'"]


def test_a_single_value_given_twice_is_refused():
    assert "given more than once: '1' and '2'" in faults(Fit, "d", "--seed", "1", "--seed", "2")[0]


def test_flags_go_before_the_recipe_file(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("target: label\nseed: 7\nslices: [channel]\n")
    given = parse(Fit, ["d.csv", "--recipe", str(recipe), "--seed", "8"])
    assert given.settings["target"] == "label"
    assert given.settings["seed"] == 8
    assert tuple(given.settings["slices"]) == ("channel",)


def test_faults_of_the_recipe_file_come_with_those_of_the_flags(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("target: label\nfodls: 3\nmargin: 7\n")
    told = faults(Fit, "d.csv", "--recipe", str(recipe), "--seed", "x")
    assert any("recipe.yaml, row 2" in text and "did you mean 'folds'?" in text for text in told)
    assert any("recipe.yaml, row 3" in text for text in told)
    assert any("--seed" in text for text in told)


def test_a_recipe_file_that_is_absent(tmp_path):
    assert "absent.yaml" in faults(Fit, "d.csv", "--recipe", str(tmp_path / "absent.yaml"))[0]


def test_set_wants_a_name_and_a_value():
    assert faults(Fit, "d.csv", "--set", "x") == ["field '--set': 'x' is not NAME=VALUE"]


def test_an_unknown_parameter_is_refused():
    told = faults(Fit, "d.csv", "--set", "no_such_parameter=1")
    assert "strategy 'auto' has no parameter 'no_such_parameter'" in told[0]
