"""`demo`: the main job on the support inbox that ships with the package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.runs.run import Run

__all__ = ["demo"]


def demo(
    *,
    out: str | Path | None = None,
    machine: Machine | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Fit `support_tickets.csv`: 1,441 messages in 12 intents, written for this demo.

    Args:
        out: the run directory; default ``runs/demo``.
        machine: device, threads, cache.
        progress: shown to the user.
    """
    from graftwork.api._fit import fit

    progress = progress or Progress()
    progress.say(
        "The demo fits a support inbox of 1,441 messages in 12 intents, invented for this purpose."
    )
    source = resources.files("graftwork.apps.demo").joinpath("support_tickets.csv")
    with resources.as_file(source) as path:
        return fit(
            path,
            out=out or Path("runs") / "demo",
            settings={
                "target": "intent",
                "input": ("text",),
                "slices": ("channel",),
                "budget": "75s",  # the demo shall end within two minutes; a real fit may take 15
            },
            machine=machine,
            progress=progress,
        )
