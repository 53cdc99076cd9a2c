"""The report: self-contained, escaped, redacted on request, whole whatever is absent."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from evaluation_cases import NASTY, contender, control, evidence

from graftwork.errors import StorageError
from graftwork.evaluation.card import card
from graftwork.evaluation.report import render
from graftwork.evaluation.report.charts import Scale, scale_for
from graftwork.evaluation.report.format import difference, duration, figure, span
from graftwork.evaluation.report.render import parted, to_html

SECRET = "the secret text of a row"
CURVES = [
    {"losses": [1.5, 0.75, 0.5], "scores": [0.625, 0.75, 0.7], "seconds": [3.0, 4.0, 65.0]},
    {"losses": [1.25, 1.125], "scores": [0.5], "seconds": [3.0, 4.0]},  # cut before it was scored
]
VOID = {"meta", "wbr", "line", "circle", "img", "br", "path", "link"}


class Page(HTMLParser):
    """Checks that tags are balanced; collects scripts, attributes and ids."""

    def __init__(self, html):
        super().__init__()
        self.open, self.scripts, self.attributes, self.tags = [], 0, [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.scripts += tag == "script"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def payload(nasty=False, **more):
    text = NASTY if nasty else "fine"
    found = evidence(
        labels=[f"{text} {i}" for i in range(4)],
        slices={f"column {text}": [f"value {text}"] * 150 + ["other"] * 150},
        without={f"duplicates {text}": np.arange(300) < 9},
        contaminated=np.zeros(300, dtype=bool),
        openings=2,
        chosen_info={
            "reason": f"reason {text}",
            "C": 1.0,
            "rungs": [
                {"name": "lexical", "value": 0.7, "low": 0.6, "high": 0.8, "seconds": 2.0,
                 "note": text, "taken": True},
                {"name": "probe", "title": f"rung {text}", "value": 0.9, "low": 0.8, "high": 0.95,
                 "seconds": 6.0, "taken": True, "chosen": True},
                {"name": "finetune", "title": f"tuned {text}", "value": 0.8, "low": 0.7,
                 "high": 0.9, "seconds": 24.0, "taken": False, "facts": {"curves": CURVES}},
            ],
            "not_tried": [
                {"name": "lora", "title": f"adapters {text}", "reason": f"too long, {text}"},
                {"name": "top", "reason": "no layers"},
            ],
        },
        cost={"seconds": 12.5, "steps": {f"encode {text}": 9.0}, "peak_memory_mb": 2000.0,
              "base_passes": 1, "latency_ms": 4.2, "device": text},
        audit={"rows_in": 400, "used": 390, "quarantined": 4, "dropped": 6,
               "set_aside": [{"row": 3, "reason": "blank_input", "detail": SECRET}],
               "findings": [{"kind": f"ragged {text}", "message": f"{SECRET} {text}", "count": 4,
                             "rows": [3, 4], "severity": "error"}]},
    )  # fmt: skip
    found["examples"] = [
        {"row": 17, "html": f"{SECRET} &lt;b&gt;", "label": f"label {text}",
         "predicted": f"predicted {text}", "probability": 0.93, "why": f"{SECRET} {text}"}
    ]  # fmt: skip
    found["recipe"] = {"target": f"target {text}", "base": text, "input": [text]}
    found["record"] = {
        "run_id": "abc",
        "command": f"graftwork fit {text}",
        "versions": {text: text},
    }
    found["verdict"]["per_control"]["lexical"]["title"] = f"control {text}"
    found["verdict"]["sentence"] = f"Transfer helped: {text}."
    found["chosen"]["title"] = f"chosen {text}"
    return {**found, **more}


def test_is_one_file_that_fetches_nothing(tmp_path):
    path = render(payload(), tmp_path)
    assert path == tmp_path / "report.html"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == []
    assert not {"link", "iframe", "object", "img"} & set(page.tags)
    assert not [value for name, value in page.attributes if name in {"src", "srcset"}]
    links = [value for name, value in page.attributes if name == "href"]
    assert links
    assert all(link.startswith("#") and f'id="{link[1:]}"' in html for link in links)
    assert not re.search(r"https?://|url\(|@import", html)
    assert "default-src 'none'" in html


def test_says_the_verdict_and_every_part():
    html = to_html(payload())
    for words in ("Transfer helped", "lexical", "rung fine", "column fine",
                  "worst", "What it cost", "2.0 GB", "opened 2 times before", "label fine",
                  SECRET, "rows 3, 4", "graftwork fit fine", "confidence, %"):  # fmt: skip
        assert words in html, words


def ladder_chart(html):
    """(dots as (class, x, y), titles) of the chart of score against seconds."""
    (svg,) = re.findall(
        r'<svg [^>]*aria-label="Score against seconds of search">(.*?)</svg>', html, re.S
    )
    dots = re.findall(r'<circle class="([a-z ]+)" cx="([0-9.]+)" cy="([0-9.]+)"', svg)
    titles = re.findall(r"<title>(.*?)</title>", svg)
    return [(kind, float(x), float(y)) for kind, x, y in dots], titles, svg


def test_the_ladder_is_drawn_as_score_against_seconds():
    html = to_html(payload())
    dots, titles, svg = ladder_chart(html)
    assert [title.split(":")[1].strip() for title in titles] == [
        "70.0 % after 2.0 s", "90.0 % after 8.0 s", "80.0 % after 32 s"
    ]  # fmt: skip
    (_, x1, low), (_, x2, high), (_, x3, middle) = dots
    assert (x3 - x1) / (x2 - x1) == pytest.approx((32 - 2) / (8 - 2), abs=0.02)  # to scale
    assert low > middle > high  # y grows downwards
    assert (low - middle) == pytest.approx(middle - high, abs=0.2)
    assert [kind for kind, _, _ in dots] == ["dot", "dot", "dot hoped"]  # the last was not taken
    assert svg.count('class="whisker"') == 3
    assert svg.count('class="line"') == svg.count('class="line hoped"') == 1
    assert "seconds spent in searching" in svg
    assert ">16 s<" in svg
    assert ">32 s<" in svg
    assert "1: lexical; 2: rung fine; 3: tuned fine." in html


def test_a_training_stands_on_what_it_was_compared_with():
    """Its own score is of its pilot's rows: lower here, though it gains five points."""
    found = payload()
    found["chosen"]["rungs"][2] |= {"taken": True, "gain": {"value": 0.05}}
    _, titles, _ = ladder_chart(to_html(found))
    assert titles[1:] == ["rung fine: 90.0 % after 8.0 s", "tuned fine: 95.0 % after 32 s"]


