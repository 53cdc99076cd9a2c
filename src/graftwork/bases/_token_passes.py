"""How batches of tokens go through a transformer, whole or in the parts that tuning needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.errors import UnsupportedError

if TYPE_CHECKING:
    from graftwork.bases._tokenize import Tokens
    from graftwork.bases.huggingface import HuggingFace

__all__ = ["TokenBatch", "TokenPasses", "is_decoder", "run_network"]


@dataclass(frozen=True, eq=False)
class TokenBatch:
    """Some rows, padded on the right.

    Attributes:
        ids: int64 (b, t).
        lengths: int64 (b,), real tokens of each row.
    """

    ids: np.ndarray
    lengths: np.ndarray


class TokenPasses:
    """The `Passes` of a backbone that reads tokens (see `graftwork.bases._tunable`)."""

    # Never trained: a pooler feeds no hidden state, and tables of embeddings cost a third of a step
    # while most of their rows never occur in the data.
    still = ("pooler", "embed", "wte", "wpe")
    # rows are short: plain products are quicker than the fused kernel, whose way back takes a third
    # of a step, more in half precision
    attention = "eager"

    def __init__(self, backbone: HuggingFace) -> None:
        self.padding = backbone.padding()
        self.device = backbone.placement.device
        self.poolings = backbone.poolings

    def batch(self, prepared: Tokens, index: np.ndarray) -> TokenBatch:
        """The rows at `index`."""
        return TokenBatch(*prepared.padded(index, self.padding))

    def smallest(self) -> TokenBatch:
        """One row of one token."""
        one = np.full((1, 1), self.padding or 1, dtype=np.int64)
        return TokenBatch(one, np.ones(1, np.int64))

    def run(self, network: Any, batch: TokenBatch) -> Sequence[Any]:
        """Hidden states of all layers, each (b, t, d)."""
        hidden, _ = run_network(network, batch.ids, batch.lengths, self.device)
        return tuple(hidden)

    def pool(self, states: Any, pooling: int, batch: TokenBatch) -> Any:
        """One vector a row, float32 (b, d)."""
        import torch

        from graftwork.nn.pooling import POOLINGS, real_tokens

        counts = torch.from_numpy(batch.lengths).to(self.device)
        mask = real_tokens(counts, batch.ids.shape[1])
        return POOLINGS[self.poolings[pooling]](states.float(), mask, counts)

    def rows(self, states: Any, batch: TokenBatch) -> list[np.ndarray]:
        """float32 (tokens, d) of each row, padding cut off."""
        values = states.float().cpu().numpy()
        return [row[:n] for row, n in zip(values, batch.lengths.tolist(), strict=True)]

    def fed(self, states: Sequence[np.ndarray], batch: TokenBatch) -> Any:
        """What `rows` gave, padded again: float32 (b, t, d)."""
        import torch

        shape = (len(states), batch.ids.shape[1], states[0].shape[1])
        padded = np.zeros(shape, dtype=np.float32)
        for row, values in enumerate(states):
            padded[row, : len(values)] = values
        return torch.from_numpy(padded).to(self.device)


def run_network(network: Any, ids: np.ndarray, lengths: np.ndarray, device: str) -> tuple[Any, Any]:
    """One batch: (hidden states of all layers, lengths as a tensor).

    Args:
        network: a transformers model, or a part of one.
        ids: int64 (b, t), padded on the right.
        lengths: int64 (b,), real tokens of each row.
        device: where the network is.
    """
    import torch

    tokens = torch.from_numpy(ids).to(device)
    counts = torch.from_numpy(lengths).to(device)
    mask = None
    if int(lengths.min()) < ids.shape[1]:  # without padding, no mask: the kernels are quicker
        steps = torch.arange(ids.shape[1], device=device)
        mask = (steps[None, :] < counts[:, None]).long()
    extra = {"use_cache": False} if is_decoder(network.config) else {}
    output = network(input_ids=tokens, attention_mask=mask, output_hidden_states=True, **extra)
    return output.hidden_states, counts


def is_decoder(config: Any) -> bool:
    """Whether the architecture reads left to right only (its last token has seen the text)."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    if getattr(config, "is_encoder_decoder", False):
        raise UnsupportedError(
            f"{config.model_type} is an encoder-decoder; use an encoder or a decoder as base"
        )
    return config.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
