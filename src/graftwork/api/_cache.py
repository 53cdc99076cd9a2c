"""`cache`: what stored features take, and how to be rid of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graftwork.api._open import machine_of, store_folder
from graftwork.errors import UnknownNameError
from graftwork.runs.recipe import Machine

__all__ = ["cache"]


def cache(
    action: str = "show",
    *,
    older_than: float | None = None,
    machine: Machine | Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Show or clear the store of features.

    Args:
        action: ``show`` or ``clear``.
        older_than: with ``clear``: only what was not used for so many days.
        machine: where the cache lies and how much it may take.
    """
    from graftwork.features.store import FeatureStore

    if action not in ("show", "clear"):
        raise UnknownNameError("cache action", action, ["show", "clear"])
    how = machine_of(machine)
    store = FeatureStore(store_folder(how), limit_gb=how.cache_gb)
    freed = store.clear(older_than or 0.0) if action == "clear" else 0
    told: dict[str, Any] = {
        "folder": str(store.root),
        "mb": round(store.size() / 1e6, 3),
        "limit_gb": how.cache_gb,
        "bases": len({path.parent for path in store.root.glob("*/seg-*")}),
    }
    return {**told, "freed_mb": round(freed / 1e6, 3)} if action == "clear" else told