def test_no_sum_of_gains_is_more_than_all():
    found = payload()
    found["chosen"]["rungs"][2] |= {"taken": True, "gain": {"value": 0.15}, "high": 0.9}
    _, titles, svg = ladder_chart(to_html(found))
    assert titles[2] == "tuned fine: 100.0 % after 32 s"
    assert not re.search(r">1(05|10) %", svg)


def test_one_rung_is_no_chart_and_no_rung_no_ladder():
    one = payload()
    one["chosen"]["rungs"] = one["chosen"]["rungs"][:1]
    assert "Score against seconds of search" not in to_html(one)
    assert "was not tried" in to_html(one)
    one["chosen"]["not_tried"] = []
    assert "was not tried" not in to_html(one)


def table_rows(html, label):
    """The cells of a table's rows."""
    (part,) = re.findall(rf'aria-label="{label}"><table>(.*?)</table>', html, re.S)
    (body,) = re.findall(r"<tbody>(.*?)</tbody>", part, re.S)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]


def test_trainings_are_shown_epoch_by_epoch():
    assert table_rows(to_html(payload()), "Trainings, epoch by epoch") == [
        ["tuned fine", "1", "1", "1.500", "62.5 %", "3.0 s"],
        ["tuned fine", "1", "2", "0.750", "75.0 %", "4.0 s"],
        ["tuned fine", "1", "3", "0.500", "70.0 %", "1 min 05 s"],
        ["tuned fine", "2", "1", "1.250", "50.0 %", "3.0 s"],
        ["tuned fine", "2", "2", "1.125", "–", "4.0 s"],
    ]


