"""The graph of a model: inputs → backbones → joins → heads, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graftwork.errors import IntegrityError

__all__ = ["FeatureNode", "Graph", "Join"]


@dataclass(frozen=True)
class FeatureNode:
    """One backbone applied to one input.

    Attributes:
        backbone: key of the model's backbones.
        input: key of the model's inputs.
        shape: a `graftwork.bases.backbone.Shape`.
    """

    backbone: str
    input: str
    shape: str


@dataclass(frozen=True)
class Join:
    """Several feature nodes read together.

    Attributes:
        kind: ``concat``: side by side, each with its weight.
        of: names of feature nodes, in order.
    """

    kind: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """Which parts a model has and how they hang together.

    Attributes:
        inputs: modality by input name.
        features: feature nodes by name.
        joins: joins by name.
        heads: what each head reads, by head name: a join.
    """

    inputs: dict[str, str]
    features: dict[str, FeatureNode]
    joins: dict[str, Join]
    heads: dict[str, str]
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_blocks(cls, modality: str, blocks: list[tuple[str, FeatureNode]], head: str) -> Graph:
        """The usual graph: some feature nodes, one join, one head."""
        return cls(
            inputs={node.input: modality for _, node in blocks},
            features=dict(blocks),
            joins={"all": Join("concat", tuple(name for name, _ in blocks))},
            heads={head: "all"},
        )

    def reads(self, head: str) -> tuple[str, ...]:
        """Names of the feature nodes that a head reads, in order."""
        return self.joins[self.heads[head]].of

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "inputs": self.inputs,
            "features": {
                name: {"backbone": node.backbone, "input": node.input, "shape": node.shape}
                for name, node in self.features.items()
            },
            "joins": {n: {"kind": j.kind, "of": list(j.of)} for n, j in self.joins.items()},
            "heads": self.heads,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Graph:
        """The graph that `to_json` wrote.

        Raises:
            IntegrityError: it names parts that it does not have.
        """
        try:
            graph = cls(
                inputs=dict(value["inputs"]),
                features={n: FeatureNode(**node) for n, node in value["features"].items()},
                joins={n: Join(j["kind"], tuple(j["of"])) for n, j in value["joins"].items()},
                heads=dict(value["heads"]),
            )
            for join in graph.joins.values():
                for name in join.of:
                    graph.inputs[graph.features[name].input]
            for read in graph.heads.values():
                graph.joins[read]
        except (KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(f"graph.json is not a model's graph: {error}") from error
        return graph
