"""Which device, which precision, how many threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graftwork.errors import ParameterError
from graftwork.runtime.threads import cores

__all__ = ["Placement", "place"]


@dataclass(frozen=True)
class Placement:
    """Where and how a network runs.

    Attributes:
        device: ``cpu`` or ``cuda``.
        precision: ``float32``, ``bfloat16`` or ``float16``.
        threads: threads of the CPU kernels.
    """

    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1

    @property
    def dtype(self) -> Any:
        """The torch dtype of `precision`."""
        import torch

        return getattr(torch, self.precision)


def place(device: str = "auto", precision: str = "auto", threads: int = 0) -> Placement:
    """Choose device, precision and threads, and set torch's threads.

    Precision ``auto`` is float32 on the CPU (without AMX, bf16 matrix products are slower there
    than fp32) and bfloat16 on a GPU that has it.

    Raises:
        ParameterError: ``cuda`` was asked for and is not there.
    """
    import torch

    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise ParameterError("device 'cuda' was asked for, but torch sees no CUDA device here")
    chosen = ("cuda" if has_cuda else "cpu") if device == "auto" else device
    if precision == "auto":
        on_gpu = chosen == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bfloat16" if on_gpu else "float32"
    count = threads or cores()
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
    return Placement(chosen, precision, count)
