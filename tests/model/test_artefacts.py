"""Models that earlier releases saved still load and still say what they said.

Each release adds a folder: `python tests/artefacts/make.py vX.Y`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import graftwork
import toys
from graftwork.model.model import Model

ARTEFACTS = Path(__file__).parents[1] / "artefacts"
RELEASES = sorted(path.name for path in ARTEFACTS.iterdir() if (path / "expected.json").is_file())


def test_this_release_has_left_one():
    assert "v" + ".".join(graftwork.__version__.split(".")[:2]) in RELEASES


@pytest.mark.parametrize("release", RELEASES)
def test_loads_and_says_the_same(release):
    expected = json.loads((ARTEFACTS / release / "expected.json").read_text("utf-8"))
    model = Model.load(ARTEFACTS / release / "model", placement=toys.placement())
    assert list(model.classes) == expected["classes"]
    found = model.predict(expected["inputs"])
    np.testing.assert_allclose(found.probabilities, expected["probabilities"], atol=1e-3)
    assert found.labels == expected["labels"]


@pytest.mark.parametrize("release", RELEASES)
def test_stays_small(release):
    files = [path for path in (ARTEFACTS / release).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000
