"""Worker: rounds of labelling, rows picked by `select` or drawn at random, from stored features."""

from __future__ import annotations

import time
from typing import Any

from workers import serve

STRENGTH = 4.0  # C of every head on both sides: what is compared is the choice of rows


class Rounds:
    """A set's stored features, the rows that can be labelled, and the test part.

    Args:
        csv: the set.
        cache: folder of the feature store.
    """

    def __init__(self, csv: str, cache: str) -> None:
        import numpy as np
        from rows import open_job, test_rows

        from graftwork.features.readout import Readout

        opened, job = open_job(csv, cache, strategy="probe")
        where, self.truth = test_rows(job)
        keys = [job.dataset.keys[i] for i in job.rows]
        first = np.sort(np.unique(keys, return_index=True)[1])  # `select` picks no text twice
        self.codes, self.task = job.codes()[first], job.task
        self.readout = Readout((opened.base.n_layers - 1,), 0)
        self.pool, self.test = (
            self.readout.raw(job.store.features(opened.base, texts).view)
            for texts in (
                job.dataset.take(job.rows[first])["text"],
                job.dataset.take(where)["text"],
            )
        )

    def run(self, arm: str, start: int, step: int, rounds: int, seed: int) -> list[Any]:
        """Per round which test rows are right (bool), the first being before any choice."""
        import numpy as np

        from graftwork.evaluation.controls import subset
        from graftwork.evaluation.selection import doubt, shortlist, spread

        labelled = subset(self.codes, start, seed)
        right = []
        for number in range(rounds + 1):
            fitted, head = self._fit(labelled)
            scores = head.scores([fitted.apply(self.test)])
            right.append(scores.argmax(axis=1) == self.truth)
            free = np.setdiff1d(np.arange(len(self.codes)), labelled)
            draw = seed * 1000 + number
            if arm == "random":
                more = np.random.default_rng(draw).permutation(free)[:step]
            else:
                block = fitted.apply(self.pool[free])
                unsure = doubt(self.task.probabilities(head.scores([block])))
                short = shortlist(unsure, step)
                more = free[short[spread(block[short], unsure[short], step, seed=draw)]]
            labelled = np.concatenate([labelled, more])
        return right

    def _fit(self, labelled: Any) -> tuple[Any, Any]:
        from graftwork.features.convex import fit_path

        fitted = self.readout.fit(self.pool[labelled])
        block = fitted.apply(self.pool[labelled])
        head = fit_path([block], self.codes[labelled], self.task.convex(), [1.0, STRENGTH])[-1]
        return fitted, head


opened: dict[str, Rounds] = {}


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Right test rows by arm and round, as `harness.bits`, for one seed."""
    from harness import bits

    if job["csv"] not in opened:
        opened[job["csv"]] = Rounds(job["csv"], job["cache"])
    rounds, begun = opened[job["csv"]], time.perf_counter()
    right = {
        arm: [
            bits(each)
            for each in rounds.run(arm, job["start"], job["step"], job["rounds"], job["seed"])
        ]
        for arm in ("select", "random")
    }
    return {
        "right": right,
        "pool": len(rounds.codes),
        "test": len(rounds.truth),
        "seconds": time.perf_counter() - begun,
    }


if __name__ == "__main__":
    serve(answer)
