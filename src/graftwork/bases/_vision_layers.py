"""What the hidden states of an image network of transformers look like, and one vector of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graftwork.errors import UnsupportedError

__all__ = ["Anatomy", "anatomy", "layer_states"]

MOST_PREFIX = 32  # a classification token and registers; more is something else


@dataclass(frozen=True)
class Anatomy:
    """The layers of one network that give features.

    Attributes:
        widths: numbers in a vector of each.
        poolings: names of the vectors per layer: ``mean`` over patches or places; ``first``, the
            classification token, where there is one, else ``max``.
        prefix: tokens before those of the patches (classification token, registers).
        kept: numbers of these layers among all hidden states; None: all of them.
        uniform: all layers give tokens of one form, so that they may stand one by one.
    """

    widths: tuple[int, ...]
    poolings: tuple[str, ...]
    prefix: int
    kept: tuple[int, ...] | None
    uniform: bool

    def chosen(self, states: Sequence[Any]) -> Sequence[Any]:
        """The layers of features among all states."""
        return states if self.kept is None else [states[number] for number in self.kept]

    def pool(self, states: Any, pooling: int) -> Any:
        """float32 (b, d) of a layer's states, tokens (b, t, d) or maps (b, d, h, w)."""
        values = states.float()
        name = self.poolings[pooling]
        if values.ndim == 4:
            return values.mean((2, 3)) if name == "mean" else values.amax((2, 3))
        if name == "first":
            return values[:, 0]
        patches = values[:, self.prefix :]
        return patches.mean(1) if name == "mean" else patches.amax(1)


def layer_states(output: Any) -> list[Any]:
    """Hidden states from the pixels on; the last as the network hands it out, after its last norm.

    Raises:
        UnsupportedError: the network tells none.
    """
    states = list(getattr(output, "hidden_states", None) or ())
    last = getattr(output, "last_hidden_state", None)
    if not states or last is None or any(state.ndim not in (3, 4) for state in states):
        raise UnsupportedError("it gives no hidden states of an image")
    if last.shape == states[-1].shape:
        return [*states[:-1], last]
    return [*states, last]


def anatomy(states: Sequence[Any], config: Any, size: tuple[int, int]) -> Anatomy:
    """Read it off the states of one image.

    Args:
        states: as `layer_states` gives them.
        config: of the network.
        size: height and width of the image.
    """
    if all(state.ndim == 3 for state in states):
        uniform = len({tuple(state.shape) for state in states}) == 1
        prefix = _prefix(int(states[0].shape[1]), config, size) if uniform else 0
        widths = tuple(int(state.shape[2]) for state in states)
        poolings = ("mean", "first") if prefix else ("mean", "max")
        return Anatomy(widths, poolings, prefix, None, uniform)
    kept = tuple(_stage_ends(states))
    widths = tuple(int(states[i].shape[1 if states[i].ndim == 4 else 2]) for i in kept)
    return Anatomy(widths, ("mean", "max"), 0, kept, False)


def _prefix(tokens: int, config: Any, size: tuple[int, int]) -> int:
    """Tokens that stand for no patch."""
    patch = getattr(config, "patch_size", None)
    high, wide = patch if isinstance(patch, (list, tuple)) else (patch, patch)
    if not (isinstance(high, int) and isinstance(wide, int) and high > 0 and wide > 0):
        return 0
    found = tokens - (size[0] // high) * (size[1] // wide)
    return found if 0 < found <= MOST_PREFIX else 0


def _stage_ends(states: Sequence[Any]) -> list[int]:
    """Of each resolution the last layer, and the last of all: dozens would fill the store."""
    last = len(states) - 1
    ends = [
        number
        for number in range(last)
        if states[number].shape[2:] != states[number + 1].shape[2:] or _new_width(states, number)
    ]
    return [*ends, last]


def _new_width(states: Sequence[Any], number: int) -> bool:
    """Whether only a last convolution follows, which widens the channels for the classifier."""
    last = len(states) - 1
    return number == last - 1 and states[last].shape[1] >= 2 * states[number].shape[1]
