"""Which device, which precision, how many threads."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from graftwork.errors import ParameterError
from graftwork.runtime.threads import cores

__all__ = ["Placement", "keep_kernels", "place"]

# Batches by length come in about a hundred shapes, each with a dozen kernels of its own, and oneDNN
# keeps 1,024 of them: it would build the same ones again all the time. One takes about half a
# megabyte. Read at its first product.
KERNELS_KEPT = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "4096")


@dataclass(frozen=True)
class Placement:
    """Where and how a network runs.

    Attributes:
        device: ``cpu`` or ``cuda``.
        precision: ``float32``, ``bfloat16`` or ``float16``.
        threads: threads of the CPU kernels.
        training: precision of the products in training; weights are kept in float32.
    """

    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    training: str = "float32"

    @property
    def dtype(self) -> Any:
        """The torch dtype of `precision`."""
        import torch

        return getattr(torch, self.precision)

    def autocast(self) -> Any:
        """A context in which the products of training run in their precision."""
        import torch

        if self.training == "float32":
            return nullcontext()
        return torch.autocast(self.device, dtype=getattr(torch, self.training))


def place(device: str = "auto", precision: str = "auto", threads: int = 0) -> Placement:
    """Choose device, precision and threads, and set torch's threads.

    Precision ``auto`` is float32 on the CPU and bfloat16 on a GPU that has it. Training is in
    bfloat16 also on a CPU that multiplies it in hardware (AVX512_BF16, AMX: about three times as
    fast as float32; on others it is slower); features are float32 there in any case, as they are
    stored and compared.

    Raises:
        ParameterError: ``cuda`` was asked for and is not there.
    """
    import torch

    keep_kernels()
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise ParameterError("device 'cuda' was asked for, but torch sees no CUDA device here")
    chosen = ("cuda" if has_cuda else "cpu") if device == "auto" else device
    training = precision
    if precision == "auto":
        on_gpu = chosen == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bfloat16" if on_gpu else "float32"
    count = threads or cores()
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
    if training == "auto":
        quick = precision == "bfloat16" or (chosen == "cpu" and _multiplies_bf16())
        training = "bfloat16" if quick else "float32"
    return Placement(chosen, precision, count, training)


def keep_kernels() -> None:
    """Have the CPU's kernels kept for all shapes of batches, unless the user set how many."""
    os.environ.setdefault(*KERNELS_KEPT)


def _multiplies_bf16() -> bool:
    """Whether this CPU has products of bfloat16 in hardware; False where torch cannot tell."""
    import torch

    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in asked)
