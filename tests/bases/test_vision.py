"""Image networks of transformers, tiny and made in code, as bases."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.bases import load_backbone, open_base
from graftwork.bases.backbone import Backbone, Capability, Prepared, Shape
from graftwork.data.blob import Blob
from graftwork.errors import BaseModelError, DataError, ParameterError, UnsupportedError
from toy_transformers import HIDDEN, LAYERS, SIDE, STAGED, UNIFORM, checkpoint

KINDS = [*UNIFORM, *STAGED]
ONE_BY_ONE = list(UNIFORM)


def picture(seed: int, size: tuple[int, int] = (48, 40)) -> bytes:
    from PIL import Image

    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(coarse).resize(size).save(out, "png")
    return out.getvalue()


BLOBS = [Blob.of_bytes(picture(i, (40 + 3 * i, 60 - 2 * i)), f"{i}.png") for i in range(6)]
ROWS = np.arange(len(BLOBS))
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root, made = tmp_path_factory.mktemp("vision"), {}

    def get(kind: str) -> Path:
        if kind not in made:
            made[kind] = checkpoint(kind, root / kind)
        return made[kind]

    return get


@pytest.fixture
def opened(folders: Callable[[str], Path]) -> Open:
    return lambda kind: open_base(str(folders(kind)), placement=toys.placement())


def whole(backbone: Any, blobs: list[Any] = BLOBS) -> np.ndarray:
    prepared = backbone.prepare(blobs)
    return np.asarray(backbone.encode(prepared, np.arange(len(blobs)), Shape.POOLED))


@pytest.mark.parametrize("kind", KINDS)
def test_face_and_shapes(kind: str, opened: Open) -> None:
    backbone = opened(kind)
    assert isinstance(backbone, Backbone)
    assert (backbone.kind, backbone.modality) == ("vision", "image")
    if kind in UNIFORM:
        assert backbone.widths == (HIDDEN,) * (LAYERS + 1)
        assert backbone.poolings == ("mean", "first")
    else:
        assert backbone.widths == STAGED[kind][3]
        assert backbone.poolings == ("mean", "max")
    prepared = backbone.prepare(BLOBS)
    assert isinstance(prepared, Prepared)
    assert len(prepared) == len(prepared.lengths) == len(BLOBS)
    found = whole(backbone)
    assert found.dtype == np.float32
    assert found.shape == (len(BLOBS), backbone.n_layers, 2, max(backbone.widths))
    assert np.isfinite(found).all()
    for layer, width in enumerate(backbone.widths):
        assert not found[:, layer, :, width:].any()
        assert (np.ptp(found[:, layer, 0, :width], axis=0) > 0).mean() > 0.2  # pictures differ
    told = json.loads(json.dumps(backbone.describe(), allow_nan=False))
    assert told["input"] == [SIDE, SIDE]
    assert told["parameters"] > 1000


@pytest.mark.parametrize("kind", KINDS)
def test_the_features_are_those_of_transformers(kind: str, folders: Any, opened: Open) -> None:
    import torch
    from PIL import Image
    from transformers import AutoImageProcessor, AutoModel

    backbone = opened(kind)
    network = AutoModel.from_pretrained(folders(kind), local_files_only=True).eval()
    processor = AutoImageProcessor.from_pretrained(folders(kind), backend="pil")
    pixels = processor(Image.open(BytesIO(BLOBS[2].read())), return_tensors="pt")
    with torch.inference_mode():
        output = network(**pixels, output_hidden_states=True)
    last = output.last_hidden_state[0]
    first_patch = {"registers": 3, "deit": 2}.get(kind, 1 if kind in UNIFORM else 0)
    mean = last[first_patch:].mean(0) if last.ndim == 2 else last.mean((1, 2))
    other = last[0] if kind in UNIFORM else last.amax(0) if last.ndim == 2 else last.amax((1, 2))
    found = whole(backbone)[2, -1, :, : backbone.widths[-1]]
    np.testing.assert_allclose(found, np.stack([mean.numpy(), other.numpy()]), atol=2e-5)
    inner = output.hidden_states[-2][0]  # of a layer within, where it counts as one
    if kind in UNIFORM:
        expected = inner[first_patch:].mean(0).numpy()
        np.testing.assert_allclose(whole(backbone)[2, -2, 0], expected, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded(kind: str, opened: Open, tmp_path: Path) -> None:
    backbone = opened(kind)
    backbone.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".safetensors"}
    loaded = load_backbone("vision", tmp_path, placement=toys.placement())
    assert loaded.fingerprint() == backbone.fingerprint()
    np.testing.assert_array_equal(whole(loaded), whole(backbone))


@pytest.mark.parametrize("kind", ["vit", "resnet", "swin"])
def test_batch_mates_and_order_change_nothing(kind: str, opened: Open) -> None:
    backbone = opened(kind)
    prepared = backbone.prepare(BLOBS)
    together = whole(backbone)
    back = backbone.encode(prepared, ROWS[::-1].copy(), Shape.POOLED)
    np.testing.assert_allclose(back[::-1], together, atol=1e-5)
    alone = backbone.encode(prepared, np.array([3]), Shape.POOLED)
    np.testing.assert_allclose(alone[0], together[3], atol=1e-5)


@pytest.mark.parametrize("kind", ["vit", "mobilenet_v2"])
def test_fingerprint_follows_weights_and_processor(kind: str, opened: Open, tmp_path: Path) -> None:
    first = opened(kind)
    marks = {first.fingerprint(), first.twin(0).fingerprint(), first.twin(1).fingerprint()}
    other = checkpoint(kind, tmp_path / "weights", seed=1)
    marks.add(open_base(str(other), placement=toys.placement()).fingerprint())
    scaled = checkpoint(kind, tmp_path / "processor")
    told = json.loads((scaled / "preprocessor_config.json").read_text("utf-8"))
    told["image_mean"] = [0.4, 0.5, 0.5]
    (scaled / "preprocessor_config.json").write_text(json.dumps(told), "utf-8")
    marks.add(open_base(str(scaled), placement=toys.placement()).fingerprint())
    assert len(marks) == 5
    assert opened(kind).fingerprint() == first.fingerprint()


def test_views_and_missing_pictures(opened: Open) -> None:
    backbone = opened("vit")
    found = whole(backbone, [BLOBS[0], BLOBS[0].seen_as(1), BLOBS[0].seen_as(2), None])
    for one in range(4):
        for other in range(one):
            assert np.abs(found[one] - found[other]).max() > 1e-3
    again = whole(backbone, [BLOBS[0].seen_as(1)])
    np.testing.assert_allclose(again[0], found[1], atol=1e-5)


def test_what_is_no_picture_is_named(opened: Open) -> None:
    bad = Blob.of_bytes(b"GIF89a nothing", "bad.gif")
    with pytest.raises(DataError, match=r"bad\.gif"):
        whole(opened("vit"), [BLOBS[0], bad])


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_twin_has_other_weights_of_the_same_build(kind: str, opened: Open) -> None:
    backbone = opened(kind)
    one, again, other = (whole(backbone.twin(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert one.shape == whole(backbone).shape
    assert np.abs(one - other).max() > 1e-3
    assert np.abs(one - whole(backbone)).max() > 1e-3


def places(backbone: Any, above: int) -> list[tuple[int, int]]:
    return [(layer, how) for layer in range(above + 1, backbone.n_layers) for how in (0, 1)]


def values(tunable: Any, wanted: list[tuple[int, int]]) -> list[np.ndarray]:
    prepared = tunable.backbone.prepare(BLOBS)
    states = tunable.states(prepared, ROWS) if tunable.cached else None
    return [one.detach().numpy() for one in tunable.pooled(prepared, ROWS, wanted, states)]


def same(found: list[np.ndarray], backbone: Any, wanted: list[tuple[int, int]]) -> None:
    features = whole(backbone)
    for one, (layer, how) in zip(found, wanted, strict=True):
        assert one.shape == (len(BLOBS), backbone.widths[layer])
        expected = features[:, layer, how, : backbone.widths[layer]]
        np.testing.assert_allclose(one, expected, atol=3e-5)


@pytest.mark.parametrize("top", [1, 2])
@pytest.mark.parametrize("kind", ONE_BY_ONE)
def test_stored_states_stand_for_the_lower_layers(kind: str, top: int, opened: Open) -> None:
    backbone = opened(kind)
    assert backbone.supports(Capability.BOUNDARY)
    tunable = backbone.tunable(top)
    assert tunable.cached
    assert tunable.boundary == LAYERS - top
    wanted = places(backbone, tunable.boundary)
    same(values(tunable, wanted), backbone, wanted)
    tunable.put({name: value + 0.01 for name, value in tunable.tensors().items()})
    same(values(tunable, wanted), tunable.finished(), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_all_layers_train_and_begin_as_the_frozen_ones(kind: str, opened: Open) -> None:
    backbone = opened(kind)
    tunable = backbone.tunable()
    assert not tunable.cached
    wanted = places(backbone, 0)
    before = whole(backbone)
    same(values(tunable, wanted), backbone, wanted)
    tunable.put({name: value + 0.01 for name, value in tunable.tensors().items()})
    np.testing.assert_array_equal(whole(backbone), before)  # the original stands still
    done = tunable.finished()
    same(values(tunable, wanted), done, wanted)
    assert done.fingerprint() != backbone.fingerprint()


@pytest.mark.parametrize("kind", ["vit", "dinov2", "resnet", "mobilenet_v2", "swin"])
def test_gradients_reach_what_trains(kind: str, opened: Open) -> None:
    tunable = opened(kind).tunable()
    prepared = tunable.backbone.prepare(BLOBS)
    last = [(tunable.backbone.n_layers - 1, 0)]
    tunable.pooled(prepared, ROWS, last, None)[0].square().sum().backward()
    got = {name for name, p in tunable.network.named_parameters() if p.grad is not None}
    assert got == {name for name, _, _ in tunable.parameters()}


def test_a_network_that_was_judged_learns_on(opened: Open) -> None:
    """BEiT keeps an index that it made; one made in inference mode could not be trained with."""
    import torch

    tunable = opened("beit").tunable()
    prepared = tunable.backbone.prepare(BLOBS)
    with torch.inference_mode():
        tunable.pooled(prepared, ROWS, [(LAYERS, 0)], None)
    tunable.pooled(prepared, ROWS, [(LAYERS, 0)], None)[0].sum().backward()
    assert any(parameter.grad is not None for _, parameter, _ in tunable.parameters())


@pytest.mark.parametrize("kind", STAGED)
def test_stages_have_no_boundary(kind: str, opened: Open) -> None:
    backbone = opened(kind)
    assert backbone.supports(Capability.TRAIN)
    assert not backbone.supports(Capability.BOUNDARY)
    with pytest.raises(UnsupportedError, match="its stages change"):
        backbone.tunable(1)


def test_layers_that_are_not_there(opened: Open) -> None:
    with pytest.raises(ParameterError, match="the base has 1 to 3"):
        opened("vit").tunable(4)


@pytest.mark.parametrize("kind", ["vit", "dinov2", "swin", "convnext"])
def test_low_rank_changes_are_added_to_the_weights(kind: str, opened: Open) -> None:
    pytest.importorskip("peft", reason="peft is not installed")
    backbone = opened(kind)
    assert backbone.supports(Capability.LORA)
    tunable = backbone.low_rank(2, 4.0, seed=0)
    assert tunable.parameters()
    wanted = places(backbone, 0)
    same(values(tunable, wanted), backbone, wanted)
    tunable.put({name: value + 0.05 for name, value in tunable.tensors().items()})
    done = tunable.finished()
    assert np.abs(whole(done) - whole(backbone)).max() > 1e-3
    same(values(tunable, wanted), done, wanted)


def test_no_linear_layers_no_low_rank(opened: Open) -> None:
    pytest.importorskip("peft", reason="peft is not installed")
    backbone = opened("resnet")
    assert not backbone.supports(Capability.LORA)
    with pytest.raises(UnsupportedError, match="no linear layers"):
        backbone.low_rank(2, 4.0, seed=0)


@pytest.mark.slow
def test_a_pickled_backbone_encodes_in_a_fresh_process(opened: Open, tmp_path: Path) -> None:
    backbone = opened("vit")
    whole(backbone)
    (tmp_path / "b.pickle").write_bytes(pickle.dumps((backbone, backbone.tunable(), BLOBS)))
    code = (
        "import pickle, sys, numpy as np\n"
        "from graftwork.bases.backbone import Shape\n"
        "backbone, tunable, blobs = pickle.load(open(sys.argv[1], 'rb'))\n"
        "rows, prepared = np.arange(len(blobs)), backbone.prepare(blobs)\n"
        "found = backbone.encode(prepared, rows, Shape.POOLED)\n"
        "pooled = tunable.pooled(prepared, rows, [(1, 0)], None)[0].detach().numpy()\n"
        "assert np.allclose(pooled, found[:, 1, 0, : pooled.shape[1]], atol=2e-5)\n"
        "np.save(sys.argv[2], found)\n"
    )
    out = tmp_path / "found.npy"
    words = [sys.executable, "-c", code, str(tmp_path / "b.pickle"), str(out)]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    np.testing.assert_allclose(np.load(out), whole(backbone), atol=2e-5)


def changed(folder: Path, file: str, **changes: Any) -> None:
    told = json.loads((folder / file).read_text("utf-8"))
    (folder / file).write_text(json.dumps(told | changes), "utf-8")


def cut_weights(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def without_a_tensor(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["layernorm.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut": (cut_weights, "cut off"),
    "missing tensor": (without_a_tensor, r"layernorm\.weight.*missing"),
    "wrong size": (
        lambda folder: changed(folder, "config.json", intermediate_size=64),
        "config.json asks for",
    ),
    "own code": (lambda folder: changed(folder, "config.json", auto_map={"A": "b"}), "never run"),
    "own processor": (
        lambda folder: changed(folder, "preprocessor_config.json", auto_map={"A": "b.C"}),
        "never run",
    ),
    "unknown processor": (
        lambda folder: changed(folder, "preprocessor_config.json", image_processor_type="Nope"),
        "image processor cannot be used",
    ),
    "no JSON": (
        lambda folder: (folder / "preprocessor_config.json").write_text("{", "utf-8"),
        "cannot be read",
    ),
    "no fixed size": (
        lambda folder: changed(
            folder, "preprocessor_config.json", do_resize=False, do_center_crop=False
        ),
        "different sizes",
    ),
    "another size": (
        lambda folder: changed(
            folder, "preprocessor_config.json", size={"height": 40, "width": 40}
        ),
        "cannot read pictures of 40 x 40",
    ),
    "hides patches": (
        lambda folder: changed(folder, "config.json", model_type="vit_mae"),
        "at random",
    ),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_what_was_tampered_with_is_refused(how: str, tmp_path: Path) -> None:
    folder = checkpoint("vit", tmp_path / "vit")
    damage, words = DAMAGES[how]
    damage(folder)
    with pytest.raises(BaseModelError, match=words):
        open_base(str(folder), placement=toys.placement())


def test_a_text_base_with_a_picture_file_stays_one(checkpoints: Any, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "bert"
    shutil.copytree(checkpoints("bert"), folder)
    (folder / "preprocessor_config.json").write_text("{}", "utf-8")
    assert open_base(str(folder), placement=toys.placement()).kind == "huggingface"


@pytest.mark.parametrize("kind", ["dinov2", "beit", "resnet", "clip"])
def test_what_is_missing_beside_an_image_network_is_its_processor(
    kind: str, tmp_path: Path
) -> None:
    """Not a tokenizer, which it never had; all that is missing is told at once."""
    folder = checkpoint(kind, tmp_path / kind)
    (folder / "preprocessor_config.json").unlink()
    (folder / "model.safetensors").unlink()
    with pytest.raises(BaseModelError, match=r"preprocessor_config\.json is needed") as caught:
        open_base(str(folder), placement=toys.placement())
    assert "no model.safetensors" in str(caught.value)
    assert "tokenizer" not in str(caught.value)
