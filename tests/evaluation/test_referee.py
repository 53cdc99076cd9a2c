"""The referee: answers as codes, pairs, winners, handovers, the sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graftwork
from graftwork.evaluation.referee import Contestant, Price, Terms, judge, read_answers
from graftwork.evaluation.referee.handover import coverage_at
from graftwork.evaluation.report.comparison_page import comparison_html
from graftwork.stats.holm import holm

LABELS = ("bad", "good", "so-so")
RNG = np.random.default_rng(0)
N = 600
TRUTH = RNG.integers(0, 3, N)


def answers_of(right: float, seed: int) -> list[str | None]:
    rng = np.random.default_rng(seed)
    wrong = (TRUTH + rng.integers(1, 3, N)) % 3
    return [LABELS[i] for i in np.where(rng.random(N) < right, TRUTH, wrong)]


def contestant(name: str, right: float, seed: int, **more: object) -> Contestant:
    read = read_answers(answers_of(right, seed), LABELS)
    return Contestant(name=name, kind="column", source=name, answers=read, **more)  # type: ignore[arg-type]


def test_answers_that_are_no_label_are_counted_and_not_guessed_at() -> None:
    raw = ["good", "Good.", " good", "great", "", None, float("nan"), "SO SO", "great"]
    read = read_answers(raw, LABELS)
    assert read.codes.tolist() == [1, 3, 3, 3, 4, 4, 4, 3, 3]
    assert read.outside == {"great": 2, "Good.": 1, " good": 1, "SO SO": 1}
    assert read.respelt == {"Good.": "good", " good": "good", "SO SO": "so-so"}
    told = read.to_json()
    assert (told["outside"], told["empty"], told["respelt"]) == (5, 3, 3)
    assert told["spellings"][0] == {"answer": "great", "n": 2, "label": None}


def test_they_are_read_as_labels_on_request() -> None:
    raw = ["Good.", "great", "SO SO", "meh"]
    read = read_answers(raw, LABELS, mapping={"great": "good"}, spelling=True)
    assert read.codes.tolist() == [1, 1, 2, 3]
    assert read.read_as == {"Good.": "good", "great": "good", "SO SO": "so-so"}


def test_two_labels_that_differ_in_case_alone_are_never_mixed_up() -> None:
    read = read_answers(["POS", "Pos", "pos"], ("pos", "POS"), spelling=True)
    assert read.codes.tolist() == [1, 2, 0]


def test_the_best_stands_first_and_the_pairs_are_corrected() -> None:
    told = judge(
        TRUTH,
        LABELS,
        [contestant("weak", 0.6, 1), contestant("strong", 0.9, 2), contestant("twin", 0.9, 2)],
        Terms(),
    )
    assert [c["name"] for c in told["contestants"]] == ["strong", "twin", "weak"]
    pairs = {(p["a"], p["b"]): p for p in told["pairs"]}
    assert pairs["strong", "twin"]["difference"]["value"] == 0
    assert pairs["strong", "twin"]["agreement"] == 1
    assert pairs["strong", "twin"]["kappa"] == pytest.approx(1)
    assert pairs["strong", "weak"]["outcome"] == "a"
    assert pairs["strong", "weak"]["p_holm"] >= pairs["strong", "weak"]["p"]
    assert "strong is right on" in told["sentence"]
    assert "better than weak" in told["sentence"]


def test_an_answer_outside_the_labels_is_wrong_but_no_class_of_the_average() -> None:
    from sklearn.metrics import f1_score

    raw = answers_of(0.8, 3)
    raw[:50] = ["who knows"] * 50
    read = read_answers(raw, LABELS)
    one = Contestant(name="a", kind="column", source="a", answers=read)
    found = judge(TRUTH, LABELS, [one], Terms())["contestants"][0]
    theirs = f1_score(TRUTH, read.codes, labels=[0, 1, 2], average="macro", zero_division=0)
    assert found["scores"]["macro_f1"]["value"] == pytest.approx(theirs)
    assert found["scores"]["accuracy"]["value"] == pytest.approx((read.codes == TRUTH).mean())
    assert found["answers"]["outside"] == 50


def test_holm_against_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_rows_that_one_was_trained_on_judge_nobody() -> None:
    seen = np.zeros(N, dtype=bool)
    seen[:100] = True
    told = judge(
        TRUTH, LABELS, [contestant("a", 0.9, 1, seen=seen), contestant("b", 0.8, 2)], Terms()
    )
    assert told["judged"] == N - 100
    assert told["apart"] == {"flagged": 100, "left_out": 100}
    assert told["contestants"][0]["trained_on"]["n"] == 100
    everything = judge(TRUTH, LABELS, [contestant("a", 0.9, 1, seen=seen | True)], Terms())
    assert "Rows it was trained on" in comparison_html(told)
    assert everything["apart"] == {"flagged": N, "left_out": 0}


def test_who_is_sure_where_it_is_right_answers_more_at_the_same_error_rate() -> None:
    rng = np.random.default_rng(5)
    sure = rng.random(4000)
    wrong = rng.random(4000) > 0.5 + sure / 2  # right as often as it is sure
    half = np.arange(4000) % 2 == 0
    shares = [coverage_at(sure, wrong, rate, half).mean() for rate in (0.02, 0.1, 0.2)]
    assert shares[0] < shares[1] < shares[2]
    mine = coverage_at(sure, wrong, 0.1, half)
    assert wrong[mine].mean() == pytest.approx(0.1, abs=0.02)
    assert not coverage_at(np.full(4000, np.nan), wrong, 0.5, half).any()


def test_a_cheap_sure_one_in_front_of_a_dear_one() -> None:
    rng = np.random.default_rng(6)
    sure = rng.random(N)
    cheap = [LABELS[i] for i in np.where(rng.random(N) < sure, TRUTH, (TRUTH + 1) % 3)]
    local = Contestant(
        name="local",
        kind="run",
        source="runs/local",
        answers=read_answers(cheap, LABELS),
        confidence=sure,
        price=Price(0.01, "measured", 360.0),
    )
    vendor = contestant("vendor", 0.9, 9, price=Price(4.0, "stated"))
    told = judge(TRUTH, LABELS, [local, vendor], Terms())
    (found,) = told["handovers"]
    assert (found["first"], found["other"]) == ("local", "vendor")
    assert 0.05 < found["coverage"]["value"] < 0.5
    assert found["price"]["ratio"] == pytest.approx(
        (0.01 + (1 - found["coverage"]["value"]) * 4) / 4
    )
    assert found["price"]["row_ratio"] == pytest.approx(1 / 400)
    assert "With vendor for the rest" in told["sentence"]
    assert "1/400" in told["sentence"]


def test_classes_and_slices_name_their_best() -> None:
    columns = {"channel": ["mail" if i % 2 else "chat" for i in range(N)]}
    told = judge(
        TRUTH,
        LABELS,
        [contestant("weak", 0.5, 1), contestant("strong", 0.95, 2)],
        Terms(slices=columns),
    )
    assert [row["label"] for row in told["classes"]] == list(LABELS)
    assert all(row["best"] == "strong" and row["clear"] for row in told["classes"])
    assert {row["value"] for row in told["slices"]["channel"]} == {"mail", "chat"}
    recall = told["classes"][0]["right"]["strong"]["value"]
    assert recall == pytest.approx((np.asarray(answers_of(0.95, 2))[TRUTH == 0] == "bad").mean())


def test_nothing_to_weigh_is_refused() -> None:
    with pytest.raises(ValueError, match="no labelled rows"):
        judge(np.zeros(0, np.int64), LABELS, [contestant("a", 0.5, 1)], Terms())
    with pytest.raises(ValueError, match="unique"):
        judge(TRUTH, LABELS, [contestant("a", 0.5, 1), contestant("a", 0.5, 2)], Terms())


def test_the_first_by_another_metric_is_not_called_level_with_a_better_one() -> None:
    truth = np.asarray([0] * 360 + [1] * 40)
    often = read_answers(["a"] * 400, ("a", "b"))
    fair = read_answers(["b" if i % 5 == 0 else "a" for i in range(360)] + ["b"] * 40, ("a", "b"))
    pair = [
        Contestant(name=name, kind="column", source=name, answers=answers)
        for name, answers in (("often", often), ("fair", fair))
    ]
    told = judge(truth, ("a", "b"), pair, Terms(metric="macro_f1"))
    assert told["contestants"][0]["name"] == "fair"
    assert told["pairs"][0]["outcome"] == "b"
    assert "on fewer than often (by 8.0 points)" in told["sentence"]
    assert "not told apart" not in told["sentence"]
    assert "often, 95 % interval" in comparison_html(told)  # the tile of most right answers


def test_what_costs_nothing_costs_0_percent() -> None:
    def sentence(mine: float, theirs: float) -> str:
        sure = np.where(np.asarray(answers_of(0.9, 2)) == np.asarray(LABELS)[TRUTH], 0.9, 0.1)
        first = contestant("free", 0.9, 2, confidence=sure, price=Price(mine, "stated"))
        dear = contestant("dear", 0.95, 3, price=Price(theirs, "stated"))
        return str(judge(TRUTH, LABELS, [first, dear], Terms())["sentence"])

    assert "a row that free answers costs 0 %" in sentence(0.0, 4.0)
    assert "inf" not in sentence(1e308, 1e-320)


def test_infinite_confidence_is_answered_only_where_a_threshold_was_found() -> None:
    half = np.arange(100) % 2 == 0
    sure = np.full(100, np.inf)
    assert not coverage_at(sure, np.ones(100, bool), 0.01, half).any()
    assert coverage_at(sure, np.zeros(100, bool), 0.01, half).all()


def test_a_number_is_the_label_that_is_the_same_number() -> None:
    import pandas as pd

    raw = [1.0, np.float64(2.0), 1, "1.0", True, pd.NA, float("nan"), 1.5, np.array(["1"])]
    assert read_answers(raw, ("1", "2")).codes.tolist() == [0, 1, 0, 2, 2, 3, 3, 2, 2]
    assert read_answers([1, 2.5, np.int64(1)], ("1.0", "2.5")).codes.tolist() == [0, 1, 0]


def given(name: str, raw: list[str | None], **more: object) -> Contestant:
    """A contestant with exactly these answers."""
    read = read_answers(raw, LABELS)
    return Contestant(name=name, kind="column", source=name, answers=read, **more)  # type: ignore[arg-type]


def test_two_answers_outside_the_labels_agree_only_where_they_say_the_same() -> None:
    told = judge(TRUTH, LABELS, [given("a", ["foo"] * N), given("b", ["bar"] * N)], Terms())
    (pair,) = told["pairs"]
    assert (pair["agreement"], pair["kappa"], pair["neither"]) == (0, 0, N)
    half = ["foo"] * (N // 2)
    mixed = [
        given("a", [*half, *["x"] * (N // 2)]),
        given("b", [*half, *["y"] * (N // 2)]),
    ]
    assert judge(TRUTH, LABELS, mixed, Terms())["pairs"][0]["agreement"] == 0.5


def test_no_answer_agrees_with_no_answer_alone() -> None:
    everyone = [given("a", [None] * N), given("b", [" "] * N), given("c", ["foo"] * N)]
    pairs = judge(TRUTH, LABELS, everyone, Terms())["pairs"]
    assert {(p["a"], p["b"]): p["agreement"] for p in pairs} == {
        ("a", "b"): 1, ("a", "c"): 0, ("b", "c"): 0
    }  # fmt: skip
    # all rows have one answer: what is beyond chance, nobody can tell
    assert [p["kappa"] for p in pairs] == [None, 0, 0]


def test_agreement_goes_by_the_answers_as_given() -> None:
    """The same kappa as of the plain texts, whatever the order in which each says what."""
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(8)
    words = [*LABELS, "foo", "bar", "baz", ""]
    one, two = (np.asarray(words)[rng.integers(0, len(words), N)].tolist() for _ in range(2))
    two[: N // 2] = one[: N // 2]
    (pair,) = judge(TRUTH, LABELS, [given("a", one), given("b", two)], Terms())["pairs"]
    assert pair["agreement"] == pytest.approx(np.mean([x == y for x, y in zip(one, two)]))  # noqa: B905
    assert pair["kappa"] == pytest.approx(cohen_kappa_score(one, two))


def test_a_number_that_is_no_label_is_one_answer_with_gaps_and_without() -> None:
    def outside(raw: list[object], **more: object) -> list[str]:
        return list(read_answers(raw, ("1", "2"), **more).outside)  # type: ignore[arg-type]

    assert outside([7.0, np.float64(7), 7, "7"]) == ["7"]
    assert outside(["7.0", 7.5, 2.0**60, float("inf")]) == ["7.0", "7.5", str(2.0**60), "inf"]
    read = read_answers([7.0, 7], ("1", "2"), mapping={"7": "1"})
    assert read.codes.tolist() == [0, 0]
    assert read_answers([7.0], ("1", "2"), mapping={"7.0": "1"}).codes.tolist() == [0]


def two_parts(split: int) -> list[Contestant]:
    """One that is right on the first rows alone, one on the others."""
    said = np.asarray(LABELS)[TRUTH]
    wrong = np.asarray(LABELS)[(TRUTH + 1) % 3]
    first = np.arange(N) < split
    return [
        given("early", np.where(first, said, wrong).tolist()),
        given("late", np.where(first, wrong, said).tolist()),
    ]


def test_a_tie_has_no_winner_and_the_page_says_so_and_what_is_clear() -> None:
    parts = ["tie"] * 2 * (N // 6) + ["one"] * (N - 2 * (N // 6))
    told = judge(TRUTH, LABELS, two_parts(N // 6), Terms(slices={"part": parts}))
    rows = {row["value"]: (row["best"], row["clear"]) for row in told["slices"]["part"]}
    assert rows == {"tie": (None, False), "one": ("late", True)}
    slices = comparison_html(told).split('id="slices"')[1].split("</section>")[0]
    one, tie = (line for line in slices.splitlines() if 'scope="row"' in line)
    assert '<span class="chip good">yes</span>' in one
    assert "<b>100.0 %</b>" in one
    assert '<span class="chip good">' not in tie
    assert "<b>" not in tie
    assert "tie</small>" in tie


def test_what_is_not_clear_is_not_called_clear() -> None:
    weighed = [contestant("a", 0.80, 1), contestant("b", 0.79, 2)]
    told = judge(TRUTH, LABELS, weighed, Terms())
    assert not any(row["clear"] for row in told["classes"])
    assert '<span class="chip good">yes' not in comparison_html(told)


def priced(name: str, right: float, seed: int, value: float, source: str = "stated") -> Contestant:
    return contestant(name, right, seed, price=Price(value, source))


@pytest.mark.parametrize(
    ("contestants", "said"),
    [
        pytest.param(
            [priced("lex", 0.82, 1, 10, "measured"), priced("llm", 0.81, 2, 4000)],
            "lex costs about 1/400 of llm (lex as measured here, llm as stated).",
            id="the best is cheaper, the other not told apart",
        ),
        pytest.param(
            [priced("lex", 0.81, 1, 10, "measured"), priced("llm", 0.82, 2, 4000)],
            "lex costs about 1/400 of llm (lex as measured here, llm as stated).",
            id="the other is cheaper and not told apart",
        ),
        pytest.param(
            [priced("good", 0.95, 1, 2), priced("bad", 0.6, 2, 4), priced("ugly", 0.5, 3, 40)],
            "good costs about 50 % of bad and about 1/20 of ugly (as stated).",
            id="the best is clearly better, and cheaper",
        ),
        pytest.param(
            [priced("a", 0.82, 1, 4, "measured"), priced("b", 0.81, 2, 4.1, "measured")],
            "costs about as much as a (as measured here).",
            id="the same cost",
        ),
        pytest.param(
            [priced("free", 0.82, 1, 0), priced("dear", 0.81, 2, 4)],
            "free costs next to nothing beside dear (as stated).",
            id="nothing",
        ),
    ],
)
def test_the_sentence_tells_what_costs_less(contestants: list[Contestant], said: str) -> None:
    assert said in judge(TRUTH, LABELS, contestants, Terms())["sentence"]


@pytest.mark.parametrize(
    "contestants",
    [
        pytest.param(
            [priced("good", 0.95, 1, 40), priced("bad", 0.5, 2, 4)], id="cheap, but worse"
        ),
        pytest.param([contestant("a", 0.82, 1), priced("b", 0.81, 2, 4)], id="of one alone"),
        pytest.param([priced("a", 0.82, 1, 4)], id="nobody to cost more"),
    ],
)
def test_the_sentence_is_silent_where_cost_decides_nothing(contestants: list[Contestant]) -> None:
    assert "costs" not in judge(TRUTH, LABELS, contestants, Terms())["sentence"]


def test_costs_are_told_to_the_digit_that_matters() -> None:
    from graftwork.evaluation.referee.cost import money, ratio_words
    from graftwork.evaluation.report.format import multiple

    values = (0.0, 1e-9, 0.000123, 0.012, 0.5, 4.0, 1234.5, 1e308)
    assert [money(value) for value in values] == [
        "0.00", "< 0.000001", "0.00012", "0.012", "0.50", "4.00", "1,234.50", "1e+308"
    ]  # fmt: skip
    assert [ratio_words(value) for value in (1 / 412_345, 0.01, 0.45)] == [
        "1/410,000",
        "1/100",
        "45 %",
    ]
    parts = (None, 0.0, 0.0001, 0.405, 9.99, 100.002, 583_720.05)
    assert [multiple(value) for value in parts] == [
        "–", "0.0 %", "< 0.1 %", "40.5 %", "999.0 %", "100 ×", "584,000 ×"
    ]  # fmt: skip


def test_the_page_tells_small_costs_and_large_multiples() -> None:
    sure = np.linspace(0, 1, N)
    told = judge(
        TRUTH,
        LABELS,
        [
            contestant("dear", 0.8, 1, confidence=sure, price=Price(40.0, "stated")),
            contestant("cheap", 0.8, 2, price=Price(0.0004, "measured")),
        ],
        Terms(),
    )
    page = comparison_html(told)
    assert ">0.00040<" in page
    assert "Rows it was trained on" not in page  # nobody is known to have been
    assert ">100,000 ×<" in page


def test_every_line_of_the_chart_has_a_look_and_a_place_of_its_own() -> None:
    import re

    sure = np.linspace(0, 1, N)
    names = [f"contestant number {i} of many" for i in range(10)]
    told = judge(
        TRUTH,
        LABELS,
        [contestant(n, 0.8, i, confidence=sure if i < 5 else None) for i, n in enumerate(names)],
        Terms(),
    )
    page = comparison_html(told)
    chart = page.split('<svg class="learning"')[1].split("</svg>")[0]
    drawn = re.findall(r'<polyline class="(curve|level) (hue\d)"', chart)
    assert [kind for kind, _ in drawn] == ["curve"] * 5 + ["level"] * 3
    assert [hue for _, hue in drawn] == [f"hue{i}" for i in range(8)]
    places = sorted(
        float(y) for y in re.findall(r'y="([\d.]+)" text-anchor="start">contest', chart)
    )
    assert len(places) == 8
    assert min(np.diff(places)) >= 14.9
    assert "Not drawn: 2 more." in page
    style = page.split("<style>")[1]
    assert all(f".hue{i} {{" in style and style.count(f"--hue{i}:") == 3 for i in range(8))
    looks = style.split("svg .hue0 {")[1].split("svg .seen")[0]
    assert len(set(re.findall(r"dasharray: ([\d ]+)", looks))) == 7  # and one without


def test_an_answer_that_is_no_label_is_marked_and_an_empty_row_is_no_empty_box() -> None:
    told = judge(TRUTH, LABELS, [contestant("a", 0.8, 1), contestant("b", 0.8, 2)], Terms())
    long = "word " * 100 + "end"
    rows = [
        {"row": 2, "label": "bad", "html": "", "answers": {"a": "bad", "b": long}},
        {"row": 3, "label": "bad", "html": None, "answers": {"a": "good", "b": "bad"}},
    ]
    page = comparison_html(told | {"examples": rows})
    first, second = page.split('<div class="example">')[1:]
    assert '<div class="text">(empty)</div>' in first
    assert "<dd>bad ✓</dd>" in first
    shown = first.split("<i>")[1].split("</i>")[0]
    assert shown.startswith("word word")
    assert shown.endswith("word end")
    assert len(shown) <= 120
    assert "(input left out)" in second
    assert "<dd>good</dd>" in second


def test_no_template_reads_a_method_of_dict_where_a_key_is_meant() -> None:
    """`row.clear` of a dict is its method, which is always true."""
    import jinja2
    from jinja2 import nodes

    def methods(source: str) -> list[tuple[int, str]]:
        tree = jinja2.Environment().parse(source)
        called = {id(call.node) for call in tree.find_all(nodes.Call)}
        return [
            (each.lineno, each.attr)
            for each in tree.find_all(nodes.Getattr)
            if hasattr(dict, each.attr) and id(each) not in called
        ]

    assert methods("{{ row.clear }}{{ row['clear'] }}{{ row.items() }}") == [(1, "clear")]
    templates = sorted(Path(graftwork.__file__).parent.rglob("*.j2"))
    assert len(templates) >= 3
    assert {path.name: methods(path.read_text("utf-8")) for path in templates} == {
        path.name: [] for path in templates
    }
