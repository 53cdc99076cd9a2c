"""`demo`: the main job on what ships with the package: a support inbox, or drawn pictures."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from graftwork.errors import Fault, ParameterError, nearest
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.runs.run import Run

__all__ = ["DEMOS", "demo"]

DEMOS = ("tickets", "images")
BUDGET = "75s"  # a demo shall end within two minutes; a real fit may take 15


def demo(
    what: str = "tickets",
    *,
    base: str | None = None,
    out: str | Path | None = None,
    machine: Machine | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Fit what is shipped or drawn.

    Args:
        what: ``tickets``: 1,441 messages in 12 intents, written for this demo; ``images``: 545
            pictures of 9 things, drawn now beside the run, some of their files faulty on purpose.
        base: another base than the default; for images there is none unless one is named.
        out: the run directory; default ``runs/demo``, ``runs/demo-images``.
        machine: device, threads, cache.
        progress: shown to the user.

    Raises:
        ParameterError: there is no such demo.
    """
    progress = progress or Progress()
    if what not in DEMOS:
        close = nearest(what, DEMOS)
        hint = f"did you mean {close!r}?" if close else None
        message = f"no demo {what!r}; there are: {', '.join(DEMOS)}"
        raise ParameterError(faults=[Fault(message, field="demo", hint=hint)])
    run = _tickets if what == "tickets" else _images
    return run(base, out, machine, progress)


def _tickets(base: str | None, out: Any, machine: Any, progress: Progress) -> Run:
    from graftwork.api._fit import fit

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
                "base": base,
                "budget": BUDGET,
            },
            machine=machine,
            progress=progress,
        )


def _images(base: str | None, out: Any, machine: Any, progress: Progress) -> Run:
    from graftwork.api._fit import fit
    from graftwork.data.drawn import THINGS, draw_folder

    where = Path(out or Path("runs") / "demo-images")
    pictures = where.with_name(f"{where.name}-pictures")
    with progress.step("drawing pictures"):
        count = draw_folder(pictures)
    progress.say(
        f"The demo fits {count} pictures of {len(THINGS)} things, drawn just now in {pictures}; "
        "some of the files are faulty on purpose."
    )
    settings = {"base": base, "budget": BUDGET}
    return fit(pictures, out=where, settings=settings, machine=machine, progress=progress)
