"""The folder that the examples of README and docs run in: small files, one store for all pages."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `pages`

WORDS = {
    "good": """lovely friendly warm generous delicious cosy charming excellent splendid gentle
        attentive fresh tasty cheerful quick honest spotless superb pleasant welcoming""",
    "bad": """awful rude cold stale greasy dirty noisy slow overpriced bland burnt careless filthy
        soggy dreadful unfriendly sour disgusting cramped dishonest""",
}
THINGS = (
    "soup", "waiter", "room", "bread", "coffee", "staff", "terrace", "dessert", "kitchen",
    "service", "menu", "breakfast",
)  # fmt: skip
FORMS = (
    "The {0} was {1}, we said so at table {2}",
    "{1} {0}, visit number {2}",
    "My note {2}: such a {1} {0}",
)


def reviews(n: int, start: int = 0) -> list[dict[str, str]]:
    """Short reviews; one in ten bears the wrong label. Words are many and rows few."""
    rows = []
    for i in range(start, start + n):
        good = i % 2 == 0
        words = WORDS["good" if good else "bad"].split()
        text = FORMS[i % 3].format(THINGS[(i * 7) % 12], words[(i * 3) % 20], i)
        rows.append(
            {
                "text": text,
                "label": "good" if good != (i % 10 == 3) else "bad",
                "channel": ("app", "web", "shop")[(i * 5) % 3],
                "customer": f"c{(i * 11) % 40}",
                "date": f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}",
            }
        )
    return rows


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def docs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`reviews.csv`, `labelled.csv`, `new.csv` and the base `my-encoder`."""
    import toys

    folder = tmp_path_factory.mktemp("docs")
    _write(folder / "reviews.csv", reviews(160))
    _write(folder / "labelled.csv", reviews(60, start=400))
    _write(folder / "new.csv", [{"text": row["text"]} for row in reviews(20, start=600)])
    toys.checkpoint("bert", folder / "my-encoder")
    return folder


@pytest.fixture
def workplace(docs_folder: Path, own_home: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In that folder, with a cache that the pages share: what one fitted, the next one finds."""
    monkeypatch.setenv("GRAFTWORK_CACHE", str(docs_folder / ".cache"))
    monkeypatch.setenv("GRAFTWORK_STATE", str(docs_folder / ".state"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(docs_folder)
    return docs_folder
