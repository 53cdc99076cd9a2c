"""Every kind of backbone, and every architecture of the Hugging Face kind, through the same checks.

A new kind adds one row to `ROWS`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.bases import BACKBONES, load_backbone
from graftwork.bases.backbone import Backbone, Capability, Prepared, Shape
from graftwork.errors import GraftworkError, UnsupportedError
from graftwork.registry import Declaration


@dataclass(frozen=True)
class Row:
    """How one backbone is opened, and what changes its features."""

    kind: str
    checkpoint: str | None = None
    layers: int = 1
    poolings: tuple[str, ...] = ()


ROWS = {
    "lexical": Row("lexical"),
    **{
        name: Row("huggingface", name, 4 if name == "modernbert" else 3, ("mean", "first"))
        for name in toys.ENCODERS
    },
    **{name: Row("huggingface", name, 3, ("last", "mean")) for name in toys.DECODERS},
}
TEXTS = [
    "",
    *toys.sentences(7)[0],
    "退款 我要",
    *toys.sentences(3, seed=1)[0],
    "unknownword 🎉 ok",
    "refund",
    *toys.sentences(2, seed=2)[0],
    " ".join(toys.WORDS * 3),  # longer than any of them reads
]
ALL = np.arange(len(TEXTS))


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest) -> Row:
    return ROWS[request.param]


def opened(row: Row, open_tiny: Any, **options: Any) -> Any:
    if row.checkpoint is not None:
        return open_tiny(row.checkpoint, **options)
    made = BACKBONES.get(row.kind)()
    return made.fit(made.prepare(TEXTS)) if made.supports(Capability.FIT) else made


@pytest.fixture
def backbone(row: Row, open_tiny: Any) -> Any:
    return opened(row, open_tiny)


def features(backbone: Any, texts: list[Any] = TEXTS, index: np.ndarray | None = None) -> Any:
    """Of the first shape that the backbone gives in one array."""
    shape = Shape.POOLED if Shape.POOLED in backbone.shapes else Shape.SPARSE
    where = np.arange(len(texts)) if index is None else index
    found = backbone.encode(backbone.prepare(texts), where, shape)
    return found.toarray() if hasattr(found, "toarray") else found


def test_every_kind_has_a_row():
    assert {row.kind for row in ROWS.values()} == set(BACKBONES.names())


def test_face_and_shapes(backbone, row):
    assert isinstance(backbone, Backbone)
    assert backbone.kind == row.kind
    assert isinstance(type(backbone).declaration, Declaration)
    assert type(backbone).declaration.title
    assert (backbone.n_layers, backbone.poolings) == (row.layers, row.poolings)
    prepared = backbone.prepare(TEXTS)
    assert isinstance(prepared, Prepared)
    assert len(prepared) == len(prepared.lengths) == len(TEXTS)
    assert np.issubdtype(prepared.lengths.dtype, np.integer)
    found = features(backbone)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    if Shape.POOLED in backbone.shapes:
        assert found.shape == (len(TEXTS), row.layers, len(row.poolings), toys.HIDDEN)
        assert (found[:, -1, 0].std(axis=0) > 1e-3).all()  # texts differ in every dimension
    else:
        assert found.shape[0] == len(TEXTS)


def test_tokens_shape_where_given(backbone):
    if Shape.TOKENS not in backbone.shapes:
        pytest.skip("gives no tokens")
    prepared = backbone.prepare(TEXTS[1:6])
    found = backbone.encode(prepared, np.arange(5), Shape.TOKENS)
    assert [len(tokens) for tokens in found] == prepared.lengths.tolist()
    pooled = backbone.encode(prepared, np.arange(5), Shape.POOLED)[:, -1]
    mean = backbone.poolings.index("mean")
    expected = np.stack([tokens.mean(axis=0) for tokens in found])
    np.testing.assert_allclose(expected, pooled[:, mean], atol=1e-5)


def test_deterministic_in_the_order_asked(backbone):
    once = features(backbone)
    assert np.array_equal(once, features(backbone))
    back = features(backbone, index=ALL[::-1].copy())
    np.testing.assert_allclose(back[::-1], once, atol=1e-4)


def test_batch_mates_change_nothing(backbone):
    together = features(backbone)
    few = ALL[::4]
    alone = np.concatenate([features(backbone, index=np.array([i])) for i in few])
    np.testing.assert_allclose(alone, together[few], atol=1e-4)


def test_a_missing_text_is_the_empty_text(backbone):
    found = features(backbone, ["refund my parcel", None, ""])
    np.testing.assert_allclose(found[1], found[2], atol=1e-6)


def test_saved_and_loaded(backbone, row, tmp_path):
    before = features(backbone)
    folder = tmp_path / "saved"
    folder.mkdir()
    backbone.save(folder)
    allowed = {".json", ".safetensors", ".txt", ".model", ".jinja"}
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= allowed
    loaded = load_backbone(row.kind, folder, placement=toys.placement())
    assert np.array_equal(features(loaded), before)
    assert loaded.fingerprint() == backbone.fingerprint()
    assert getattr(loaded, "max_length", None) == getattr(backbone, "max_length", None)


def test_fingerprint_changes_with_the_features_and_only_then(row, open_tiny, tmp_path):
    first = opened(row, open_tiny)
    mark = first.fingerprint()
    assert opened(row, open_tiny).fingerprint() == mark
    features(first)
    assert first.fingerprint() == mark  # using it changes nothing
    if row.checkpoint is None:
        assert first.fit(first.prepare(TEXTS), ALL[:9]).fingerprint() != mark
        return
    others = {
        "weights": toys.checkpoint(row.checkpoint, tmp_path / "weights", seed=1),
        "vocabulary": toys.checkpoint(row.checkpoint, tmp_path / "vocabulary"),
    }
    words = others["vocabulary"] / "tokenizer.json"
    words.write_text(words.read_text("utf-8").replace('"lowercase":true', '"lowercase":false'))
    words.write_text(words.read_text("utf-8").replace('"lowercase": true', '"lowercase": false'))
    marks = {
        load_backbone(row.kind, folder, placement=toys.placement()).fingerprint()
        for folder in others.values()
    }
    marks |= {open_tiny(row.checkpoint, max_length=16).fingerprint(), first.twin(0).fingerprint()}
    marks |= {first.twin(1).fingerprint()}
    expected = 5 if row.checkpoint != "qwen2" else 4  # bytes know no lower case
    assert len(marks - {mark}) == expected


def test_names_in_a_config_change_no_fingerprint(row, open_tiny, tmp_path):
    if row.checkpoint is None:
        pytest.skip("has no config of its own")
    same = toys.checkpoint(row.checkpoint, tmp_path / "same")
    told = json.loads((same / "config.json").read_text("utf-8"))
    told |= {"architectures": ["SomethingForSomething"], "id2label": {"0": "spam", "1": "ham"}}
    (same / "config.json").write_text(json.dumps(told), "utf-8")
    loaded = load_backbone(row.kind, same, placement=toys.placement())
    assert loaded.fingerprint() == open_tiny(row.checkpoint).fingerprint()


def test_refuses_a_shape_that_it_does_not_give(backbone):
    prepared = backbone.prepare(TEXTS[:2])
    for shape in set(Shape) - backbone.shapes:
        with pytest.raises(UnsupportedError, match=str(shape)):
            backbone.encode(prepared, np.arange(2), shape)


def test_opens_with_transformers(backbone, row, tmp_path):
    if row.kind != "huggingface":
        pytest.skip("is no Hugging Face directory")
    import torch
    from transformers import AutoModel, AutoTokenizer

    backbone.save(tmp_path)
    network = AutoModel.from_pretrained(tmp_path, local_files_only=True).eval()
    words = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    tokens = words("refund my parcel please", return_tensors="pt", return_token_type_ids=False)
    with torch.inference_mode():
        theirs = network(**tokens).last_hidden_state[0]
    ours = backbone.encode(
        backbone.prepare(["refund my parcel please"]), np.array([0]), Shape.TOKENS
    )
    np.testing.assert_allclose(ours[0], theirs.numpy(), atol=1e-5)


def test_describes_itself_in_json(backbone, row):
    told = json.loads(json.dumps(backbone.describe(), allow_nan=False))
    assert told["kind"] == row.kind
    if row.checkpoint is not None:
        assert told["parameters"] > 1000


def test_capabilities_are_answers_not_errors(backbone):
    assert all(isinstance(backbone.supports(capability), bool) for capability in Capability)


def test_twin_has_other_weights_of_the_same_build(backbone):
    if not hasattr(backbone, "twin"):
        pytest.skip("has no weights")
    one, again, other = (features(backbone.twin(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert one.shape == features(backbone).shape
    assert np.abs(one - other).max() > 1e-3
    assert np.abs(one - features(backbone)).max() > 1e-3


def test_too_long_a_text_is_cut(row, open_tiny):
    if row.checkpoint is None:
        pytest.skip("cuts nothing")
    short = open_tiny(row.checkpoint, max_length=16)
    assert int(short.prepare(TEXTS).lengths.max()) == 16
    assert np.isfinite(features(short)).all()
    limit = open_tiny(row.checkpoint).max_length
    for length in (limit + 1, 10_000):
        with pytest.raises(GraftworkError, match=str(limit)):
            open_tiny(row.checkpoint, max_length=length)


def test_the_folder_imports_nothing_heavy(imports_nothing_heavy):
    imports_nothing_heavy("graftwork.bases", "BACKBONES")
