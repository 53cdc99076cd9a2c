"""What the processes that do not lead do: take part in every training until they are sent home."""

from __future__ import annotations

from graftwork.training.loop import follow
from graftwork.training.processes import Processes

__all__ = ["serve"]


def serve(processes: Processes) -> None:
    """Wait for trainings and take part in them; ends when the first process is done."""
    while (told := processes.receive()) is not None:
        follow(processes, *told)
