"""Shards of a batch worked on side by side, gradients added in a fixed order."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import TracebackType
from typing import Any, Self

import numpy as np

from graftwork.training.trainee import Trainee

__all__ = ["Workers"]


class Workers:
    """Threads that each own a copy of the network which shares all weights.

    Two passes side by side with one thread each are quicker on a CPU than one pass with two, and
    what comes out does not depend on how many threads there are: shard i always goes to copy i (in
    turn, where there are more shards than copies), and gradients are added in that order.

    Args:
        trainee: what trains; it takes the first shard itself.
        parts: how many copies there are.
        threads: that work at a time.
    """

    def __init__(self, trainee: Trainee, parts: int, threads: int) -> None:
        self.trainees = [trainee, *(trainee.worker() for _ in range(parts - 1))]
        self.parameters = [
            [p for group in one.weights() for p in group.parameters] for one in self.trainees
        ]
        self.threads = max(1, min(threads, parts))
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        import torch

        if self.threads > 1:
            before, ready = torch.get_num_threads(), Barrier(self.threads)
            self._pool = ThreadPoolExecutor(self.threads)

            def alone(_: int) -> None:
                torch.set_num_threads(1)  # holds for the thread that says it …
                torch.get_num_threads()  # … once it has read it: else it takes what is set below
                ready.wait()

            list(self._pool.map(alone, range(self.threads)))
            torch.set_num_threads(before)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def gradients(self, parts: Sequence[np.ndarray], rows: int) -> float:
        """Leave the gradient of the mean loss over `rows` rows in the first copy's weights.

        Args:
            parts: the shards that are worked on here.
            rows: of the whole batch, other processes' included.

        Returns:
            the loss summed over the shards, divided by `rows`.
        """
        copies = len(self.trainees)
        places = list(range(min(copies, len(parts))))

        def work(place: int) -> float:
            total = 0.0
            for part in parts[place::copies]:
                loss = self.trainees[place].loss(part) / rows
                loss.backward()  # adds to what the copy holds
                total += float(loss.detach())
            return total

        if self._pool is not None and len(places) > 1:
            losses = list(self._pool.map(work, places))
        else:
            losses = [work(place) for place in places]
        self._add(places)
        return float(sum(losses))

    def _add(self, places: Sequence[int]) -> None:
        import torch

        for place in places[1:]:
            sums, terms = [], []
            for own, other in zip(self.parameters[0], self.parameters[place], strict=True):
                if other.grad is None:
                    continue
                if own.grad is None:
                    own.grad = other.grad
                else:
                    sums.append(own.grad)
                    terms.append(other.grad)
                other.grad = None
            if sums:
                torch._foreach_add_(sums, terms)


def flat_gradients(parameters: Sequence[Any]) -> Any:
    """All gradients side by side in one tensor, zeros where there is none."""
    import torch

    return torch.cat(
        [(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in parameters]
    )
