"""Every modality through the same checks. A new modality adds one row to `ROWS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.bases import BACKBONES, open_base
from graftwork.modalities import MODALITIES
from graftwork.modalities.modality import Modality
from graftwork.registry import Declaration


@dataclass(frozen=True)
class Row:
    """Inputs of one modality that show what it must tell apart."""

    different: list[Any]
    near: tuple[Any, Any]  # two inputs that a person would call the same
    blank: list[Any]
    secret: tuple[Any, str]  # an input, and what a redacted report must not hold
    hostile: Any  # an input that would run in a browser
    cut: dict[Any, list[str]]  # inputs with their parts
    base: Callable[[Any], Any]  # a backbone that counts what it makes of inputs


ROWS = {
    "text": Row(
        different=[f"{text} {word}" for word, text in zip(toys.WORDS, toys.WORDS[9:], strict=False)]
        + ["", "退款 我要", "🎉"],
        near=(
            "I would like to have my money back for the parcel that never arrived",
            "I would like to have my money back for the Parcel that never arrived!",
        ),
        blank=[None, "", "  \t\n", "\u200b"],
        secret=("my password is hunter2", "hunter2"),
        hostile="<script>alert('x')</script> & \"quotes\"",
        cut={
            "the box  came, empty!": ["the", "box", "came,", "empty!"],
            "我要退款。please": ["我", "要", "退", "款。", "please"],
            "「你好」": ["「你", "好」"],
            "don't 🎉": ["don't", "🎉"],
        },
        base=lambda open_tiny: open_tiny("bert"),
    )
}


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest) -> Row:
    return ROWS[request.param]


@pytest.fixture
def modality(request: pytest.FixtureRequest, row: Row) -> Any:
    name = next(name for name, known in ROWS.items() if known is row)
    return MODALITIES.get(name)()


def test_every_modality_has_a_row():
    assert set(ROWS) == set(MODALITIES.names())


def test_face(modality):
    assert isinstance(modality, Modality)
    assert isinstance(type(modality).declaration, Declaration)
    assert type(modality).declaration.title


def test_its_classical_backbone_and_its_default_base_are_there(modality):
    assert modality.classical in BACKBONES.names()
    name = type(modality).declaration.name
    assert open_base(modality.classical).modality == name
    assert open_base(modality.default_base, placement=toys.placement()).modality == name


def test_near_duplicates_share_a_number_and_others_do_not(modality, row):
    inputs = [*row.different, row.near[0], row.near[1]]
    groups = modality.near_duplicates(inputs)
    assert groups.shape == (len(inputs),)
    assert np.issubdtype(groups.dtype, np.integer)
    assert groups[-1] == groups[-2]
    assert len(set(groups.tolist())) == len(row.different) + 1
    assert np.array_equal(groups, modality.near_duplicates(inputs))
    assert modality.near_duplicates([]).shape == (0,)


def test_blank(modality, row):
    assert all(modality.is_blank(value) for value in row.blank)
    assert not any(modality.is_blank(value) for value in row.near)


def test_audit_of_sound_inputs_finds_nothing_and_names_rows(modality, row, open_tiny):
    rows = list(range(2, len(row.near) + 2))
    assert modality.audit(list(row.near), rows, field="input") == []
    count = row.base(open_tiny).count_tokens
    long = [row.near[0] * 40, row.near[1]]
    found = modality.audit(long, [17, 18], field="input", count_tokens=count)
    told = {
        finding.code if hasattr(finding, "code") else finding.kind: finding for finding in found
    }
    assert any(17 in finding.rows for finding in told.values())
    assert all(finding.field == "input" and finding.message for finding in told.values())


def test_shown_safely(modality, row):
    shown = modality.show(row.hostile)
    assert "<script" not in shown
    assert row.secret[1] in modality.show(row.secret[0])
    assert row.secret[1] not in modality.show(row.secret[0], redact=True)
    assert modality.show(None) is not None


def test_parts_and_what_is_left_without_them(modality, row):
    for value, parts in row.cut.items():
        assert modality.parts(value) == parts
        assert modality.parts(modality.without(value, [])) == parts
        for i in range(len(parts)):
            rest = modality.without(value, [i])
            assert modality.parts(rest) == parts[:i] + parts[i + 1 :]
        assert modality.parts(modality.without(value, range(1, len(parts)))) == parts[:1]
        assert modality.is_blank(modality.without(value, range(len(parts))))
    assert modality.parts(None) == []


def test_the_folder_imports_nothing_heavy(imports_nothing_heavy):
    imports_nothing_heavy("graftwork.modalities", "MODALITIES")
