from __future__ import annotations

import random

import numpy as np
import pytest

from graftwork.data.build import build
from graftwork.data.dataset import TEST, TRAIN, Dataset
from graftwork.data.keys import row_keys, unit_hash
from graftwork.data.read import read
from graftwork.data.schema import resolve_schema
from graftwork.data.splits import parts_by_time, parts_from_column
from graftwork.errors import DataError
from graftwork.modalities.text import Text


def made(columns: dict[str, list[str]], **options: object) -> Dataset:
    names = {name: options.pop(name) for name in ("group", "time", "split") if name in options}
    table = read(columns)
    schema = resolve_schema(table, target="label", inputs=["text"], **names)  # type: ignore[arg-type]
    return build(table, schema, modality="text", **options)[0]  # type: ignore[arg-type]


def some_rows(n: int, seed: int = 0) -> dict[str, list[str]]:
    draw = random.Random(seed)
    words = [
        "card",
        "money",
        "bank",
        "lost",
        "app",
        "login",
        "fee",
        "refund",
        "transfer",
        "limit",
        "pin",
        "atm",
        "cash",
        "blocked",
    ]
    text = [" ".join(draw.choices(words, k=draw.randint(3, 9))) for _ in range(n)]
    return {"text": text, "label": [draw.choice("ab") for _ in range(n)]}


@pytest.mark.parametrize("seed", range(5))
def test_added_rows_never_move_a_test_row_to_train(seed: int) -> None:
    rows = some_rows(600, seed)
    few = {name: values[:300] for name, values in rows.items()}
    options = {"near_duplicates": Text().near_duplicates, "seed": seed}
    before, after = made(few, **options), made(rows, **options)
    was_test = before.parts == TEST
    assert was_test.sum() > 20
    assert (after.parts[:300][was_test] == TEST).all()
    order = np.random.default_rng(seed).permutation(600)
    mixed = made({name: [values[i] for i in order] for name, values in rows.items()}, **options)
    assert (mixed.parts == after.parts[order]).all()


def test_duplicates_share_a_part_and_seeds_differ() -> None:
    rows = some_rows(400)
    rows["text"][200:] = [f" {text.replace(' ', '  ')} " for text in rows["text"][:200]]
    dataset = made(rows)
    assert (dataset.parts[:200] == dataset.parts[200:]).all()
    assert (dataset.groups[:200] == dataset.groups[200:]).all()
    assert 0.1 < (dataset.parts == TEST).mean() < 0.3
    assert (made(rows, seed=1).parts != dataset.parts).any()
    assert made(rows).fingerprint == dataset.fingerprint
    assert (made(rows, test_size=0.0).parts == TRAIN).all()


def test_groups_stay_whole() -> None:
    rows = some_rows(500)
    rows["user"] = [f"u{i % 40}" for i in range(500)]
    dataset = made(rows, group="user")
    for user in set(rows["user"]):
        at = [i for i, name in enumerate(rows["user"]) if name == user]
        assert len(set(dataset.parts[at])) == 1
    assert set(dataset.parts) == {TRAIN, TEST}


def test_time_tests_on_the_newest() -> None:
    rows = some_rows(100)
    rows["when"] = [f"2024-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(100)]
    dataset = made(rows, time="when")
    assert (dataset.parts == TEST).tolist() == [False] * 80 + [True] * 20
    ties = ["1", "1", "2", "2", "10", "10"]
    assert parts_by_time(ties, range(6), test_size=0.2, field="t", file="f").tolist() == (
        [TRAIN] * 4 + [TEST] * 2
    )


def test_times_that_cannot_be_read_are_told_with_rows() -> None:
    rows = some_rows(30)
    rows["when"] = ["2024-05-01"] * 10 + ["2024-05-02T10:00:00Z"] * 18 + ["yesterday", ""]
    with pytest.raises(DataError) as caught:
        made(rows, time="when")
    assert [fault.row for fault in caught.value.faults] == [29, 30]
    rows["when"] = ["2024-05-01"] * 30
    with pytest.raises(DataError, match="one time"):
        made(rows, time="when")


def test_a_split_column_in_any_usual_word() -> None:
    words = ["Train", "training", "val", "valid", "dev", "TEST ", "validation"]
    parts = parts_from_column(words, range(1, 8), field="split", file="f")
    assert parts.tolist() == ["train"] * 2 + ["validation"] * 3 + ["test", "validation"]
    with pytest.raises(DataError) as caught:
        parts_from_column(["train", "tset", "x", "tset"], [2, 3, 4, 5], field="split", file="f")
    assert [fault.row for fault in caught.value.faults] == [3, 4]
    assert "(2 rows)" in str(caught.value)
    assert "did you mean 'test'" in str(caught.value)


def test_nothing_is_moved_in_a_split_of_the_users() -> None:
    rows = some_rows(60)
    rows["text"][59] = rows["text"][0]
    rows["split"] = ["train"] * 40 + ["test"] * 20
    table = read(rows)
    schema = resolve_schema(table, target="label", inputs=["text"], split="split")
    dataset, audit = build(table, schema, modality="text")
    assert dataset.parts.tolist() == rows["split"]
    (found,) = audit.of("exact_across_parts")
    assert 60 in found.rows
    assert 59 in found.data["positions"]


def test_files_give_the_parts() -> None:
    rows = some_rows(50)
    table, test = read(rows), read(some_rows(20, seed=3))
    schema = resolve_schema(table, target="label", inputs=["text"])
    dataset, audit = build(table, schema, modality="text", test_table=test, validation_table=test)
    assert dataset.parts.tolist() == ["train"] * 50 + ["validation"] * 20 + ["test"] * 20
    assert dataset.rows.tolist() == [*range(1, 51), *range(1, 21), *range(1, 21)]
    assert audit.accounting["rows_in"] == 90
    assert len(audit.of("exact_across_parts")[0].data["positions"]) == 20
    with pytest.raises(DataError, match=r"no column 'label'.*did you mean 'labels'"):
        build(table, schema, modality="text", test_table=read({"text": ["a"], "labels": ["b"]}))
    with pytest.raises(DataError, match="int64 here but large_string"):
        build(table, schema, modality="text", test_table=read({"text": ["a"], "label": [1]}))


def test_keys_see_words_not_spaces() -> None:
    keys = row_keys([["café  au lait", " cafe\u0301 au\nlait", "Café au lait", None]])
    assert keys[0] == keys[1] != keys[2]
    assert len(set(map(len, keys))) == 1 == len({32, *map(len, keys)})
    assert row_keys([["a", "a b"], ["b c", "c"]])[0] != row_keys([["a", "a b"], ["b c", "c"]])[1]
    hashes = unit_hash(keys * 500, seed=7)
    assert ((hashes >= 0) & (hashes < 1)).all()
