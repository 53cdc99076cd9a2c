"""Weights & Biases, offline: `wandb sync` sends a run on, should the user wish it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graftwork.registry import declare

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Wandb"]


@declare(
    "wandb",
    title="Weights & Biases, offline",
    source="https://docs.wandb.ai",
    package="wandb",
)
class Wandb:
    """Writes an offline run: no login, no network, nothing of the machine or the code in it.

    Args:
        folder: gets a folder ``wandb`` with one offline run a session.
        run_id: joins the sessions of one run when they are synced.
        title: name of the run.
    """

    def __init__(self, folder: Path, run_id: str, title: str) -> None:
        with _environment(WANDB_ERROR_REPORTING="false", WANDB_CACHE_DIR=str(folder / "wandb")):
            self._run: Any = self._open(folder, run_id, title)
        self._known: set[str] = set()

    def _open(self, folder: Path, run_id: str, title: str) -> Any:
        import wandb

        quiet = wandb.Settings(
            silent=True,
            console="off",
            disable_code=True,
            disable_git=True,
            save_code=False,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
        )
        return wandb.init(
            project="graftwork",
            mode="offline",
            dir=str(folder),
            id=run_id,
            name=title,
            settings=quiet,
            reinit="create_new",
        )

    def params(self, values: Mapping[str, Any]) -> None:
        """The run's config."""
        self._run.config.update(dict(values), allow_val_change=True)

    def scalar(self, name: str, value: float, step: int) -> None:
        """A point over a step of the group's own: wandb's steps may only rise, over all groups."""
        group, _, _ = name.rpartition("/")
        own = f"{group}/step" if group else "step"
        if own not in self._known:
            self._known.add(own)
            self._run.define_metric(f"{group}/*" if group else name, step_metric=own)
        self._run.log({name: value, own: step})

    def text(self, name: str, value: str) -> None:
        """A value of the run's summary."""
        self._run.summary[name] = value

    def close(self) -> None:
        """Write what is left."""
        self._run.finish()


@contextmanager
def _environment(**wanted: str) -> Iterator[None]:
    """Variables for the process that wandb starts: no crash reports, no files in the user's cache.

    What the user has set stays.
    """
    mine = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)
