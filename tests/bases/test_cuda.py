"""The same code on a GPU: only where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from graftwork.bases import open_base
from graftwork.bases.backbone import Shape
from graftwork.runtime.devices import place

pytestmark = pytest.mark.gpu


@pytest.fixture
def cuda() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device here")


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("bfloat16", 5e-2)])
def test_features_on_the_gpu_are_those_of_the_cpu(precision: str, tolerance: float) -> None:
    texts = ["the parcel never came", "a lovely evening", "where is my refund? " * 20]
    here = open_base("minilm", placement=place("cpu", "float32"))
    there = open_base("minilm", placement=place("cuda", precision))
    rows = np.arange(len(texts))
    ours = here.encode(here.prepare(texts), rows, Shape.POOLED)
    theirs = there.encode(there.prepare(texts), rows, Shape.POOLED)
    scale = np.linalg.norm(ours, axis=-1)
    assert (np.linalg.norm(ours - theirs, axis=-1) <= tolerance * scale).all()
