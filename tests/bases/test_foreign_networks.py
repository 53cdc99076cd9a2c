"""Architectures that torchvision and timm build, where they are installed; all weights random."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_pictures
import toys
from graftwork.bases import load_backbone
from graftwork.bases._convnet_config import default_config, fit_report
from graftwork.bases._torchvision_repair import import_torchvision
from graftwork.bases.backbone import Capability, Shape
from graftwork.errors import MissingExtraError, UnknownNameError, UnsupportedError

PICTURES = toy_pictures.pictures(3)
ROWS = np.arange(len(PICTURES))


@pytest.fixture
def package(request: pytest.FixtureRequest) -> None:
    """Skip where the package that builds the architecture is absent."""
    name = request.node.callspec.params["architecture"].split("/")[0]
    try:
        import_torchvision()
        importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"{error.name or name} is not installed: pip install 'graftwork[vision]'")


def opened(architecture: str, folder: Path) -> Any:
    toy_pictures.network(architecture, folder, size=default_config(architecture)["input"]["size"])
    return load_backbone("convnet", folder, placement=toys.placement())


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("architecture", "widths"),
    [
        ("torchvision/resnet50", (64, 256, 512, 1024, 2048)),
        ("torchvision/inception_v3", (32, 64, 80, 192, 288, 768, 2048)),
        ("timm/resnet18", (64, 64, 128, 256, 512)),
    ],
)
def test_chains_are_cut_where_their_layers_end(
    architecture: str, widths: tuple[int, ...], tmp_path: Path
) -> None:
    backbone = opened(architecture, tmp_path)
    assert backbone.widths == widths
    assert backbone.supports(Capability.BOUNDARY)
    prepared = backbone.prepare(PICTURES)
    found = backbone.encode(prepared, ROWS, Shape.POOLED)
    assert np.isfinite(found).all()
    last = len(widths) - 1
    tunable = backbone.tunable(1)
    pooled = tunable.pooled(prepared, ROWS, [(last, 0)], tunable.states(prepared, ROWS))[0]
    expected = found[:, last, 0, : widths[last]]
    np.testing.assert_allclose(pooled.detach().numpy(), expected, rtol=1e-3, atol=1e-3)
    pooled.sum().backward()
    assert all(p.grad is not None for _, p, _ in tunable.parameters())


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("architecture", ["timm/vit_tiny_patch16_224"])
def test_tokens_are_watched_and_pooled(architecture: str, tmp_path: Path) -> None:
    backbone = opened(architecture, tmp_path)
    assert backbone.shapes == {Shape.POOLED}
    assert not backbone.supports(Capability.BOUNDARY)
    with pytest.raises(UnsupportedError, match="has no boundary"):
        backbone.tunable(1)
    prepared = backbone.prepare(PICTURES)
    found = backbone.encode(prepared, ROWS, Shape.POOLED)
    wanted = [(layer, 0) for layer in range(backbone.n_layers)]
    tunable = backbone.tunable().sharing()
    pooled = tunable.pooled(prepared, ROWS, wanted, None)
    for (layer, way), values in zip(wanted, pooled, strict=True):
        np.testing.assert_allclose(values.detach().numpy(), found[:, layer, way], atol=1e-3)
    pooled[-1].sum().backward()
    assert all(p.grad is not None for _, p, _ in tunable.parameters())


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("architecture", ["torchvision/resnet50", "timm/resnet18"])
def test_names_and_weights_are_checked(architecture: str) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean '{architecture.split('/')[1]}'"):
        default_config(architecture.replace("resnet", "resnt"))
    faults = fit_report(architecture, {"conv1.weight": (64, 1, 7, 7), "fc.weight": (3, 9)})
    assert any("asks for (64, 3, 7, 7)" in words for words in faults)
    assert not any("fc.weight" in words for words in faults)


@pytest.mark.parametrize("architecture", ["torchvision/resnet50", "timm/resnet18"])
def test_a_missing_package_names_its_extra(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, architecture.split("/")[0], None)
    with pytest.raises(MissingExtraError, match=r"pip install 'graftwork\[vision\]'"):
        default_config(architecture)


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("architecture", ["torchvision/resnet50"])
def test_transformers_opens_models_beside_it(architecture: str) -> None:
    """With the repair alone: beside a CPU build of torch it would fail on `torchvision::nms`."""
    code = (
        "from graftwork.bases._torchvision_repair import repair_torchvision\n"
        "repair_torchvision(); repair_torchvision()\n"
        "import torchvision\n"
        "from transformers import BertConfig, BertModel\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
