"""Shards of a batch worked on side by side, gradients added in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from types import TracebackType
from typing import Any, Self

import numpy as np

from graftwork.runtime.spread import even_shares, in_one
from graftwork.training.trainee import Trainee

__all__ = ["Workers"]


class Workers:
    """Threads that each own a copy of the network which has the same weights.

    Two passes side by side with one thread each are quicker on a CPU than one pass with two, and
    what comes out does not depend on how many threads there are: shard i always goes to copy i (in
    turn, where there are more shards than copies), and gradients are added in that order.

    Args:
        trainee: what trains; its copies work.
        parts: how many copies there are.
        threads: that work at a time.
    """

    def __init__(self, trainee: Trainee, parts: int, threads: int) -> None:
        self.trainee = trainee
        self.copies = [trainee.worker() for _ in range(parts)]
        self.parameters = _parameters(trainee)
        self.parameters_of = [_parameters(one) for one in self.copies]
        self.sizes = [parameter.numel() for parameter in self.parameters]
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
        """Leave the gradient of the mean loss over `rows` rows in the trainee's weights.

        Args:
            parts: the shards that are worked on here.
            rows: of the whole batch, other processes' included.

        Returns:
            the loss summed over the shards, divided by `rows`.
        """
        self.trainee.renew(self.spread)
        total, copies = 0.0, len(self.copies)

        def work(place: int, part: np.ndarray) -> float:
            loss = self.copies[place].loss(part) / rows
            loss.backward()
            return float(loss.detach())

        for start in range(0, len(parts), copies):
            now = parts[start : start + copies]
            places = range(len(now))
            if self._pool is not None and len(now) > 1:
                total += sum(self._pool.map(work, places, now))
            else:
                total += sum(map(work, places, now))
            last = start + copies >= len(parts)
            taken = range(copies) if last else places
            self.spread(partial(self._take, taken, everything=last), self.sizes)
        return total

    def spread(self, work: Callable[[list[int]], Any], sizes: Sequence[int]) -> None:
        """See `Spread`: a share for every thread."""
        if self._pool is None:
            in_one(work, sizes)
        else:
            list(self._pool.map(work, even_shares(sizes, self.threads)))

    def _take(self, places: range, share: list[int], *, everything: bool) -> None:
        """Add the copies' gradients to the trainee's, of a share of the parameters."""
        for place in places:
            self._take_from(place, share, everything)

    def _take_from(self, place: int, share: list[int], everything: bool) -> None:
        """Add a copy's gradients to the trainee's: those of rounded weights after every shard.

        Sums over shards would lose what rounded gradients cannot hold; the others stay where they
        are until the last one, so that there is one set fewer in memory. Copies come in their
        order, as sums of floats depend on it.
        """
        import torch

        sums, terms = [], []
        for i in share:
            own, other = self.parameters[i], self.parameters_of[place][i]
            if other.grad is None or not (everything or other.dtype != own.dtype):
                continue
            if own.grad is None:
                own.grad = other.grad.to(own.dtype)
            else:
                sums.append(own.grad)
                terms.append(other.grad)
            other.grad = None
        if sums:
            torch._foreach_add_(sums, terms)


def _parameters(trainee: Trainee) -> list[Any]:
    return [p for group in trainee.weights() for p in group.parameters]


def flat_gradients(parameters: Sequence[Any]) -> Any:
    """All gradients side by side in one tensor, zeros where there is none."""
    import torch

    return torch.cat(
        [(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in parameters]
    )
