"""Worker: probes on networks with random weights, resplit after resplit, from stored features."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from workers import serve


class Networks:
    """The twins of the base by seed, and the rows that all of them have encoded.

    Args:
        csv: the pool of rows.
        cache: folder of the feature store.
        seeds: of the random weights.
    """

    def __init__(self, csv: str, cache: str, seeds: list[int]) -> None:
        import numpy as np
        from rows import open_job

        opened, job = open_job(csv, cache, strategy="probe")
        self.job = job
        self.rows = np.arange(len(job.dataset))
        self.twins = {seed: opened.base.twin(seed) for seed in seeds}  # type: ignore[attr-defined]
        for twin in self.twins.values():
            for values in job.dataset.inputs.values():
                job.store.features(twin, values)

    def resplit(self, number: int, n_train: int, n_test: int) -> dict[int, str]:
        """Draw rows, let every network's probe choose and learn, and judge: outcome by base.

        Each network takes its turn as the base, the others being its controls.
        """
        import numpy as np

        from graftwork.evaluation.contender import Contender, Control
        from graftwork.evaluation.verdict import decide

        order = np.random.default_rng([7, number]).permutation(len(self.rows))
        train, test = np.sort(order[:n_train]), np.sort(order[n_train : n_train + n_test])
        truth, predicted = self._predict(train, test, number)
        k = int(max(truth.max(), *(codes.max() for codes in predicted.values()))) + 1
        outcomes = {}
        for base, codes in predicted.items():
            transfer = Contender(name="probe", title="probe", predicted=codes)
            controls = [
                Control(name=f"random {seed}", title=f"random {seed}", predicted=theirs)
                for seed, theirs in predicted.items()
                if seed != base
            ]
            outcomes[base] = decide(truth, k, transfer, controls, seed=number).outcome
        return outcomes

    def _predict(self, train: Any, test: Any, number: int) -> tuple[Any, dict[int, Any]]:
        """True codes of the test rows, and each network's predictions of them."""
        from dataclasses import replace

        from graftwork.api._rungs import make_strategy
        from graftwork.stats.folds import stratified_group_folds
        from graftwork.tasks.classification import Classification

        dataset = self.job.dataset
        task = Classification.from_targets(dataset.labels(train))
        known = set(task.labels)
        test = test[[label in known for label in dataset.labels(test)]]
        codes = task.encode(dataset.labels(train))
        folds = stratified_group_folds(codes, dataset.groups[train], 5, number)
        inputs = dataset.take(test)
        predicted = {}
        for seed, twin in self.twins.items():
            mine = replace(
                self.job,
                rows=train,
                folds=folds,
                task=task,
                backbones={"base": twin},
                seed=number,
                shared={},
            )
            model = make_strategy("probe", {}).transfer(mine)
            predicted[seed] = model.predict(inputs, store=mine.store).codes
        return task.encode(dataset.labels(test)), predicted


opened: dict[str, Networks] = {}


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """The outcomes of the resplits `first` to `last`."""
    if job["csv"] not in opened:
        Path(job["cache"]).mkdir(parents=True, exist_ok=True)
        opened[job["csv"]] = Networks(job["csv"], job["cache"], job["seeds"])
    networks = opened[job["csv"]]
    begun = time.perf_counter()
    outcomes = {
        number: networks.resplit(number, job["train"], job["test"])
        for number in range(job["first"], job["last"])
    }
    return {"outcomes": outcomes, "seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    serve(answer)
