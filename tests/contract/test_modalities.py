"""Every modality through the same checks. A new modality adds one row to `ROWS`."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import toy_pictures
import toys
from graftwork.bases import BACKBONES, open_base
from graftwork.data.blob import Blob
from graftwork.modalities import MODALITIES
from graftwork.modalities.modality import Modality
from graftwork.registry import Declaration


@dataclass(frozen=True)
class Row:
    """Inputs of one modality that show what it must tell apart."""

    different: list[Any]
    near: tuple[Any, Any]  # two inputs that a person would call the same
    blank: list[Any]
    odd: Any  # an input that the audit has to tell of
    secret: tuple[Any, str]  # an input, and what a redacted report must not hold
    hostile: Any  # an input that would run in a browser
    cut: list[tuple[Any, list[str]]]  # inputs with their parts
    fills: bool = False  # what is left out is filled, so that all parts stay
    base: Callable[[Any], Any] | None = None  # a backbone that counts what it makes of inputs


def text_row() -> Row:
    near = "I would like to have my money back for the parcel that never arrived"
    words = zip(toys.WORDS, toys.WORDS[9:], strict=False)
    return Row(
        different=[*(f"{text} {word}" for text, word in words), "", "退款 我要", "🎉"],
        near=(near, near.replace("parcel", "Parcel") + "!"),
        blank=[None, "", "  \t\n", "\u200b"],
        odd=near * 40,
        secret=("my password is hunter2", "hunter2"),
        hostile="<script>alert('x')</script> & \"quotes\"",
        cut=[
            ("the box  came, empty!", ["the", "box", "came,", "empty!"]),
            ("我要退款。please", ["我", "要", "退", "款。", "please"]),
            ("「你好」", ["「你", "好」"]),
            ("don't 🎉", ["don't", "🎉"]),
        ],
        base=lambda open_tiny: open_tiny("bert"),
    )


def image_row() -> Row:
    one, *others = toy_pictures.pictures(13)
    names = [f"row {row}, column {column}" for row in range(1, 8) for column in range(1, 8)]
    return Row(
        different=others,
        near=(one, resaved(one)),
        blank=[None, "", float("nan")],
        odd=toy_pictures.png(np.zeros((4, 300, 3), np.uint8)),
        secret=(Blob.of_bytes(one.read(), "hunter2.png"), "hunter2"),
        hostile=Blob.of_bytes(one.read(), "\"><script>alert('x')</script>.png"),
        cut=[(picture, names) for picture in (one, *others[:2])],
        fills=True,
    )


def resaved(picture: Blob) -> Blob:
    """The same picture, smaller and as a JPEG."""
    from PIL import Image

    held = io.BytesIO()
    with Image.open(io.BytesIO(picture.read())) as opened:
        smaller = opened.resize((opened.width * 3 // 4, opened.height * 3 // 4))
        smaller.save(held, format="JPEG", quality=70)
    return Blob.of_bytes(held.getvalue(), "again.jpg")


ROWS = {"text": text_row(), "image": image_row()}


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest) -> Row:
    return ROWS[request.param]


@pytest.fixture
def modality(row: Row) -> Any:
    name = next(name for name, known in ROWS.items() if known is row)
    return MODALITIES.get(name)()


def test_every_modality_has_a_row():
    assert set(ROWS) == set(MODALITIES.names())


def test_face(modality):
    assert isinstance(modality, Modality)
    assert isinstance(type(modality).declaration, Declaration)
    assert type(modality).declaration.title
    assert isinstance(modality.glance, bool)
    assert modality.noun.islower()


def test_its_classical_backbone_and_its_default_base_are_there(modality):
    assert modality.classical in BACKBONES.names()
    name = type(modality).declaration.name
    assert open_base(modality.classical).modality == name
    assert open_base(modality.default_base, placement=toys.placement()).modality == name


def test_it_recognises_its_own_inputs(modality, row):
    assert modality.recognises(row.different)
    assert not modality.recognises([17, 3.5, 2])
    name = type(modality).declaration.name
    for other, known in ROWS.items():
        if other != name:
            assert not modality.recognises(known.different)


def test_its_own_inputs_are_taken_as_they_are(modality, row, tmp_path):
    values = [*row.different, *row.near]
    for memo in (None, tmp_path / "memo", tmp_path / "memo"):
        taken, faults = modality.take(values, folder=None, memo=memo)
        assert taken == values
        assert faults == {}
    assert modality.take([]) == ([], {})


def test_samples_are_inputs_and_the_same_each_time(modality):
    samples = modality.samples(12)
    assert len(samples) == len(set(samples)) == 12
    assert modality.recognises(samples)
    assert modality.samples(12) == samples
    assert modality.take(samples) == (samples, {})


def test_near_duplicates_share_a_number_and_others_do_not(modality, row):
    inputs = [*row.different, row.near[0], row.near[1]]
    groups = modality.near_duplicates(inputs)
    assert groups.shape == (len(inputs),)
    assert np.issubdtype(groups.dtype, np.integer)
    assert groups[-1] == groups[-2]
    assert len(set(groups.tolist())) == len(row.different) + 1
    assert np.array_equal(groups, modality.near_duplicates(inputs))
    assert modality.near_duplicates([]).shape == (0,)
    blank = modality.near_duplicates([None, row.near[0], None])
    assert blank[0] == blank[2] != blank[1]


def test_blank(modality, row):
    assert all(modality.is_blank(value) for value in row.blank)
    assert not any(modality.is_blank(value) for value in row.near)


def test_audit_of_sound_inputs_finds_nothing_and_names_rows(modality, row, open_tiny):
    rows = list(range(2, len(row.near) + 2))
    assert modality.audit(list(row.near), rows, field="input") == []
    count = row.base(open_tiny).count_tokens if row.base else None
    found = modality.audit([row.odd, row.near[1]], [17, 18], field="input", count_tokens=count)
    assert any(17 in finding.rows for finding in found)
    assert not any(18 in finding.rows for finding in found)
    assert len({finding.kind for finding in found}) == len(found)
    assert all(finding.field == "input" and finding.message for finding in found)
    assert modality.audit([None], [2], field="input") == []


def test_shown_safely(modality, row):
    shown = modality.show(row.hostile)
    assert "<script" not in shown
    assert row.secret[1] in modality.show(row.secret[0])
    assert row.secret[1] not in modality.show(row.secret[0], redact=True)
    assert modality.show(None) is not None


def test_parts_and_what_is_left_without_them(modality, row):
    for value, parts in row.cut:
        assert modality.parts(value) == parts
        assert modality.parts(modality.without(value, [])) == parts
        for i in range(len(parts)):
            rest = modality.without(value, [i])
            kept = parts if row.fills else parts[:i] + parts[i + 1 :]
            assert modality.parts(rest) == kept
            assert rest != value
        if not row.fills:
            assert modality.parts(modality.without(value, range(1, len(parts)))) == parts[:1]
            assert modality.is_blank(modality.without(value, range(len(parts))))
    assert modality.parts(None) == []


def test_overlay_is_a_picture_or_nothing(modality, row):
    for value, parts in row.cut:
        drawn = modality.overlay(value, [(-1.0) ** i * i for i in range(len(parts))])
        assert drawn is None or drawn.startswith(b"\x89PNG")


def test_the_folder_imports_nothing_heavy(imports_nothing_heavy):
    imports_nothing_heavy("graftwork.modalities", "MODALITIES")
