"""The verbs of Graftwork as functions; the one place where the floors are put together."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graftwork.api._audit import audit
    from graftwork.api._bundle import bundle
    from graftwork.api._cache import cache
    from graftwork.api._compare import compare
    from graftwork.api._convert import convert
    from graftwork.api._demo import demo
    from graftwork.api._embed import embed
    from graftwork.api._evaluate import evaluate
    from graftwork.api._explain import explain
    from graftwork.api._fit import fit
    from graftwork.api._forecast import plan
    from graftwork.api._info import info, load
    from graftwork.api._listing import list_things
    from graftwork.api._predict import predict
    from graftwork.api._promote import promote
    from graftwork.api._select import select

__all__ = [
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

_WHERE = {name: f"_{name}" for name in __all__} | {
    "plan": "_forecast",
    "load": "_info",
    "list_things": "_listing",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value
