from __future__ import annotations

from graftwork.data.words import counted, some_of, spelt


def test_counts_agree_with_their_nouns() -> None:
    assert counted(1, "row repeats", "rows repeat") == "1 row repeats"
    assert counted(0, "row", "rows") == "0 rows"
    assert counted(12_000, "row", "rows") == "12,000 rows"


def test_names_stay_on_their_line() -> None:
    assert spelt("ein Käfer.jpg") == "ein Käfer.jpg"
    assert spelt("a\nb.jpg") == "'a\\nb.jpg'"
    assert spelt("a\udcff.jpg").isprintable()
    assert some_of(["a", "b", "c"]) == "a, b, c"
    assert some_of(["a", "b", "c", "d"]) == "a, b, c, …"
