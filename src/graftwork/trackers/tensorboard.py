"""TensorBoard: event files that `tensorboard --logdir` shows."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graftwork.registry import declare

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TensorBoard"]


@declare(
    "tensorboard",
    title="Event files for TensorBoard",
    source="https://www.tensorflow.org/tensorboard",
    package="tensorboard",
)
class TensorBoard:
    """Writes one event file a session; TensorBoard joins those of one folder.

    `SummaryWriter` is not used: it writes in a thread of its own, which ends in a traceback on the
    terminal where the disk is full. A point an epoch needs no thread.

    Args:
        folder: gets the event files.
        run_id: not needed: the folder is the run.
        title: not needed either.
    """

    def __init__(self, folder: Path, run_id: str, title: str) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        name = f"events.out.tfevents.{time.time_ns() // 1000}.{os.getpid()}"  # sorts by time
        self._event = Event
        self._records: Any = RecordWriter(open(folder / name, "xb"))  # noqa: SIM115 (close() does)
        self._write(file_version="brain.Event:2")

    def params(self, values: Mapping[str, Any]) -> None:
        """A table; TensorBoard's own `hparams` would open a second run for it."""
        rows = "\n".join(f"| {name} | `{json.dumps(v)}` |" for name, v in values.items())
        self.text("recipe", f"| setting | value |\n|---|---|\n{rows}")

    def scalar(self, name: str, value: float, step: int) -> None:
        """A point of the curve `name`."""
        from torch.utils.tensorboard.summary import scalar

        self._write(summary=scalar(name, value), step=step)

    def text(self, name: str, value: str) -> None:
        """A text."""
        from torch.utils.tensorboard.summary import text

        self._write(summary=text(name, value))

    def close(self) -> None:
        """Close the file."""
        self._records.close()

    def _write(self, **event: Any) -> None:
        self._records.write(self._event(wall_time=time.time(), **event).SerializeToString())
        self._records.flush()  # so that it can be watched, and a kill loses nothing
