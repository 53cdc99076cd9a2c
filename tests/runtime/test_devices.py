"""Where a network runs and how exactly: what is chosen, what was asked for, and what trains so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import toys
from graftwork.api._rungs import make_strategy
from graftwork.errors import ParameterError
from graftwork.runtime import devices
from graftwork.runtime.devices import Placement, place
from graftwork.strategies._starts import start_settings
from graftwork.strategies.strategy import Choice

HARDWARE = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
TEXTS, LABELS = toys.sentences(96)
Open = Callable[..., Any]


@pytest.mark.parametrize(
    ("asked", "multiplies", "precision", "training"),
    [
        ("auto", True, "float32", "bfloat16"),
        ("auto", False, "float32", "float32"),
        ("float32", True, "float32", "float32"),
        ("bfloat16", False, "bfloat16", "bfloat16"),
    ],
)
def test_a_processor_trains_in_what_it_multiplies_unless_it_is_told(
    asked: str,
    multiplies: bool,
    precision: str,
    training: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "_multiplies_bf16", lambda: multiplies)
    assert place("cpu", asked, threads=1) == Placement("cpu", precision, 1, training)


@pytest.mark.parametrize("has", [(), *((name,) for name in HARDWARE)])
def test_either_kind_of_hardware_will_do(
    has: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in HARDWARE:
        monkeypatch.setattr(torch.cpu, name, lambda name=name: name in has, raising=False)
    assert place("cpu", threads=1).training == ("bfloat16" if has else "float32")


def test_where_torch_cannot_tell_it_is_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in HARDWARE:
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert place("cpu", threads=1).training == "float32"


@pytest.mark.parametrize("has_bf16", [True, False])
def test_a_gpu_is_taken_where_there_is_one(has_bf16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: has_bf16)
    monkeypatch.setattr(devices, "_multiplies_bf16", lambda: True)  # says nothing of the GPU
    wanted = "bfloat16" if has_bf16 else "float32"
    assert place("auto", threads=1) == Placement("cuda", wanted, 1, wanted)
    assert place("cpu", "float32", threads=1).device == "cpu"


def test_a_gpu_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParameterError, match="no CUDA device"):
        place("cuda")


@pytest.mark.parametrize("training", ["float32", "bfloat16"])
def test_products_run_in_the_precision_of_training_and_weights_stay(training: str) -> None:
    layer = torch.nn.Linear(4, 4)
    with Placement(training=training).autocast():
        out = layer(torch.ones(2, 4))
    assert str(out.dtype) == f"torch.{training}"
    out.float().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == layer.weight.dtype == torch.float32


@pytest.mark.parametrize("top", [None, 1])
def test_a_training_in_bfloat16_ends_near_that_in_float32(
    open_tiny: Open, tmp_path: Path, top: int | None
) -> None:
    """All threads of it run so; what comes out is kept and used in float32."""
    strategy = make_strategy("finetune", {"epochs": 2, "rate": 1e-3, "top": top})
    moved, scores = {}, {}
    for training in ("float32", "bfloat16"):
        base = open_tiny("bert", placement=Placement("cpu", "float32", 1, training))
        seen = _watched(base)
        data = toys.dataset({"text": TEXTS}, LABELS)
        job = toys.job(data, {"base": base}, tmp_path / training)
        settings = {**start_settings(job, "base"), "backbone": "base", "epochs": 2, "share": 1.0}
        model = strategy.build(job, Choice("finetune", settings, None))
        assert seen() == {f"torch.{training}"}
        before, after = (
            dict(b.network.named_parameters()) for b in (base, model.backbones["base"])
        )
        assert {str(p.dtype) for p in after.values()} == {"torch.float32"}
        steps = [(after[n] - before[n]).detach().numpy().ravel() for n in after]
        moved[training] = np.concatenate(steps)
        scores[training] = model.scores(TEXTS)
    one, other = moved.values()
    assert np.linalg.norm(one) > 0.1
    assert (one != other).any()
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.95  # the same way
    assert np.linalg.norm(other) == pytest.approx(np.linalg.norm(one), rel=0.05)  # and as far
    assert np.corrcoef(*(values.ravel() for values in scores.values()))[0, 1] > 0.99


def _watched(base: Any) -> Callable[[], set[str]]:
    """What the products of the top layer come out in where gradients go through them."""
    found: set[str] = set()

    def look(_: Any, __: Any, output: Any) -> None:
        if output.requires_grad:
            found.add(str(output.dtype))

    base.network.encoder.layer[-1].output.dense.register_forward_hook(look)
    return lambda: found
