"""A network cut at the freeze boundary computes what the whole one does, for every architecture."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.bases.backbone import Capability, Shape
from graftwork.errors import ParameterError, UnsupportedError
from graftwork.runtime.devices import Placement
from graftwork.runtime.spread import even_shares

TEXTS = ["please refund my money", "it was late", "login", "the parcel is missing again today"]
ROWS = np.arange(len(TEXTS))
CUT = [kind for kind in toys.CHECKPOINTS if kind != "albert"]
Open = Callable[..., Any]


def whole(backbone: Any) -> np.ndarray:
    """float32 (n, layers, poolings, d) by the frozen backbone."""
    return backbone.encode(backbone.prepare(TEXTS), ROWS, Shape.POOLED)


def places(backbone: Any, above: int) -> list[tuple[int, int]]:
    layers = range(above + 1, backbone.n_layers)
    return [(layer, pooling) for layer in layers for pooling in range(len(backbone.poolings))]


def values(tunable: Any, wanted: list[tuple[int, int]]) -> np.ndarray:
    prepared = tunable.backbone.prepare(TEXTS)
    states = tunable.states(prepared, ROWS) if tunable.cached else None
    pooled = tunable.pooled(prepared, ROWS, wanted, states)
    return np.stack([one.detach().numpy() for one in pooled], axis=1)


def expected(backbone: Any, wanted: list[tuple[int, int]]) -> np.ndarray:
    all_layers = whole(backbone)
    return np.stack([all_layers[:, layer, pooling] for layer, pooling in wanted], axis=1)


@pytest.mark.parametrize("kind", CUT)
def test_stored_states_stand_for_the_lower_layers(kind: str, open_tiny: Open) -> None:
    backbone = open_tiny(kind)
    assert backbone.supports(Capability.BOUNDARY)
    tunable = backbone.tunable(1)
    assert tunable.boundary == backbone.n_layers - 2
    wanted = places(backbone, tunable.boundary)
    np.testing.assert_allclose(values(tunable, wanted), expected(backbone, wanted), atol=2e-5)


@pytest.mark.parametrize("kind", toys.CHECKPOINTS)
def test_all_layers_train_and_begin_as_the_frozen_ones(kind: str, open_tiny: Open) -> None:
    backbone = open_tiny(kind)
    tunable = backbone.tunable()
    assert not tunable.cached
    wanted = places(backbone, 0)
    before = expected(backbone, wanted)
    np.testing.assert_allclose(values(tunable, wanted), before, atol=2e-5)
    moved = {name: value + 0.01 for name, value in tunable.tensors().items()}
    tunable.put(moved)
    np.testing.assert_array_equal(expected(backbone, wanted), before)  # the original stands still
    done = tunable.finished()
    np.testing.assert_allclose(values(tunable, wanted), expected(done, wanted), atol=2e-5)
    assert done.fingerprint() != backbone.fingerprint()


def test_gradients_reach_the_trained_layers_alone(open_tiny: Open) -> None:
    tunable = open_tiny("bert").tunable(1)
    prepared = tunable.backbone.prepare(TEXTS)
    wanted = places(tunable.backbone, tunable.boundary)[:1]
    pooled = tunable.pooled(prepared, ROWS, wanted, tunable.states(prepared, ROWS))
    pooled[0].sum().backward()
    trained = {name for name, _, _ in tunable.parameters()}
    got = {name for name, p in tunable.network.named_parameters() if p.grad is not None}
    assert got == trained
    assert all(".layer.1." in name for name in trained)


def test_copies_share_weights_and_not_gradients(open_tiny: Open) -> None:
    first = open_tiny("bert", placement=Placement()).tunable(1)
    second = first.sharing()
    first.put({name: value * 2 for name, value in first.tensors().items()})
    for (_, ours, _), (_, theirs, _) in zip(first.parameters(), second.parameters(), strict=True):
        assert ours is not theirs
        assert ours.data_ptr() == theirs.data_ptr()
    wanted = places(first.backbone, first.boundary)
    np.testing.assert_array_equal(values(first, wanted), values(second, wanted))


def test_a_tuned_backbone_opens_with_transformers(open_tiny: Open, tmp_path: Path) -> None:
    from transformers import AutoModel

    tunable = open_tiny("roberta").tunable(1)
    tunable.put({name: value + 0.02 for name, value in tunable.tensors().items()})
    done = tunable.finished()
    done.save(tmp_path)
    theirs = dict(AutoModel.from_pretrained(tmp_path, use_safetensors=True).named_parameters())
    for name, ours in done.network.named_parameters():
        np.testing.assert_array_equal(ours.numpy(), theirs[name].detach().numpy())
    assert type(done).load(tmp_path).fingerprint() == done.fingerprint()


def test_shared_layers_have_no_boundary(open_tiny: Open) -> None:
    backbone = open_tiny("albert")
    assert backbone.supports(Capability.TRAIN)
    assert not backbone.supports(Capability.BOUNDARY)
    with pytest.raises(UnsupportedError, match="share one set of weights"):
        backbone.tunable(1)


BERT_LINEAR = ("attention.self.query", "attention.self.key", "attention.self.value")
BERT_LINEAR += ("attention.output.dense", "intermediate.dense", "output.dense")
GPT2_LINEAR = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
ADAPTED = {
    "bert": [f"encoder.layer.{i}.{name}" for i in range(2) for name in BERT_LINEAR],
    "roberta": [f"encoder.layer.{i}.{name}" for i in range(2) for name in BERT_LINEAR],
    "gpt2": [f"h.{i}.{name}" for i in range(2) for name in GPT2_LINEAR],  # their own `Conv1D`
}


@pytest.mark.parametrize("kind", ADAPTED)
def test_adapters_sit_on_every_linear_layer(kind: str, open_tiny: Open) -> None:
    """Derived from the network, not from a list of names; embeddings and pooler get none."""
    tunable = open_tiny(kind).low_rank(2, 4.0, seed=0)
    assert sorted(tunable.changes()) == sorted(f"{name}.weight" for name in ADAPTED[kind])
    parameters = tunable.parameters()
    assert len(parameters) == 2 * len(ADAPTED[kind])  # two factors each
    assert all(".lora_" in name for name, _, _ in parameters)
    path = tunable.places.path
    found = {(name.removeprefix(f"{path}.")[0], depth) for name, _, depth in parameters}
    assert found == {("1", 1), ("0", 2)}  # number of the layer, and layers from the head


@pytest.mark.parametrize("kind", toys.CHECKPOINTS)
@pytest.mark.parametrize("adapters", [False, True])
def test_copies_have_the_weights_rounded_as_training_would(
    kind: str, adapters: bool, open_tiny: Open
) -> None:
    """The same values and gradients to the bit, without rounding them in every pass."""
    backbone = open_tiny(kind, placement=Placement("cpu", "float32", 1, "bfloat16"))
    tunable = backbone.low_rank(4, 8.0, 0) if adapters else backbone.tunable()
    copy = tunable.sharing()
    tunable.put({name: value * 1.01 for name, value in tunable.tensors().items()})
    with ThreadPoolExecutor(2) as pool:
        tunable.renew(lambda work, sizes: list(pool.map(work, even_shares(sizes, 2))) and None)
    assert not any(rounded.requires_grad for _, rounded in tunable._rounded or ())
    prepared, wanted = backbone.prepare(TEXTS), places(backbone, 0)
    told = []
    for one in (tunable, copy):
        pooled = one.pooled(prepared, ROWS, wanted, None)
        sum(each.square().sum() for each in pooled).backward()
        gradients = [p.grad for _, p, _ in one.parameters() if p.grad is not None]
        told.append([each.detach().float().numpy() for each in (*pooled, *gradients)])
    for ours, theirs in zip(*told, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    rounded = {str(p.dtype) for _, p, _ in copy.parameters()}
    assert "torch.bfloat16" in rounded or kind == "gpt2"  # whose layers are no nn.Linear
    assert {str(p.dtype) for _, p, _ in tunable.parameters()} == {"torch.float32"}


@pytest.mark.parametrize("kind", toys.CHECKPOINTS)
def test_merged_adapters_compute_what_they_did_beside_the_weights(
    kind: str, open_tiny: Open, tmp_path: Path
) -> None:
    backbone = open_tiny(kind)
    assert backbone.supports(Capability.LORA)
    tunable = backbone.low_rank(2, 4.0, seed=0)
    wanted = places(backbone, 0)
    before = expected(backbone, wanted)
    np.testing.assert_allclose(values(tunable, wanted), before, atol=2e-5)  # nothing is changed yet
    start = tunable.tensors()
    rng = np.random.default_rng(0)
    moved = {n: v + rng.normal(0, 0.1, v.shape).astype(np.float32) for n, v in start.items()}
    tunable.put(moved)
    adapted = values(tunable, wanted)
    assert np.abs(adapted - before).max() > 0.01
    done = tunable.finished()
    np.testing.assert_allclose(expected(done, wanted), adapted, atol=1e-4)
    np.testing.assert_array_equal(expected(backbone, wanted), before)  # the original stands still
    plain = dict(backbone.network.named_parameters())
    merged = dict(done.network.named_parameters())
    assert merged.keys() == plain.keys()  # an ordinary network again
    changed = {name for name in plain if not (merged[name] == plain[name]).all()}
    assert changed == set(tunable.changes())
    done.save(tmp_path)
    np.testing.assert_array_equal(whole(type(done).load(tmp_path)), whole(done))


def test_adapters_come_from_the_seed(open_tiny: Open) -> None:
    backbone = open_tiny("bert")
    one, same, other = (backbone.low_rank(2, 4.0, seed=seed).tensors() for seed in (0, 0, 1))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert any(not np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("top", [0, 3, -1])
def test_layers_that_are_not_there(open_tiny: Open, top: int) -> None:
    with pytest.raises(ParameterError, match="the base has 1 to 2"):
        open_tiny("bert").tunable(top)


def test_a_pickled_backbone_encodes_in_a_fresh_process(open_tiny: Open, tmp_path: Path) -> None:
    """As joblib sends it to its workers, and torchrun's processes to each other."""
    backbone = open_tiny("bert")
    (tmp_path / "b.pickle").write_bytes(pickle.dumps((backbone, backbone.tunable())))
    code = (
        "import pickle, sys, numpy as np\n"
        "from graftwork.bases.backbone import Shape\n"
        "backbone, tunable = pickle.load(open(sys.argv[1], 'rb'))\n"
        "found = backbone.encode(backbone.prepare(sys.argv[3:]), np.arange(4), Shape.POOLED)\n"
        "pooled = tunable.pooled(backbone.prepare(sys.argv[3:]), np.arange(4), [(2, 0)], None)\n"
        "assert np.allclose(pooled[0].detach().numpy(), found[:, 2, 0], atol=2e-5)\n"
        "np.save(sys.argv[2], found)\n"
    )
    out = tmp_path / "found.npy"
    words = [sys.executable, "-c", code, str(tmp_path / "b.pickle"), str(out), *TEXTS]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    np.testing.assert_allclose(np.load(out), whole(backbone), atol=1e-6)
