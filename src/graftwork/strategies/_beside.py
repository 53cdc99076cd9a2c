"""A model without pre-training beside a tuned network: they see different things, and add up.

Frozen features gain from being joined with TF-IDF (`hybrid`); a tuned network still does, if less.
Both are fitted apart and their scores added: a head on joined features would have to be fitted on
rows that the network has learnt by heart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from graftwork.strategies import _linear as linear

if TYPE_CHECKING:
    from graftwork.model.model import Model
    from graftwork.strategies.strategy import Job

__all__ = ["joined", "plain_model"]


def plain_model(job: Job) -> Model | None:
    """The first rung's choice fitted on the job's rows; None where the job has no such rung.

    The first of the job's backbones is the one that is tuned, the other the one without
    pre-training.
    """
    names = [name for name in list(job.backbones)[1:] if name in job.shared]
    if len(names) != 1:
        return None
    name, settings = names[0], job.shared[names[0]].settings
    return linear.build_model(
        job,
        linear.Plain.of(job, name).sources(job),
        [(name, column) for column in job.dataset.inputs],
        strength=settings["strength"],
        balanced=settings["balanced"],
        facts={},
    )


def joined(tuned: Model, plain: Model, weight: float) -> Model:
    """One model whose scores are those of `tuned` plus `weight` times those of `plain`."""
    from graftwork.features.convex import Head as Linear
    from graftwork.model.graph import Graph
    from graftwork.model.head import ModelHead

    (name, mine), other = next(iter(tuned.heads.items())), plain.head
    factor = np.float32(weight)
    weights = [*mine.linear.weights, *(factor * each for each in other.linear.weights)]
    head = ModelHead(
        mine.task,
        (*mine.blocks, *other.blocks),
        Linear(weights, mine.linear.bias + factor * other.linear.bias),
    )
    nodes = [
        (block.node, model.graph.features[block.node])
        for model, blocks in ((tuned, mine.blocks), (plain, other.blocks))
        for block in blocks
    ]
    modality = next(iter(tuned.graph.inputs.values()))
    return replace(
        tuned,
        graph=Graph.of_blocks(modality, nodes, name),
        backbones={**tuned.backbones, **plain.backbones},
        heads={name: head},
    )
