"""MLflow, in a database of the run's own; `mlflow ui` shows it as its backend store."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graftwork.registry import declare

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Mlflow"]

EXPERIMENT = "graftwork"
LONGEST_PARAM = 500  # characters; older servers take no more
LONGEST_TAG = 5000
_NOT_ALLOWED = re.compile(r"[^\w\-. /]")


@declare(
    "mlflow",
    title="MLflow, in an SQLite database of the run's own",
    source="https://mlflow.org",
    package="mlflow",
)
class Mlflow:
    """Writes to ``mlflow.db`` by MLflow's client, which leaves its global state alone.

    SQLite, because newer versions of MLflow refuse plain files.

    Args:
        folder: gets the database.
        run_id: a session finds the MLflow run of the one before by it.
        title: name of the run.
    """

    def __init__(self, folder: Path, run_id: str, title: str) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when it is imported
        from mlflow.tracking import MlflowClient

        self._client: Any = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
        found = self._client.get_experiment_by_name(EXPERIMENT)
        place = (folder / "mlflow").as_uri()
        experiment = (
            found.experiment_id if found else self._client.create_experiment(EXPERIMENT, place)
        )
        earlier = self._client.search_runs([experiment], f"tags.graftwork = '{run_id}'")
        tags = {"graftwork": run_id}
        run = (
            earlier[0]
            if earlier
            else self._client.create_run(experiment, run_name=title, tags=tags)
        )
        self._id = run.info.run_id
        self._had = dict(run.data.params)
        self._client.update_run(self._id, "RUNNING")

    def params(self, values: Mapping[str, Any]) -> None:
        """The run's parameters; those that an earlier session gave stay as they are."""
        for name, value in values.items():
            if name not in self._had:
                text = value if isinstance(value, str) else json.dumps(value)
                self._client.log_param(self._id, name, text[:LONGEST_PARAM])

    def scalar(self, name: str, value: float, step: int) -> None:
        """A point of the metric `name`."""
        self._client.log_metric(self._id, _NOT_ALLOWED.sub("_", name), value, step=step)

    def text(self, name: str, value: str) -> None:
        """A tag of the run."""
        self._client.set_tag(self._id, _NOT_ALLOWED.sub("_", name), value[:LONGEST_TAG])

    def close(self) -> None:
        """Say that the session has ended."""
        self._client.set_terminated(self._id)
