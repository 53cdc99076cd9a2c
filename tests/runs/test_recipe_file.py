from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from graftwork.errors import InputError, ParameterError
from graftwork.runs.recipe import Recipe
from graftwork.runs.recipe_file import read_recipe, write_recipe
from graftwork.runs.resolve import resolve_recipe

FULL = Recipe(
    target="no",  # words that YAML would read as something else
    input=("null", "007", "ü: #x"),
    parameters={"layers": [1, 2], "mix": {"on": True}, "text": "1e-3"},
    test_size=1e-3,
    delimiter="\t",
    redact=True,
    slices=("2020-01-01",),
    max_length=64,
)


@pytest.mark.parametrize("comments", [True, False])
@pytest.mark.parametrize("recipe", [Recipe(), FULL])
def test_written_recipes_read_back(tmp_path: Path, recipe: Recipe, comments: bool) -> None:
    path = tmp_path / "recipe.yaml"
    write_recipe(path, recipe, comments)
    assert resolve_recipe(read_recipe(path)) == recipe
    text = path.read_text(encoding="utf-8")
    helps = [str(field.metadata["help"])[:30] for field in dataclasses.fields(Recipe)]
    assert all((one in text) == comments for one in helps)
    assert max(map(len, text.splitlines())) <= 100


def test_json_partial_and_empty_files(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({"seed": 3, "margin": 1e-05}, indent="\t"))
    assert read_recipe(path) == {"seed": 3, "margin": 1e-05}
    path.write_text('{"seed": 1, "seed": 2}')
    with pytest.raises(ParameterError, match=r"no valid JSON: the key 'seed' stands twice"):
        read_recipe(path)
    yaml = tmp_path / "recipe.yaml"
    yaml.write_bytes(b"\xef\xbb\xbf# nothing yet\n")
    assert read_recipe(yaml) == {}


def test_all_faults_come_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("# mine\nstrategie: probe\nseed: -3\n\nmargin: 1e-3\ntarget: no\n")
    with pytest.raises(ParameterError) as caught:
        read_recipe(path)
    assert [(one.row, one.field) for one in caught.value.faults] == [
        (2, "strategie"),
        (3, "seed"),
        (5, "margin"),
        (6, "target"),
    ]
    text = str(caught.value)
    assert "did you mean 'strategy'?" in text
    assert "1.0e-3, not 1e-3" in text
    assert "put it in quotes" in text
    assert text.count(str(path)) == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("seed: 1\nbase: x\nseed: 2\n", r"row 3, field 'seed': stands twice \(first in line 1\)"),
        ("parameters: {C: 1, C: 2}", "field 'C': stands twice"),
        ("a: &x [1]\nb: *x\n", r"row 1: aliases"),
        ("1: 2\n", "the key '1' is no text"),
        ("seed: [1\n", r"row \d: no valid YAML"),
        ("- a\n- b\n", "must be a list of `setting: value` lines"),
        ("just words", "must be a list of"),
        ("a: 1\n---\nb: 2\n", "no valid YAML"),
        ("base: !!python/object/apply:os.system ['true']\n", "no valid YAML: could not determine"),
        ("target: !!int x\n", "no valid YAML"),
        ("time: 2020-01-01\n", r"field 'time': must be a text, not datetime"),
        ("parameters:\n  when: 2020-01-01\n", "holds what a recipe cannot"),
        ("[" * 1500, r"no valid YAML|must be a list"),
    ],
)
def test_bad_recipes_are_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "r.yaml").write_text(content)
    with pytest.raises(ParameterError, match=words) as caught:
        read_recipe(tmp_path / "r.yaml")
    assert "r.yaml" in str(caught.value)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no recipe file .*gone"):
        read_recipe(tmp_path / "gone")
    (tmp_path / "r").write_bytes("target: café".encode("latin-1"))
    with pytest.raises(InputError, match="not a text in UTF-8"):
        read_recipe(tmp_path / "r")
    (tmp_path / "r").write_bytes(b"# " + b"x" * 1_100_000)
    with pytest.raises(InputError, match="larger than 1,000,000 bytes"):
        read_recipe(tmp_path / "r")
