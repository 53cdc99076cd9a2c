"""The folder that the examples of README and docs run in: small files, one store for all pages."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `pages`

LABELS = ("damaged_item", "invoice_request", "account_login", "product_question")


def reviews(start: int, n: int) -> list[dict[str, str]]:
    """Rows of four labels out of the demo's inbox, with a customer and a date."""
    from importlib import resources

    path = resources.files("graftwork.apps.demo").joinpath("support_tickets.csv")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["intent"] in LABELS]
    return [
        {
            "text": row["text"],
            "label": row["intent"],
            "channel": row["channel"],
            "customer": f"c{i * 11 % 40}",
            "date": f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}",
        }
        for i, row in enumerate(rows[start : start + n])
    ]


def _with_answer(i: int, row: dict[str, str]) -> dict[str, str]:
    """The row with what somebody else answered: mostly right, once in a while no label."""
    wrong = LABELS[(LABELS.index(row["label"]) + 1) % len(LABELS)]
    said = "I cannot tell" if i % 15 == 0 else wrong if i % 6 == 0 else row["label"]
    return {**row, "llm_answer": said}


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def docs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small tables, pictures, the text base `my-encoder`, the image base `bases/mobilenet`."""
    import toy_pictures
    import toys
    from graftwork.data.drawn import draw_folder

    folder = tmp_path_factory.mktemp("docs")
    _write(folder / "reviews.csv", reviews(0, 200))
    _write(folder / "labelled.csv", [_with_answer(i, r) for i, r in enumerate(reviews(200, 60))])
    _write(folder / "new.csv", [{"text": row["text"]} for row in reviews(260, 20)])
    toys.checkpoint("bert", folder / "my-encoder")
    draw_folder(folder / "photos", per_class=8)
    toy_pictures.network("mobilenet_v2", folder / "bases" / "mobilenet")
    return folder


@pytest.fixture
def workplace(docs_folder: Path, own_home: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In that folder, with a cache that the pages share: what one fitted, the next one finds."""
    monkeypatch.setenv("GRAFTWORK_CACHE", str(docs_folder / ".cache"))
    monkeypatch.setenv("GRAFTWORK_STATE", str(docs_folder / ".state"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(docs_folder)
    return docs_folder