def test_rungs_that_were_not_tried_are_named_with_their_reason():
    html = to_html(payload())
    assert "<b>adapters fine</b> was not tried: too long, fine." in html
    assert "<b>top</b> was not tried: no layers." in html


def test_every_user_text_is_escaped():
    html = to_html(payload(nasty=True))
    assert NASTY not in html
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert") >= 20
    page = Page(html)
    assert page.scripts == 1
    assert page.open == []


def test_attributes_cannot_be_left():
    html = to_html(payload(record={"run_id": '" onload="x'}, recipe={"target": "' onclick='x"}))
    names = {name for name, _ in Page(html).attributes}
    assert not {name for name in names if name.startswith("on")}


def test_redact_leaves_no_text():
    html = to_html(payload(), redact=True)
    assert SECRET not in html
    assert "Row 17: input left out" in html
    assert "rows 3, 4" in html  # where to look is no text
    assert SECRET in to_html(payload())


def test_the_policy_lets_the_own_script_run():
    import base64
    import hashlib

    html = to_html(payload())
    script = re.search(r"<script>(.*?)</script>", html, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


@pytest.mark.parametrize("absent", ["verdict", "controls", "confidence", "audit", "cost",
                                    "examples",
                                    "recipe", "record", "slices", "chosen", "confusion",
                                    "per_class", "openings", "transfer", "test"])  # fmt: skip
def test_absent_parts_are_left_out(absent):
    reduced = payload()
    reduced.pop(absent)
    assert Page(to_html(reduced)).open == []
    assert card(reduced)


def test_nothing_at_all_is_still_a_page():
    assert Page(to_html({})).open == []
    assert card({}).startswith("---\n")


def test_many_classes_are_told_by_pairs():
    few, many = to_html(evidence(k=12)), to_html(evidence(k=31, n=900))
    assert "Confusion matrix" in few
    assert "Confusion matrix" not in many
    assert "31 classes are too many for a picture" in many


def test_the_model_kept_may_be_another_than_the_transfer():
    truth = np.random.default_rng(0).integers(0, 4, 300)
    classical = contender(truth, 4, 0.9, 2, name="lexical", title="TF-IDF")
    found = evidence(chosen=classical, controls=[control(truth, 4, 0.9, 2)], right=0.9)
    assert "The model that this run keeps is another one: TF-IDF" in to_html(found)


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(StorageError, match="report"):
        render(payload(), tmp_path / "absent")


def test_card_is_safe_markdown():
    found = payload(nasty=True)
    found["labels"] = None
    found["per_class"][0]["label"] = "a|b\n# c `d` [e](f)"
    text = card(found)
    assert "<script>" not in text
    assert "a\\|b \\# c \\`d\\` \\[e\\](f)" in text
    assert SECRET not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.endswith(" |") for line in rows)


def test_scales_have_round_ticks_and_hold_all():
    scale = scale_for([{"value": 0.813, "low": 0.79, "high": 0.84}, {"value": 0.9}])
    assert scale.ticks[0] <= 0.79
    assert scale.ticks[-1] >= 0.9
    assert 0 <= scale.at(0.813) <= 100
    assert Scale(0.5, 0.5).at(0.5) == pytest.approx(50)
    near = scale_for([{"value": 0.01}, {"value": 0.7}], zero=True, reach=0.04)
    assert near.high < 0.1


def test_figures_as_people_read_them():
    assert figure(0.8494, share=True) == "84.9 %"
    assert figure(float("nan")) == figure(None) == "–"
    assert difference(-0.068, share=True) == "−6.8"
    assert difference(-0.00001) == "0.000"
    assert span({"low": 0.8, "high": 0.9}, share=True) == "80.0 to 90.0 %"
    assert span({"low": None, "high": 0.9}) == "–"
    assert [duration(s) for s in (0.42, 31.4, 245, 7800)] == [
        "0.42 s", "31 s", "4 min 05 s", "2 h 10 min"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("label", "html"),
    [("refund_status", "refund_<wbr>status"), ("a<b>/c", "a&lt;b&gt;/<wbr>c"), (3, "3")],
)
def test_a_long_label_breaks_between_its_words(label: Any, html: str) -> None:
    assert str(parted(label)) == html
