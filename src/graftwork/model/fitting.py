"""Do the parts of a loaded model fit each other? Files may have been edited by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graftwork.bases.backbone import Backbone
from graftwork.bases.vectors import vectors_of
from graftwork.errors import Fault, IntegrityError
from graftwork.features.readout import FittedReadout
from graftwork.modalities import MODALITIES
from graftwork.model.graph import Graph
from graftwork.model.head import HeadBlock, ModelHead

__all__ = ["check_parts"]


def check_parts(
    graph: Graph, backbones: Mapping[str, Backbone], heads: Mapping[str, ModelHead]
) -> None:
    """Check that every head can read what the backbones give.

    Raises:
        IntegrityError: all misfits at once.
    """
    faults = [
        *_graph_faults(graph, backbones, heads),
        *(fault for name, head in heads.items() for fault in _size_faults(name, head)),
    ]
    if not faults:  # only then can blocks be followed to their backbones
        for name, head in heads.items():
            for block, weight in zip(head.blocks, head.linear.weights, strict=True):
                backbone = backbones[graph.features[block.node].backbone]
                words = [*_readout_faults(block, backbone)] or [
                    *_width_faults(block, backbone, weight.shape[0])
                ]
                faults.extend(Fault(f"head {name!r}, block {block.node!r}: {w}") for w in words)
    if faults:
        raise IntegrityError("the parts of the model do not fit each other", faults=faults)


def _graph_faults(
    graph: Graph, backbones: Mapping[str, Backbone], heads: Mapping[str, ModelHead]
) -> Iterator[Fault]:
    if not heads:
        yield Fault("there is no head")
    if not graph.inputs:
        yield Fault("there is no input")
    for name, modality in graph.inputs.items():
        if modality not in MODALITIES.names():
            yield Fault(f"input {name!r} is of the unknown modality {modality!r}")
    for name, node in graph.features.items():
        if node.backbone not in backbones:
            yield Fault(f"feature {name!r} is of the backbone {node.backbone!r}, which is not here")
    for name, head in heads.items():
        found = tuple(block.node for block in head.blocks)
        if found != graph.reads(name):
            yield Fault(f"head {name!r} reads {found}, the graph says {graph.reads(name)}")


def _size_faults(name: str, head: ModelHead) -> Iterator[Fault]:
    bias, labels = head.linear.bias, len(head.task.labels)
    if bias.shape != (labels,):
        yield Fault(f"head {name!r}: {labels} labels, and a bias of the shape {bias.shape}")
    for block, weight in zip(head.blocks, head.linear.weights, strict=True):
        if weight.ndim != 2 or weight.shape[1] != labels:
            yield Fault(
                f"head {name!r}, block {block.node!r}: {labels} labels, and weights of the shape "
                f"{weight.shape}"
            )


def _readout_faults(block: HeadBlock, backbone: Backbone) -> Iterator[str]:
    if block.readout is None:
        if backbone.poolings:
            yield "no readout, but its backbone gives layers"
        return
    readout, last = block.readout.readout, backbone.n_layers - 1
    if any(type(layer) is not int or not 0 <= layer <= last for layer in readout.layers):
        yield f"layers {readout.layers}, its backbone has 0 to {last}"
    if type(readout.pooling) is not int or not 0 <= readout.pooling < len(backbone.poolings):
        yield f"pooling {readout.pooling!r}, its backbone has {len(backbone.poolings)}"


def _width_faults(block: HeadBlock, backbone: Backbone, rows: int) -> Iterator[str]:
    width = _width(block.readout, backbone)
    if width is not None and rows != width:
        yield f"weights for {rows} features, its backbone gives {width}"
    if block.readout is not None:
        for name in ("mean", "factor"):
            shape = getattr(block.readout, name).shape
            if shape != (rows,):
                yield f"a {name} of the shape {shape} for {rows} features"


def _width(fitted: FittedReadout | None, backbone: Backbone) -> int | None:
    """Features of a block; None where the backbone does not tell."""
    if fitted is None:
        idf = getattr(backbone, "idf", None)
        return None if idf is None else len(idf)
    widths = vectors_of(backbone).layer_widths(fitted.readout.pooling)
    read = [widths[layer] for layer in fitted.readout.layers]
    if not all(read):
        return None
    return sum(read) if fitted.readout.mix == "concat" else max(read)
