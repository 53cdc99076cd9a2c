"""A picture as an input sees it: as it is, or one of its altered views (augmentation)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from graftwork.data.blob import Blob
from graftwork.errors import DataError, Fault
from graftwork.modalities.picture import PictureError, open_picture

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["altered", "seen"]

LEAST_AREA = 0.6  # of the picture that a crop keeps
LEAST_SIDES, MOST_SIDES = 3 / 4, 4 / 3  # change of the ratio of its sides
JITTER = {"Brightness": 0.2, "Contrast": 0.2, "Color": 0.2}


def altered(picture: Image, seed: int) -> Image:
    """A random part of the picture, perhaps mirrored, a little brighter, paler and so on.

    Args:
        picture: RGB.
        seed: the same seed does the same to a picture of the same size.

    Returns:
        An RGB picture of the part's own size (it is resized with the rest of the inputs).
    """
    import numpy as np
    from PIL import Image, ImageEnhance

    random = np.random.default_rng(seed)
    picture = picture.crop(_part(picture.size, random))
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for name in random.permutation(list(JITTER)):
        factor = 1 + random.uniform(-JITTER[name], JITTER[name])
        picture = getattr(ImageEnhance, name)(picture).enhance(factor)
    return picture


def _part(size: tuple[int, int], random: Any) -> tuple[int, int, int, int]:
    """Box of a part of at least `LEAST_AREA`; as much as fits where its shape would not."""
    width, height = size
    area = random.uniform(LEAST_AREA, 1.0)
    sides = math.exp(random.uniform(math.log(LEAST_SIDES), math.log(MOST_SIDES)))
    wide = min(width, max(1, round(width * math.sqrt(area * sides))))
    high = min(height, max(1, round(height * math.sqrt(area / sides))))
    left = int(random.integers(0, width - wide + 1))
    top = int(random.integers(0, height - high + 1))
    return left, top, left + wide, top + high


def seen(value: Blob, *, size: int | None = None) -> Image:
    """The picture in a `Blob`, altered where the Blob is a view.

    The seed is of content and number of the view, so that each picture is altered in its own way.

    Args:
        value: a file in one of the allowed formats.
        size: as in `open_picture`.

    Raises:
        DataError: it cannot be read or decoded (any more); the file is named.
    """
    content = value.read()
    if value.view and size is not None:  # only a part of it is kept
        size = math.ceil(size / math.sqrt(LEAST_AREA * LEAST_SIDES))
    try:
        picture = open_picture(content, size=size)
    except PictureError as error:
        raise DataError(faults=[Fault(error.detail, file=value.name)]) from error
    if not value.view:
        return picture
    return altered(picture, int(value.digest[:12], 16) * 1_000_003 + value.view)
