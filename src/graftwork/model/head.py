"""A head: task, readout of each block, and a linear map, as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.errors import IntegrityError
from graftwork.features.convex import Head as Linear
from graftwork.features.readout import FittedReadout, Readout
from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.tensors import load_tensors, save_tensors
from graftwork.tasks import TASKS
from graftwork.tasks.task import Task

__all__ = ["HeadBlock", "ModelHead"]


@dataclass(frozen=True, eq=False)
class HeadBlock:
    """How a head reads one feature node.

    Attributes:
        node: name of the feature node.
        readout: for pooled features: layers, pooling and standardisation; None for sparse ones.
        weight: factor on the block (λ).
    """

    node: str
    readout: FittedReadout | None
    weight: float = 1.0

    def apply(self, values: Any) -> Any:
        """The block that the linear map reads, from raw (n, d) or CSR values."""
        block = values if self.readout is None else self.readout.apply(values)
        return block if self.weight == 1.0 else block * np.float32(self.weight)


@dataclass(frozen=True, eq=False)
class ModelHead:
    """A task on top of blocks of features.

    Attributes:
        task: labels, probabilities and decoding.
        blocks: in the order of the join that it reads.
        linear: weights a block and bias.
        temperature: scores are divided by it before they become probabilities; 1 changes nothing.
        abstention: expected errors by threshold and the guarantee, if any: plain values, see
            `evaluation.abstention`; None where nothing is known.
    """

    task: Task
    blocks: tuple[HeadBlock, ...]
    linear: Linear
    temperature: float = 1.0
    abstention: Mapping[str, Any] | None = None

    def scores(self, values: Sequence[Any]) -> np.ndarray:
        """float32 (n, outputs) from raw values, one entry per block."""
        blocks = [block.apply(value) for block, value in zip(self.blocks, values, strict=True)]
        return self.linear.scores(blocks)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """float64 (n, outputs): calibrated probabilities of `scores`."""
        if self.temperature != 1.0:
            scores = scores / np.float32(self.temperature)
        return self.task.probabilities(scores)

    @property
    def n_parameters(self) -> int:
        """Numbers that were trained."""
        return int(sum(weight.size for weight in self.linear.weights) + self.linear.bias.size)

    def save(self, folder: Path) -> None:
        """Write `head.json` and `head.safetensors`."""
        tensors: dict[str, np.ndarray] = {"bias": self.linear.bias}
        described = []
        for number, block in enumerate(self.blocks):
            tensors[f"weight.{number}"] = self.linear.weights[number]
            entry: dict[str, Any] = {"node": block.node, "weight": block.weight}
            if block.readout is not None:
                entry["readout"] = block.readout.readout.to_json()
                tensors[f"mean.{number}"] = block.readout.mean
                tensors[f"factor.{number}"] = block.readout.factor
            described.append(entry)
        task = {"name": self.task.declaration.name, **self.task.to_json()}
        sure = {"temperature": self.temperature}
        told = {} if self.abstention is None else {"abstention": dict(self.abstention)}
        write_json(folder / "head.json", {"task": task, "blocks": described, **sure, **told})
        save_tensors(folder / "head.safetensors", tensors)

    @classmethod
    def load(cls, folder: Path) -> ModelHead:
        """The head that `save` wrote; one of an older release has temperature 1.

        Raises:
            IntegrityError: parts are missing or do not fit.
        """
        described = read_json(folder / "head.json")
        tensors = load_tensors(folder / "head.safetensors")
        try:
            kind = TASKS.get(described["task"]["name"])
            blocks = []
            for number, entry in enumerate(described["blocks"]):
                readout = None
                if "readout" in entry:
                    readout = FittedReadout(
                        Readout.from_json(entry["readout"]),
                        tensors[f"mean.{number}"],
                        tensors[f"factor.{number}"],
                    )
                blocks.append(HeadBlock(entry["node"], readout, float(entry["weight"])))
            weights = [tensors[f"weight.{number}"] for number in range(len(blocks))]
            task = kind.from_json(described["task"])
            linear = Linear(weights, tensors["bias"])
            temperature = _temperature(described.get("temperature", 1.0))
            abstention = described.get("abstention")
            if not isinstance(abstention, dict | None):
                raise TypeError("abstention is no table")
            return cls(task, tuple(blocks), linear, temperature, abstention)
        except (KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(f"{folder}: not a head: {error}") from error


def _temperature(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"temperature {value!r} is no number")
    if not (math.isfinite(value) and value > 0):
        raise TypeError(f"temperature {value!r}; it must be above 0")
    return float(value)
