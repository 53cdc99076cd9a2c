"""Several processes that train one network together, each on its share of every batch.

`torchrun --nproc-per-node 2 -m graftwork fit …` starts the same command several times. The first
process leads: it reads, encodes, decides and writes as it would alone. The others wait in `serve`
and take part in each training: they are sent what trains, run the steps in lockstep, adding up
gradients over gloo, and forget it again. Shards and the order of additions are those of one
process, so the result is the same (in bfloat16 with pieces of batches, but for the order).

What is sent between the processes of one command is pickled by `torch.distributed`; nothing from a
file is.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NoReturn

__all__ = ["Processes", "joined", "leave", "started_with"]

PATIENCE = timedelta(days=7)  # the others wait while the first encodes and decides


class Processes:
    """This process among its fellows; alone where none were started.

    Attributes:
        rank: number of this process; 0 leads.
        world: how many there are.
    """

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        self.rank = rank
        self.world = world

    @classmethod
    def here(cls) -> Processes:
        """This process inside `joined`, else alone."""
        if started_with() < 2:
            return cls()
        import torch.distributed as fellows

        if fellows.is_available() and fellows.is_initialized():
            return cls(fellows.get_rank(), fellows.get_world_size())
        return cls()

    def add(self, tensor: Any) -> None:
        """Sum `tensor` over all processes, in place."""
        if self.world > 1:
            import torch.distributed as fellows

            fellows.all_reduce(tensor)

    def send(self, told: Any) -> None:
        """From the first process to all others."""
        if self.world > 1:
            import torch.distributed as fellows

            fellows.broadcast_object_list([told], src=0)

    def receive(self) -> Any:
        """What the first process sent."""
        import torch.distributed as fellows

        box: list[Any] = [None]
        fellows.broadcast_object_list(box, src=0)
        return box[0]

    def go(self, on: bool = True) -> bool:
        """Whether another step is made: told by the first process, asked by the others."""
        if self.world == 1:
            return on
        import torch
        import torch.distributed as fellows

        flag = torch.tensor([float(on)])
        fellows.broadcast(flag, src=0)
        return bool(flag.item())


def started_with() -> int:
    """How many processes `torchrun` started; 1 without it."""
    told = os.environ.get("WORLD_SIZE", "1")
    return int(told) if told.isdigit() and "TORCHELASTIC_RUN_ID" in os.environ else 1


def leave(code: int) -> NoReturn:
    """End this process at once, all that was written kept; nothing of the group is taken down."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def joined() -> Iterator[Processes]:
    """Join the others that `torchrun` started; the first one sends them home at the end.

    The group is not taken down: gloo's own thread may be the last to hold it, would then wait for
    its own end, and abort the process in about one of three runs (torch 2.13). See `leave`.
    """
    import torch.distributed as fellows

    fellows.init_process_group("gloo", timeout=PATIENCE)
    here = Processes.here()
    try:
        yield here
    finally:
        with suppress(RuntimeError):  # one that died cannot be sent home; its fault is what counts
            if here.rank == 0:
                here.send(None)
