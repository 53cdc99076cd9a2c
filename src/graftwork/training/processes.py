"""Several processes that train one network together (`torchrun`), each on its share of a batch."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["Processes"]


class Processes:
    """This process among its fellows; alone where none were started.

    Attributes:
        rank: number of this process, 0 leads.
        world: how many there are.
    """

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        self.rank = rank
        self.world = world

    @classmethod
    def here(cls) -> Processes:
        """What `torchrun` told this process, once `join` was called; else alone."""
        import torch.distributed as fellows

        if fellows.is_available() and fellows.is_initialized():
            return cls(fellows.get_rank(), fellows.get_world_size())
        return cls()

    @staticmethod
    def started_with() -> int:
        """How many processes `torchrun` started, 1 without it."""
        told = os.environ.get("WORLD_SIZE", "1")
        return int(told) if told.isdigit() and "LOCAL_RANK" in os.environ else 1

    def add(self, tensor: Any) -> None:
        """Sum `tensor` over all processes, in place."""
        if self.world > 1:
            import torch.distributed as fellows

            fellows.all_reduce(tensor)
