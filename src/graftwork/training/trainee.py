"""What the loop asks of whatever trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from graftwork.runtime.spread import Spread, in_one

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Trainee", "Watcher", "Weights"]


@dataclass(frozen=True, eq=False)
class Weights:
    """Parameters that train alike.

    Attributes:
        names: of each parameter, unique over all groups.
        parameters: torch parameters.
        depth: layers between these and the head; 0 is the head itself.
        decays: whether weight decay applies.
    """

    names: tuple[str, ...]
    parameters: tuple[Any, ...]
    depth: int
    decays: bool


class Trainee(Protocol):
    """A network with its rows and its loss; it knows its task, the loop does not.

    Attributes:
        lengths: int (n,), cost of each row.
        device: ``cpu`` or ``cuda``.
        views: versions that each row comes in; row r of version v is numbered v · n + r, and each
            epoch sees the next version of all rows.
        kinds: int (n,), where the loss compares rows of a batch: it wants pairs of a kind in it.
    """

    lengths: np.ndarray
    device: str
    views: int
    kinds: np.ndarray | None

    def weights(self) -> Sequence[Weights]:
        """What trains, in groups."""
        ...

    def worker(self) -> Trainee:
        """Another that has these weights, shared or as of the last `renew`, and own gradients.

        Its parameters come in the same order, those that are not shared rounded.
        """
        ...

    def renew(self, spread: Spread = in_one) -> None:
        """Tell all workers of the weights as they are now, in shares where there is much to do."""
        ...

    def loss(self, rows: np.ndarray) -> Any:
        """The loss summed over `rows`, a scalar torch tensor with its graph."""
        ...


class Watcher(Protocol):
    """Looks at the weights after every epoch; what it keeps goes into the checkpoints."""

    def score(self, epochs: int) -> float:
        """The score after so many epochs; weights are left as they are."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What it has seen so far, as arrays by name."""
        ...

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up what `state` gave."""
        ...
