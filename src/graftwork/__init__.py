"""Graftwork moves what a pre-trained model knows onto your own task, with proof.

    import graftwork
    run = graftwork.fit("reviews.csv", out="runs/reviews", settings={"target": "label"})
    run.model.predict(["the box came empty"])

The names below are loaded when they are first asked for (PEP 562), so that `import graftwork` and
`graftwork --help` stay instant: neither imports numpy, torch or scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "GraftworkError",
    "Machine",
    "Model",
    "Recipe",
    "Run",
    "TransferClassifier",
    "TransferEncoder",
    "__version__",
    "audit",
    "bundle",
    "cache",
    "compare",
    "convert",
    "demo",
    "embed",
    "evaluate",
    "explain",
    "fit",
    "info",
    "list_things",
    "load",
    "plan",
    "predict",
    "promote",
    "select",
]

if TYPE_CHECKING:
    from graftwork.api import (
        audit,
        bundle,
        cache,
        compare,
        convert,
        demo,
        embed,
        evaluate,
        explain,
        fit,
        info,
        list_things,
        load,
        plan,
        predict,
        promote,
        select,
    )
    from graftwork.api.estimators import TransferClassifier, TransferEncoder
    from graftwork.data.dataset import Dataset
    from graftwork.errors import GraftworkError
    from graftwork.model.model import Model
    from graftwork.runs.recipe import Machine, Recipe
    from graftwork.runs.run import Run

_HOMES = {
    "Dataset": "graftwork.data.dataset",
    "GraftworkError": "graftwork.errors",
    "Machine": "graftwork.runs.recipe",
    "Model": "graftwork.model.model",
    "Recipe": "graftwork.runs.recipe",
    "Run": "graftwork.runs.run",
    "TransferClassifier": "graftwork.api.estimators",
    "TransferEncoder": "graftwork.api.estimators",
}


def __getattr__(name: str) -> Any:
    """Load a public name on its first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES.get(name, "graftwork.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
