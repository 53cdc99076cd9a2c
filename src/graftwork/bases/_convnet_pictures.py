"""Pictures on their way into an image network: decoded and scaled when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.bases._pictures import Pictures

if TYPE_CHECKING:
    from PIL.Image import Image

    from graftwork.data.blob import Blob

__all__ = ["InputSpec", "NetworkPictures"]

_REDUCING_GAP = 2.0  # large pictures are first reduced by whole steps: quicker, and no visible loss


@dataclass(frozen=True)
class InputSpec:
    """What enters a network.

    Attributes:
        size: side of the square, in pixels.
        mean, std: of red, green and blue, on values from 0 to 1.
        resize: ``crop`` (the middle square, as large as fits), ``squash`` (all of it, the longer
            side pressed together) or ``pad`` (all of it, the rest filled with the mean colour).
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: str

    @classmethod
    def of(cls, told: dict[str, Any]) -> InputSpec:
        """From the checked ``input`` of a `config.json`."""
        mean, std = (tuple(float(value) for value in told[key]) for key in ("mean", "std"))
        return cls(int(told["size"]), mean, std, str(told["resize"]))

    def pixels(self, picture: Image) -> np.ndarray:
        """Float32 (3, size, size) of an RGB picture of any size."""
        square = _RESIZED[self.resize](picture, self)
        values = np.asarray(square, dtype=np.float32) * np.float32(1 / 255)
        values -= np.asarray(self.mean, dtype=np.float32)
        values *= np.float32(1) / np.asarray(self.std, dtype=np.float32)
        return values.transpose(2, 0, 1)


class NetworkPictures(Pictures):
    """Inputs of an image network.

    Args:
        inputs: n pictures; None is one without content, of the mean colour.
        spec: what enters the network.
        workers: as in `Pictures`.
    """

    def __init__(self, inputs: Sequence[Blob | None], spec: InputSpec, workers: int = 1) -> None:
        super().__init__(inputs, workers=workers)
        self.spec = spec

    def pixels(self, index: np.ndarray) -> np.ndarray:
        """Float32 (b, 3, size, size) of the pictures at `index`.

        The memory lies channels last, as the networks read it.

        Raises:
            DataError: a file is gone, was changed, or is no picture.
        """
        size = self.spec.size
        out = np.zeros((len(index), size, size, 3), dtype=np.float32).transpose(0, 3, 1, 2)
        for row, values in enumerate(self.each(index, self._one)):
            if values is not None:
                out[row] = values
        return out

    def _one(self, blob: Blob | None) -> np.ndarray | None:
        from graftwork.modalities.picture_views import seen

        return None if blob is None else self.spec.pixels(seen(blob, size=self.spec.size))


def _squashed(picture: Image, spec: InputSpec) -> Image:
    return _scaled(picture, spec.size, spec.size)


def _cropped(picture: Image, spec: InputSpec) -> Image:
    wide, high = picture.size
    side = min(wide, high)
    left, top = (wide - side) // 2, (high - side) // 2
    middle = picture.crop((left, top, left + side, top + side)) if wide != high else picture
    return _scaled(middle, spec.size, spec.size)


def _padded(picture: Image, spec: InputSpec) -> Image:
    from PIL import Image

    factor = spec.size / max(picture.size)
    wide, high = (max(1, round(side * factor)) for side in picture.size)
    colour = tuple(round(255 * value) for value in spec.mean)
    square = Image.new("RGB", (spec.size, spec.size), colour)
    place = ((spec.size - wide) // 2, (spec.size - high) // 2)
    square.paste(_scaled(picture, wide, high), place)
    return square


def _scaled(picture: Image, wide: int, high: int) -> Image:
    from PIL import Image

    if (wide, high) == picture.size:
        return picture
    return picture.resize((wide, high), Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)


_RESIZED = {"squash": _squashed, "crop": _cropped, "pad": _padded}
