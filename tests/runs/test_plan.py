from __future__ import annotations

import json
from typing import Any

import pytest

from graftwork.errors import IntegrityError, ParameterError
from graftwork.runs.plan import Plan, difference, version_notes
from graftwork.runs.recipe import Machine, Recipe
from graftwork.runs.resolve import resolve_machine, resolve_recipe


def plan(data: dict[str, str] | None = None, **settings: Any) -> Plan:
    return Plan(Recipe(**settings), data or {"train": "a" * 64}, {"train": "train.csv"})


def test_a_plan_survives_json() -> None:
    first = Plan(
        Recipe(target="label", input=("a", "b"), parameters={"C": [1, 2.5]}, margin=0.02),
        {"train": "a" * 64},
        {"train": "x.csv"},
        {"torch": "2"},
    )
    again = Plan.from_json(json.loads(json.dumps(first.to_json())))
    assert again == first
    assert again.digest() == first.digest()
    assert difference(first, again) == []


def test_every_change_is_one_readable_line() -> None:
    old = plan({"train": "a" * 64, "test": "b" * 64}, base="minilm", seed=1)
    new = plan(
        {"train": "c" * 64, "validation": "d" * 64},
        base="/x/y",
        seed=1,
        slices=("channel", "month"),
        redact=True,
        parameters={"C": 2},
    )
    assert difference(old, new) == [
        "base: minilm -> /x/y",
        "parameters: (none) -> C=2",
        "slices: (none) -> channel, month",
        "redact: false -> true",
        "data: test is no longer given: test (sha256 bbbbbbbbbbbb…)",
        "data: train.csv has changed (sha256 aaaaaaaaaaaa… -> cccccccccccc…)",
        "data: validation is new: validation (sha256 dddddddddddd…)",
    ]
    assert old.digest() != new.digest()


@pytest.mark.parametrize("change", [{"seed": 1}, {"target": "y"}, {"parameters": {"C": 1}}])
def test_the_digest_and_the_difference_agree(change: dict[str, Any]) -> None:
    assert plan().digest() != plan(**change).digest()
    assert len(difference(plan(), plan(**change))) == 1


def test_where_a_file_lies_and_which_software_runs_is_no_change() -> None:
    data = {"train": "a" * 64, "test": "b" * 64}
    old, new = plan(data, test="a/test.csv"), plan(data, test="/else/where.csv")
    assert old.digest() == new.digest()
    assert difference(old, new) == []
    assert difference(plan(test="a.csv"), plan(test="b.csv")) == ["test: a.csv -> b.csv"]
    was = Plan(Recipe(), versions={"torch": "2.12", "numpy": "2"})
    now = Plan(Recipe(), versions={"torch": "2.13", "numpy": "2", "new": "1"})
    assert was.digest() == now.digest()
    assert difference(was, now) == []
    assert version_notes(was, now) == ["torch was 2.12 when this run began and is 2.13 now"]


def test_plans_of_other_releases() -> None:
    value = plan(seed=3).to_json()
    del value["recipe"]["redact"]  # an older release had no such setting
    assert Plan.from_json(value).recipe == Recipe(seed=3)
    value["recipe"]["from_the_future"] = 1
    with pytest.raises(IntegrityError, match=r"runs/plan\.json: is damaged or of a newer"):
        Plan.from_json(value, file="runs/plan.json")
    for bad in ([], {}, {**plan().to_json(), "format_version": 2}, {**plan().to_json(), "data": 1}):
        with pytest.raises(IntegrityError, match=r"plan\.json"):
            Plan.from_json(bad)


def test_values_become_the_fields_types() -> None:
    recipe = resolve_recipe({"input": ["a", "b"], "slices": "c", "margin": 0, "max_length": 128})
    assert recipe == Recipe(input=("a", "b"), slices=("c",), margin=0.0, max_length=128)
    assert isinstance(recipe.margin, float)
    assert resolve_recipe({}) == Recipe()
    assert resolve_recipe({"target": None}) == Recipe()
    assert resolve_machine({"device": "cpu", "threads": 2}) == Machine(device="cpu", threads=2)


FAULTS = {
    "seed": (-1, "is -1; allowed: at least 0"),
    "folds": (21, "is 21; allowed: at least 2 and at most 20"),
    "test_size": (float("nan"), "is nan; allowed: at least 0 and at most 0.9"),
    "margin": ("0.01", "must be a number, not '0.01'"),
    "redact": ("yes", "must be true or false"),
    "target": (False, "must be a text, not False"),
    "base": ("", "is empty"),
    "slices": (["a", "a"], "names 'a' twice"),
    "input": ([1], "must be a text, not 1"),
    "max_length": (True, "must be a whole number, not True"),
    "min_gain": (10**400, "of usual size"),
    "class_weight": ("balance", "did you mean 'balanced'?"),
    "precision": (None, "needs a value"),
    "parameters": ({"x": {1, 2}}, "holds what a recipe cannot"),
    "keep_neighbors": (True, "did you mean 'keep_neighbours'?"),
    "device": ("cpu", "how it runs on one machine; give it as --device"),
    "modality": ("no such", "is 'no such'; allowed: "),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_names_field_and_remedy(name: str) -> None:
    value, words = FAULTS[name]
    with pytest.raises(ParameterError) as caught:
        resolve_recipe({name: value}, origin={name: "--the-flag"})
    (fault,) = caught.value.faults
    assert fault.field == name
    assert fault.file == "--the-flag"
    assert words in str(fault)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(ParameterError, match=f"the recipe: {len(FAULTS)} faults") as caught:
        resolve_recipe({name: value for name, (value, _) in FAULTS.items()})
    assert [fault.field for fault in caught.value.faults] == list(FAULTS)


def test_registered_names_and_their_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    from graftwork.registry import Declaration, Registry

    class Probe:
        declaration = Declaration("probe", "Probe", aliases=("soft",))

    monkeypatch.setattr(Registry, "all", lambda self: {"probe": Probe})
    assert resolve_recipe({"strategy": "soft"}).strategy == "probe"
    assert resolve_recipe({"strategy": "auto"}).strategy == "auto"
    with pytest.raises(ParameterError, match=r"allowed: probe, auto \(did you mean 'probe'\?\)"):
        resolve_recipe({"strategy": "prob"})


def test_a_seed_fits_into_the_generators() -> None:
    assert resolve_recipe({"seed": 2**63 - 1}).seed == 2**63 - 1
    with pytest.raises(ParameterError, match="at most 9223372036854775807"):
        resolve_recipe({"seed": 2**63})
