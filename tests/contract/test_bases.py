"""Every kind of backbone, and every architecture of some kinds, through the same checks.

A new kind adds one row to `ROWS`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import toy_pictures
import toy_transformers
import toys
from graftwork.bases import BACKBONES, load_backbone
from graftwork.bases.backbone import Backbone, Capability, Prepared, Shape
from graftwork.bases.vectors import vectors_of
from graftwork.errors import GraftworkError, UnsupportedError
from graftwork.nn.images import IMAGE_NETWORKS
from graftwork.registry import Declaration


@dataclass(frozen=True)
class Row:
    """How one backbone is opened, and what changes its features."""

    kind: str
    checkpoint: str | None = None
    layers: int = 1
    poolings: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    modality: str = "text"


def image_row(name: str, *widths: int) -> Row:
    """One of our own image networks; `widths`: channels of its layers."""
    poolings = ("mean", "max", "grid") if widths[-1] <= 512 else ("mean", "max")
    return Row("convnet", name, len(widths), poolings, widths, "image")


IMAGE_ROWS = [
    image_row("darknet_tiny", 32, 128, 256, 512, 128),
    image_row("mobilenet_v1_0.25", 16, 32, 64, 128, 256),
    image_row("mobilenet_v1_1.0", 64, 128, 256, 512, 1024),
    image_row("mobilenet_v2", 16, 24, 32, 96, 320, 1280),
    image_row("resnet20_cifar", 16, 16, 32, 64),
    image_row("resnet32_cifar", 16, 16, 32, 64),
    image_row("resnet56_cifar", 16, 16, 32, 64),
    image_row("squeezenet1_0", 96, 256, 512, 512),
    image_row("squeezenet1_1", 64, 128, 256, 512),
]
ROWS = {
    "lexical": Row("lexical"),
    "hog": Row("hog", None, 1, ("grid",), (2044,), "image"),
    "vit": Row("vision", "vit", 4, ("mean", "first"), (32,) * 4, "image"),
    "resnet": Row("vision", "resnet", 3, ("mean", "max"), (8, 16, 24), "image"),
    **{
        name: Row("huggingface", name, 4 if name == "modernbert" else 3, ("mean", "first"))
        for name in toys.ENCODERS
    },
    **{name: Row("huggingface", name, 3, ("last", "mean")) for name in toys.DECODERS},
    **{str(row.checkpoint): row for row in IMAGE_ROWS},
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
PICTURES = [
    *toy_pictures.pictures(9),
    None,
    *toy_pictures.pictures(4, seed=1),
    toy_pictures.png(np.zeros((1, 200, 3), np.uint8)),
]
INPUTS: dict[str, list[Any]] = {"text": TEXTS, "image": PICTURES}


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest) -> Row:
    return ROWS[request.param]


@pytest.fixture(scope="session")
def open_network(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("networks")

    def get(kind: str, name: str) -> Any:
        folder = root / kind / name
        if not folder.exists():
            _image_checkpoint(kind, name, folder)
        return load_backbone(kind, folder, placement=toys.placement())

    return get


@pytest.fixture
def open_row(row: Row, open_tiny: Any, open_network: Any) -> Any:
    """Opens the row's backbone, anew each time."""
    return lambda **options: opened(row, open_tiny, open_network, **options)


def _image_checkpoint(kind: str, name: str, folder: Any, seed: int = 0) -> Any:
    write = toy_pictures.network if kind == "convnet" else toy_transformers.checkpoint
    return write(name, folder, seed=seed)


def opened(row: Row, open_tiny: Any, open_network: Any, **options: Any) -> Any:
    if row.modality == "image" and row.checkpoint is not None:
        return open_network(row.kind, row.checkpoint)
    if row.checkpoint is not None:
        return open_tiny(row.checkpoint, **options)
    made = BACKBONES.get(row.kind)()
    return made.fit(made.prepare(TEXTS)) if made.supports(Capability.FIT) else made


@pytest.fixture
def backbone(open_row: Any) -> Any:
    return open_row()


@pytest.fixture
def inputs(row: Row) -> list[Any]:
    return INPUTS[row.modality]


def features(
    backbone: Any, inputs: list[Any] | None = None, index: np.ndarray | None = None
) -> Any:
    """Of the first shape that the backbone gives in one array."""
    inputs = INPUTS[backbone.modality] if inputs is None else inputs
    shape = Shape.POOLED if Shape.POOLED in backbone.shapes else Shape.SPARSE
    where = np.arange(len(inputs)) if index is None else index
    found = backbone.encode(backbone.prepare(inputs), where, shape)
    return found.toarray() if hasattr(found, "toarray") else found


def test_every_kind_has_a_row():
    assert {row.kind for row in ROWS.values()} == set(BACKBONES.names())


def test_every_image_network_has_a_row():
    assert [row.checkpoint for row in IMAGE_ROWS] == IMAGE_NETWORKS.names()


