"""What the pages claim about names, flags and links is so."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from pages import PAGES, ROOT, blocks, text_of

import graftwork
from graftwork.cli.parser import group_flags
from graftwork.cli.verb import verbs
from graftwork.runs.recipe import Recipe

ids = {"ids": lambda page: page.stem}


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


def _flags() -> set[str]:
    found = {"--help", "--json", "--quiet", "--version"}
    found.add("--check")  # of the installer in a bundle
    for verb in verbs():
        found |= {flag.spelling for group in group_flags(verb).values() for flag in group}
    return found


@pytest.mark.parametrize("page", PAGES, **ids)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        assert place.is_relative_to(ROOT.resolve()), f"{page.name}: {target} leaves the project"
        assert place.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(text_of(place)), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, **ids)
def test_every_block_says_how_it_is_tested(page: Path) -> None:
    for block in blocks(page):
        where = f"{page.name}, line {block.line}"
        if block.language in ("bash", "python"):
            assert block.runs or block.mark.startswith("shown: "), where
        else:
            assert block.language in ("text", "json", "yaml", ""), where
            assert block.mark in ("", "output"), where
    assert len(re.findall(r"^```", text_of(page), re.M)) == 2 * len(blocks(page)), "a torn fence"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CONTRIBUTING.md"], **ids)
def test_every_flag_exists(page: Path) -> None:
    text = re.sub(r"^ *(pip|make) .*$|torchrun .* -m ", "", text_of(page), flags=re.M).replace(
        "<!--", ""
    )
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    assert named <= _flags(), page.name


def test_the_flags_are_looked_for() -> None:
    named = {flag for page in PAGES for flag in re.findall(r"--[a-z][a-z-]+", text_of(page))}
    assert len(named) > 20
    assert "--stratgy" not in _flags()


def test_every_verb_is_shown_in_the_readme_or_quickstart() -> None:
    text = text_of(ROOT / "README.md") + text_of(ROOT / "docs" / "quickstart.md")
    text += text_of(ROOT / "docs" / "bases.md") + text_of(ROOT / "docs" / "runs.md")
    names = [verb.declaration.name for verb in verbs()]
    assert not [name for name in names if f"graftwork {name}" not in text]


def test_every_public_name_is_documented() -> None:
    text = text_of(ROOT / "docs" / "python.md")
    missing = [name for name in graftwork.__all__ if not re.search(rf"\b{name}\b", text)]
    assert not missing


def test_every_parameter_of_the_estimators_is_documented() -> None:
    text = text_of(ROOT / "docs" / "python.md")
    for kind in (graftwork.TransferClassifier, graftwork.TransferEncoder):
        for name, default in kind().get_params().items():
            assert f"`{name}`" in text, f"{kind.__name__}.{name}"
            if kind is graftwork.TransferClassifier:
                row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
                told = f'"{default}"' if isinstance(default, str) else str(default)
                assert row.split("|")[2].strip().strip("`") == told, row


def test_every_kind_of_finding_is_documented() -> None:
    source = "".join(
        text_of(path)
        for folder in ("data/checks", "modalities")
        for path in (ROOT / "src" / "graftwork" / folder).glob("*.py")
    )
    kinds = set(re.findall(r'Finding\(\s*"(\w+)"', source))
    kinds |= set(re.findall(r'view\.finding\(\s*"(\w+)"', source))
    assert len(kinds) > 15
    text = text_of(ROOT / "docs" / "data.md")
    told_in_words = {"no_rows", "no_labels", "one_class", "no_train", "near_sampled"}
    missing = sorted(kind for kind in kinds - told_in_words if f"`{kind}`" not in text)
    assert not missing


def test_the_settings_that_the_recipe_page_names_exist() -> None:
    known = {field.name for field in fields(Recipe)}
    page = text_of(ROOT / "docs" / "runs.md")
    recipe = re.search(r'"""\\\n(.*?)"""', page, re.S)
    assert recipe
    keys = set(re.findall(r"^(\w+):", recipe[1], re.M))
    assert keys
    assert keys <= known


def test_the_floors_are_those_that_are_kept() -> None:
    """The picture in architecture.md and the one in CONTRIBUTING.md are import-linter's list."""
    import tomllib

    settings = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["id"] == "floors")
    drawn = next(b for b in blocks(ROOT / "docs" / "architecture.md") if b.language == "text")
    assert [re.split(r"\s{2,}", line)[0] for line in drawn.code.splitlines()] == layers
    contributing = re.findall(r"^    (\S.*)$", text_of(ROOT / "CONTRIBUTING.md"), re.M)
    floors = [re.split(r"\s{2,}", line)[0] for line in contributing]
    assert floors[: len(layers)] == layers


def test_the_picture_is_there_and_small() -> None:
    picture = ROOT / "docs" / "images" / "report.png"
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size < 400_000
