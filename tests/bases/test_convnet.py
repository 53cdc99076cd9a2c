"""Image networks: real weights, where they can be cut, what they refuse."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_pictures
import toys
from graftwork.bases import load_backbone, open_base
from graftwork.bases._convnet_config import (
    class_count,
    default_config,
    fit_report,
    fitting_architectures,
)
from graftwork.bases.backbone import Capability, Shape
from graftwork.data.blob import Blob
from graftwork.errors import (
    BaseModelError,
    DataError,
    ParameterError,
    UnknownNameError,
    UnsupportedError,
)
from graftwork.storage.tensors import check_safetensors, load_tensors, save_tensors

PICTURES = toy_pictures.pictures(5)
ROWS = np.arange(len(PICTURES))
SMALL = "resnet20_cifar"
CARDS = {
    "darknet_tiny": "darknet_tiny",
    "mobilenet_v1_0.25": "mobilenet_v1_0.25",
    "mobilenet_v1_1.0": "mobilenet_v1_1.0_backbone",
    "mobilenet_v2": "mobilenet_v2_1.0",
    "resnet20_cifar": "resnet20_cifar10",
    "resnet32_cifar": "resnet32_cifar10",
    "resnet56_cifar": "resnet56_cifar10",
    "squeezenet1_0": "squeezenet1_0",
    "squeezenet1_1": "squeezenet1_1",
}


def opened(folder: Path) -> Any:
    return load_backbone("convnet", folder, placement=toys.placement())


def pooled(backbone: Any, inputs: list[Any] = PICTURES) -> np.ndarray:
    return backbone.encode(backbone.prepare(inputs), np.arange(len(inputs)), Shape.POOLED)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return opened(toy_pictures.network(SMALL, tmp_path_factory.mktemp("small")))


# -- the shared weights ---------------------------------------------------------------------------


def published(shared: Path, name: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """A base made of shared weights, and their card; the architecture is found by the shapes."""
    source = shared / "data" / "weights" / CARDS[name]
    if not source.is_dir():
        pytest.skip(f"no weights: {source} is not there")
    shutil.copyfile(next(source.glob("*.safetensors")), folder / "model.safetensors")
    header = check_safetensors(folder / "model.safetensors")
    shapes = {n: tuple(e["shape"]) for n, e in header.items() if n != "__metadata__"}
    assert fitting_architectures(shapes) == [name]
    config = default_config(name, n_classes=class_count(name, shapes))
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder, json.loads(next(source.glob("*.card.json")).read_text("utf-8"))


@pytest.mark.parametrize("name", CARDS)
def test_shared_weights_fit_and_tell_pictures_apart(
    name: str, shared: Path, tmp_path: Path
) -> None:
    folder, card = published(shared, name, tmp_path)
    backbone = opened(folder)
    assert backbone.describe()["parameters"] == card["parameters"]
    assert backbone.config["n_classes"] == (None if "backbone" in card["name"] else 1000) or (
        name.endswith("cifar") and backbone.config["n_classes"] == 10
    )
    found = pooled(backbone)[:, -1, 0, : backbone.widths[-1]]
    assert np.isfinite(found).all()
    assert (found.std(axis=0) > 0).mean() > 0.5
    twin = backbone.twin(0)
    assert twin.widths == backbone.widths
    assert np.isfinite(pooled(twin)).all()


@pytest.mark.parametrize("name", ["resnet20_cifar", "resnet32_cifar", "resnet56_cifar"])
def test_cifar_networks_know_their_own_classes(name: str, shared: Path, tmp_path: Path) -> None:
    import pyarrow.parquet
    import torch

    folder, card = published(shared, name, tmp_path)
    rows = pyarrow.parquet.read_table(shared / "data" / "cifar10_sub" / "test.parquet")
    images, labels = (rows.column(c).to_pylist()[:500] for c in ("image", "label"))
    contents = [one["bytes"] if isinstance(one, dict) else one for one in images]
    backbone = opened(folder)
    prepared = backbone.prepare([Blob.of_bytes(one, "cifar") for one in contents])
    with torch.inference_mode():
        scores = backbone.network(torch.from_numpy(prepared.pixels(np.arange(500))))
    names = [card["class_order"][i] for i in scores.argmax(1).tolist()]
    told = [card["class_order"][one] if isinstance(one, int) else one for one in labels]
    assert np.mean([a == b for a, b in zip(names, told, strict=True)]) >= 0.80


# -- tuning ---------------------------------------------------------------------------------------


def places(backbone: Any, above: int) -> list[tuple[int, int]]:
    return [(layer, way) for layer in range(above + 1, backbone.n_layers) for way in (0, 1)]


def values(tunable: Any, wanted: list[tuple[int, int]]) -> list[Any]:
    prepared = tunable.backbone.prepare(PICTURES)
    states = tunable.states(prepared, ROWS) if tunable.cached else None
    return tunable.pooled(prepared, ROWS, wanted, states)


def assert_as_frozen(tunable: Any, frozen: Any, wanted: list[tuple[int, int]]) -> None:
    expected = pooled(frozen)
    for (layer, way), found in zip(wanted, values(tunable, wanted), strict=True):
        assert tuple(found.shape) == (len(PICTURES), frozen.widths[layer])
        same = expected[:, layer, way, : frozen.widths[layer]]
        np.testing.assert_allclose(found.detach().numpy(), same, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("name", CARDS)
def test_stored_maps_stand_for_the_lower_layers(name: str, tmp_path: Path) -> None:
    backbone = opened(toy_pictures.network(name, tmp_path))
    assert backbone.supports(Capability.BOUNDARY)
    for top in (1, backbone.n_layers - 2):
        tunable = backbone.tunable(top)
        assert (tunable.cached, tunable.boundary) == (True, backbone.n_layers - 1 - top)
        states = tunable.states(backbone.prepare(PICTURES), ROWS)
        side = int(np.sqrt(states[0].shape[0]))
        assert states[0].dtype == np.float32
        assert states[0].shape == (side * side, backbone.widths[tunable.boundary])
        assert_as_frozen(tunable, backbone, places(backbone, tunable.boundary))


def test_all_layers_train_and_begin_as_the_frozen_ones(small: Any) -> None:
    tunable = small.tunable()
    wanted = places(small, -1)
    assert not tunable.cached
    assert_as_frozen(tunable, small, wanted)
    before = pooled(small)
    tunable.put({name: value + 0.01 for name, value in tunable.tensors().items()})
    np.testing.assert_array_equal(pooled(small), before)  # the original stands still
    done = tunable.finished()
    assert_as_frozen(tunable, done, wanted)
    assert done.fingerprint() != small.fingerprint()


@pytest.mark.parametrize(
    ("top", "everything"), [(1, False), (2, False), (None, False), (None, True)]
)
def test_gradients_reach_what_trains_and_nothing_else(
    small: Any, top: int | None, everything: bool
) -> None:
    tunable = small.tunable(top, everything=everything)
    wanted = places(small, tunable.boundary)[-2:]
    sum(one.sum() for one in values(tunable, wanted)).backward()
    trained = {name: depth for name, _, depth in tunable.parameters()}
    got = {name for name, p in tunable.network.named_parameters() if p.grad is not None}
    assert got == set(trained)
    assert trained["layer3.0.conv1.weight"] == 1
    assert ("conv1.weight" in trained) == everything
    assert ("layer1.0.conv1.weight" in trained) == (top is None)


def test_statistics_of_norms_stand_still_in_training(small: Any) -> None:
    tunable = small.tunable(None, everything=True)
    kept = {n: b.clone() for n, b in tunable.network.named_buffers()}
    values(tunable, places(small, 0))
    for name, buffer in tunable.network.named_buffers():
        assert (buffer == kept[name]).all()


@pytest.mark.parametrize("name", CARDS)
def test_norms_fold_into_kernels_and_learn_the_same(name: str, tmp_path: Path) -> None:
    """Against the network as it is, norm by norm: gradients of kernels, scales and shifts."""
    import torch

    from graftwork.bases._convnet_fold import folds_alike, trained_units
    from graftwork.bases._convnet_layers import Chain

    backbone = opened(toy_pictures.network(name, tmp_path))
    pixels = torch.from_numpy(backbone.prepare(PICTURES).pixels(ROWS))

    def gradients(quick: bool) -> dict[str, np.ndarray]:
        tunable = backbone.tunable(None, everything=True)
        units = tunable.plan.of(tunable.network)
        if quick:
            assert folds_alike(tunable.plan, units, backbone.spec.size)
            units = trained_units(units)
        total: list[Any] = []
        Chain(tunable.plan, units)(pixels, lambda _, maps: total.append(maps.square().mean()))
        sum(total).backward()
        return {n: p.grad.numpy() for n, p, _ in tunable.parameters()}

    plain, quick = gradients(False), gradients(True)
    assert set(plain) == set(quick)
    for key, expected in plain.items():  # rounding decides a few maxima otherwise
        apart = np.linalg.norm(quick[key] - expected)
        assert apart <= 2e-2 * np.linalg.norm(expected) + 1e-6, key


def test_a_kernel_is_scaled_only_where_the_norm_comes_right_behind(small: Any) -> None:
    from graftwork.bases._convnet_fold import trained_units

    units = small.plan.of(small.network)
    kinds = [type(part).__name__ for part in trained_units(units).modules()]
    assert kinds.count("_ConvUnderNorm") == kinds.count("BatchNorm2d") > 0
    norm = next(part for unit in units for part in unit.modules() if "Norm" in type(part).__name__)
    norm.track_running_stats = False  # it would take them from the batch
    try:
        left = [type(part).__name__ for part in trained_units(units).modules()]
        assert left.count("_ConvUnderNorm") == kinds.count("_ConvUnderNorm") - 1
    finally:
        norm.track_running_stats = True


def test_all_copies_train_in_the_form_that_was_found_at_the_beginning(small: Any) -> None:
    """However its weights have moved since: another rounding would be another training."""
    tunable = small.tunable()
    copies = [tunable, tunable.sharing(), pickle.loads(pickle.dumps(tunable))]
    tunable._folds = False
    copies += [tunable.sharing(), pickle.loads(pickle.dumps(tunable))]
    kinds = [{type(part).__name__ for part in each._reader.modules()} for each in copies]
    assert ["_ConvUnderNorm" in names for names in kinds] == [True] * 3 + [False] * 2


def test_what_tuning_begins_with_goes_by_the_network(small: Any, tmp_path: Path) -> None:
    from graftwork.bases import convnet
    from graftwork.bases.hints import TuningHints, hints_of

    hints = hints_of(small)
    assert (hints.rate, hints.views, hints.whole_rows) == (1e-3, 2, 1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convnet, "SMALL", 100)
        assert hints_of(small).rate == 3e-4
    assert hints_of(object()) == TuningHints()


def test_copies_share_weights_and_not_gradients(small: Any) -> None:
    first = small.tunable(1)
    second = first.sharing()
    first.put({name: value * 2 for name, value in first.tensors().items()})
    for (_, ours, _), (_, theirs, _) in zip(first.parameters(), second.parameters(), strict=True):
        assert ours is not theirs
        assert ours.data_ptr() == theirs.data_ptr()
    wanted = places(small, first.boundary)
    for one, other in zip(values(first, wanted), values(second, wanted), strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())
    values(second, wanted)[0].sum().backward()
    assert all(p.grad is None for _, p, _ in first.parameters())


def test_a_pickled_one_runs_in_a_fresh_process(small: Any, tmp_path: Path) -> None:
    folder = tmp_path / "both.pickle"
    folder.write_bytes(pickle.dumps((small, small.tunable(1), PICTURES)))
    code = (
        "import pickle, sys, numpy as np\n"
        "from graftwork.bases.backbone import Shape\n"
        "backbone, tunable, inputs = pickle.load(open(sys.argv[1], 'rb'))\n"
        "rows, prepared = np.arange(len(inputs)), backbone.prepare(inputs)\n"
        "found = backbone.encode(prepared, rows, Shape.POOLED)\n"
        "states = tunable.states(prepared, rows)\n"
        "pooled = tunable.pooled(prepared, rows, [(3, 0)], states)[0].detach().numpy()\n"
        "assert np.allclose(pooled, found[:, 3, 0, : pooled.shape[1]], atol=1e-4)\n"
        "np.save(sys.argv[2], found)\n"
    )
    words = [sys.executable, "-c", code, str(folder), str(tmp_path / "found.npy")]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), pooled(small), atol=1e-5)


@pytest.mark.parametrize("name", ["resnet20_cifar", "squeezenet1_1"])
def test_a_random_network_learns_from_scratch(name: str, tmp_path: Path) -> None:
    """With the statistics of its norms standing still: stripes that lie or stand."""
    import torch

    made, labels = toy_pictures.striped(48)
    tunable = opened(toy_pictures.network(name, tmp_path, size=32)).twin(0).tunable(everything=True)
    prepared, wanted = tunable.backbone.prepare(made), [(tunable.backbone.n_layers - 1, 0)]
    head = torch.nn.Linear(tunable.backbone.widths[-1], 2)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()  # torch draws it from where its generator happens to be
    weights = [*head.parameters(), *(p for _, p, _ in tunable.parameters())]
    optimizer, goal = torch.optim.AdamW(weights, lr=1e-3), torch.tensor(labels)
    losses = []
    for step in range(24):
        rows = np.arange(48)[step % 3 :: 3]
        found = head(tunable.pooled(prepared, rows, wanted, None)[0])
        loss = torch.nn.functional.cross_entropy(found, goal[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] == pytest.approx(np.log(2), abs=0.3)
    assert np.median(losses[-6:]) < 0.3  # a step may still overshoot


@pytest.mark.parametrize("top", [0, 4, -1])
def test_layers_that_are_not_there(small: Any, top: int) -> None:
    with pytest.raises(ParameterError, match="the base has 1 to 3"):
        small.tunable(top)


def test_no_low_rank_adapters(small: Any) -> None:
    assert not small.supports(Capability.LORA)
    with pytest.raises(UnsupportedError, match="finetune"):
        small.low_rank(8, 16.0, 0)


# -- pictures -------------------------------------------------------------------------------------


def halves(wide: int, high: int) -> Any:
    """Left red, right blue."""
    picture = np.zeros((high, wide, 3), np.uint8)
    picture[:, : wide // 2, 0] = picture[:, wide // 2 :, 2] = 255
    return toy_pictures.png(picture)


@pytest.mark.parametrize(
    ("resize", "left", "corner"), [("crop", 16, 1.0), ("squash", 16, 1.0), ("pad", 16, 0.5)]
)
def test_ways_to_make_a_square(tmp_path: Path, resize: str, left: int, corner: float) -> None:
    told = {"mean": [0.5, 0.0, 0.0], "std": [1.0, 0.5, 1.0], "resize": resize}
    backbone = opened(toy_pictures.network(SMALL, tmp_path, **told))
    pixels = backbone.prepare([halves(96, 48)]).pixels(np.array([0]))[0]
    assert pixels.shape == (3, 32, 32)
    red = pixels[0, 16] + 0.5
    assert (red[: left - 2] > 0.99).all()
    assert (red[left + 2 :] < 0.01).all()
    assert pixels[0, 0, 0] + 0.5 == pytest.approx(corner, abs=0.01)  # filled with the mean


def test_a_picture_of_one_pixel_and_a_view(small: Any) -> None:
    dot = toy_pictures.png(np.full((1, 1, 3), 200, np.uint8))
    plain = PICTURES[0]
    found = pooled(small, [dot, plain, plain.seen_as(1), plain.seen_as(2), plain.seen_as(1)])
    assert np.isfinite(found).all()
    assert np.abs(found[1] - found[2]).max() > 1e-3
    assert np.abs(found[2] - found[3]).max() > 1e-3
    np.testing.assert_allclose(found[2], found[4], atol=1e-5)


def test_a_file_that_is_no_picture_is_named(small: Any) -> None:
    with pytest.raises(DataError, match=r"letter\.png"):
        pooled(small, [Blob.of_bytes(b"dear sir", "letter.png")])


def test_nothing_is_decoded_before_it_is_wanted(small: Any) -> None:
    prepared = small.prepare([PICTURES[0], Blob.of_bytes(b"dear sir", "letter.png")])
    assert small.encode(prepared, np.array([0]), Shape.POOLED).shape[0] == 1


# -- what fits, and what does not -----------------------------------------------------------------


def test_a_directory_opens_by_its_path(tmp_path: Path) -> None:
    toy_pictures.network(SMALL, tmp_path)
    backbone = open_base(str(tmp_path), placement=toys.placement())
    assert (backbone.kind, backbone.describe()["architecture"]) == ("convnet", SMALL)


def test_weights_in_half_precision_are_read_as_float32(small: Any, tmp_path: Path) -> None:
    toy_pictures.network(SMALL, tmp_path)
    whole = load_tensors(tmp_path / "model.safetensors")
    halved = {n: a.astype(np.float16) if a.ndim > 1 else a for n, a in whole.items()}
    save_tensors(tmp_path / "model.safetensors", halved)
    found = pooled(opened(tmp_path))
    assert np.abs(found - pooled(small)).max() < 0.05
    assert np.abs(found - pooled(small)).max() > 0


def test_weights_that_do_not_fit_are_named_with_what_they_fit(tmp_path: Path) -> None:
    toy_pictures.network(SMALL, tmp_path)
    toy_pictures.rewrite(tmp_path, architecture="resnet32_cifar")
    with pytest.raises(BaseModelError) as told:
        opened(tmp_path)
    for words in ("'layer1.3.conv1.weight'", "is missing", "and ", "they fit 'resnet20_cifar'"):
        assert words in str(told.value)
    assert len(told.value.faults) < 15


def test_what_is_missing_foreign_or_of_another_shape() -> None:
    import torch

    from graftwork.bases._convnet_config import build_network

    with torch.device("meta"):
        network = build_network(SMALL, 10, {})
    shapes = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    assert fit_report(SMALL, shapes) == []
    assert class_count(SMALL, shapes) == 10
    counters = {n for n in shapes if n.endswith("num_batches_tracked")}
    heads = {"linear.weight", "linear.bias"}
    assert fit_report(SMALL, {n: s for n, s in shapes.items() if n not in counters | heads}) == []
    assert fit_report(SMALL, shapes | {"fc.weight": (7, 64), "linear.weight": (3, 3)}) == []
    shapes |= {"layer4.weight": (1,), "conv1.weight": (16, 1, 3, 3)}
    del shapes["bn1.bias"]
    faults = "; ".join(fit_report(SMALL, shapes))
    for words in (
        "'bn1.bias', shape (16,), is missing",
        "'layer4.weight' is none of",
        "has the shape (16, 1, 3, 3); resnet20_cifar asks for (16, 3, 3, 3)",
    ):
        assert words in faults


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architecture": "resnet20_cifr"}, "did you mean 'resnet20_cifar'"),
        ({"architecture": None}, "names no architecture"),
        ({"format": 2}, "this version reads 1"),
        ({"options": {"padding": "tf"}}, "option of resnet20_cifar"),
        ({"n_classes": -1}, "not a count"),
        ({"input": {"size": 0}}, r"input\.size"),
        ({"input": {"std": [1, 0, 1], "resize": "stretch"}}, "'squash'"),
        ({"input": {"colour": "BGR"}}, r"input\.colour"),
    ],
)
def test_configs_that_are_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    toy_pictures.rewrite(toy_pictures.network(SMALL, tmp_path), **changes)
    with pytest.raises(BaseModelError, match=words):
        opened(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    toy_pictures.network(SMALL, tmp_path)
    tensors = load_tensors(tmp_path / "model.safetensors")
    tensors["bn1.bias"] = tensors["bn1.bias"] * np.float32(np.nan)
    save_tensors(tmp_path / "model.safetensors", tensors)
    with pytest.raises(BaseModelError, match=r"bn1\.bias"):
        opened(tmp_path)


@pytest.mark.parametrize("gone", ["config.json", "model.safetensors"])
def test_a_file_that_is_gone(tmp_path: Path, gone: str) -> None:
    (toy_pictures.network(SMALL, tmp_path) / gone).unlink()
    with pytest.raises(BaseModelError, match=gone):
        opened(tmp_path)


def test_options_and_presets() -> None:
    theirs, ours = default_config("torchvision/mobilenet_v2"), default_config("mobilenet_v2")
    assert theirs["architecture"] == ours["architecture"] == "mobilenet_v2"
    assert (theirs["options"]["padding"], ours["options"]["padding"]) == ("symmetric", "tf")
    assert theirs["input"]["mean"] != ours["input"]["mean"]
    assert default_config("mobilenet_v2", padding="symmetric")["options"]["norm_eps"] == 1e-3
    with pytest.raises(ParameterError, match="'tf' or 'symmetric'"):
        default_config("mobilenet_v2", padding="same")
    with pytest.raises(UnknownNameError, match="did you mean 'padding'"):
        default_config("mobilenet_v2", pading="tf")


def test_padding_changes_features(tmp_path: Path) -> None:
    one = opened(toy_pictures.network("mobilenet_v1_0.25", tmp_path))
    options = one.config["options"] | {"padding": "symmetric"}
    other = opened(toy_pictures.rewrite(tmp_path, options=options))
    assert one.fingerprint() != other.fingerprint()
    assert np.abs(pooled(one) - pooled(other)).max() > 1e-3


def test_pictures_too_small_for_the_network_are_refused(tmp_path: Path) -> None:
    folder = toy_pictures.network("squeezenet1_1", tmp_path / "small")
    told = json.loads((folder / "config.json").read_text("utf-8"))["input"]
    toy_pictures.rewrite(folder, input=told | {"size": 3})
    with pytest.raises(BaseModelError, match="cannot read pictures of 3 × 3 pixels"):
        open_base(str(folder))