def test_face_and_shapes(backbone, row, inputs):
    assert isinstance(backbone, Backbone)
    assert (backbone.kind, backbone.modality) == (row.kind, row.modality)
    assert isinstance(type(backbone).declaration, Declaration)
    assert type(backbone).declaration.title
    assert (backbone.n_layers, backbone.poolings) == (row.layers, row.poolings)
    prepared = backbone.prepare(inputs)
    assert isinstance(prepared, Prepared)
    assert len(prepared) == len(prepared.lengths) == len(inputs)
    assert np.issubdtype(prepared.lengths.dtype, np.integer)
    found = features(backbone)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    if Shape.POOLED in backbone.shapes:
        widest = max(max(layer) for layer in vectors_of(backbone).widths)
        assert found.shape == (len(inputs), row.layers, len(row.poolings), widest)
        last = found[:, -1, 0, : row.widths[-1] if row.widths else widest]
        moving = (last.std(axis=0) > 1e-3).mean()
        # inputs differ in every dimension; of a random network ReLU leaves some channels dark
        assert moving == 1 or (row.modality == "image" and moving > 0.5)
    else:
        assert found.shape[0] == len(inputs)


def test_layers_of_unlike_widths_are_filled_with_zeros(backbone, row):
    if not row.widths:
        pytest.skip("all its layers are as wide as each other")
    assert tuple(backbone.widths) == row.widths
    found = features(backbone)
    for layer, widths in enumerate(vectors_of(backbone).widths):
        for pooling, width in enumerate(widths):
            assert (found[:, layer, pooling, width:] == 0).all()
            assert (found[:, layer, pooling, :width] != 0).mean() > 0.2


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


def test_map_shape_where_given(backbone, row, inputs):
    if Shape.MAP not in backbone.shapes:
        pytest.skip("gives no maps")
    prepared = backbone.prepare(inputs[:3])
    found = backbone.encode(prepared, np.arange(3), Shape.MAP)
    assert found.dtype == np.float32
    assert found.shape[:2] == (3, row.widths[-1])
    pooled = backbone.encode(prepared, np.arange(3), Shape.POOLED)[:, -1, :, : row.widths[-1]]
    for pooling, expected in (("mean", found.mean((2, 3))), ("max", found.max((2, 3)))):
        got = pooled[:, backbone.poolings.index(pooling)]
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_deterministic_in_the_order_asked(backbone, inputs):
    once = features(backbone)
    assert np.array_equal(once, features(backbone))
    back = features(backbone, index=np.arange(len(inputs))[::-1].copy())
    np.testing.assert_allclose(back[::-1], once, atol=1e-4)


def test_batch_mates_change_nothing(backbone, inputs):
    together = features(backbone)
    few = np.arange(len(inputs))[::4]
    alone = np.concatenate([features(backbone, index=np.array([i])) for i in few])
    np.testing.assert_allclose(alone, together[few], atol=1e-4)


def test_a_missing_text_is_the_empty_text(backbone, row):
    if row.modality != "text":
        pytest.skip("reads no texts")
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


def test_fingerprint_stands_still_while_it_is_used(open_row):
    first = open_row()
    mark = first.fingerprint()
    assert open_row().fingerprint() == mark
    features(first)
    assert first.fingerprint() == mark


def test_fingerprint_changes_with_the_features(row, open_row, open_tiny, tmp_path):
    first = open_row()
    mark = first.fingerprint()
    if row.kind == "hog":
        assert type(first)(cell=16).fingerprint() != mark
        return
    if row.checkpoint is None:
        assert first.fit(first.prepare(TEXTS), np.arange(9)).fingerprint() != mark
        return
    if row.modality == "image":
        marks = _image_marks(row, first, tmp_path)
        assert len(marks - {mark}) == (5 if row.kind == "convnet" else 4)
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


def _image_marks(row: Row, first: Any, root: Any) -> set[str]:
    """Other weights, another input, another way to resize, and two random twins."""
    name = str(row.checkpoint)
    others = [_image_checkpoint(row.kind, name, root / "weights", seed=1)]
    if row.kind == "convnet":
        others.append(toy_pictures.network(name, root / "input", size=48))
        others.append(toy_pictures.network(name, root / "resize", resize="pad"))
    else:
        others.append(_image_checkpoint(row.kind, name, root / "input"))
        told = json.loads((root / "input" / "preprocessor_config.json").read_text("utf-8"))
        told["image_mean"] = [0.1, 0.2, 0.3]
        (root / "input" / "preprocessor_config.json").write_text(json.dumps(told), "utf-8")
    loaded = [load_backbone(row.kind, f, placement=toys.placement()) for f in others]
    return {one.fingerprint() for one in [*loaded, first.twin(7), first.twin(8)]}


def test_names_in_a_config_change_no_fingerprint(row, open_tiny, tmp_path):
    if row.kind != "huggingface":
        pytest.skip("has no names in its config")
    same = toys.checkpoint(row.checkpoint, tmp_path / "same")
    told = json.loads((same / "config.json").read_text("utf-8"))
    told |= {"architectures": ["SomethingForSomething"], "id2label": {"0": "spam", "1": "ham"}}
    (same / "config.json").write_text(json.dumps(told), "utf-8")
    loaded = load_backbone(row.kind, same, placement=toys.placement())
    assert loaded.fingerprint() == open_tiny(row.checkpoint).fingerprint()


def test_refuses_a_shape_that_it_does_not_give(backbone, inputs):
    prepared = backbone.prepare(inputs[:2])
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
    if row.kind != "huggingface":
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
