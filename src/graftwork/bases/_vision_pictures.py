"""Pictures on their way into an image network of transformers, by the processor it came with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.bases._checkpoint import PROCESSOR
from graftwork.bases._pictures import Pictures
from graftwork.errors import BaseModelError, Fault

if TYPE_CHECKING:
    from PIL.Image import Image

    from graftwork.data.blob import Blob

__all__ = ["Pixels", "Processor"]

_ODD = ((40, 60), (90, 30))  # sizes of pictures that show whether what comes out is of one size


class Processor:
    """Resizes, crops and scales a picture as the network was trained; Pillow and numpy alone.

    Args:
        folder: of the checkpoint.

    Raises:
        BaseModelError: its processor is unknown, needs torchvision, or gives no fixed size.
    """

    def __init__(self, folder: Path) -> None:
        self.text = _checked_text(folder)
        self._theirs = _theirs(folder)
        try:
            shapes = {self.values(_plain(size)).shape for size in _ODD}
        except Exception as error:  # what a wrong setting makes of it may be anything
            raise _refused(folder, f"it cannot be applied: {error}") from error
        if len(shapes) != 1:
            raise _refused(folder, "it leaves pictures of different sizes (no crop, no fixed size)")
        channels, self.height, self.width = shapes.pop()
        if channels != 3:
            raise _refused(folder, f"it gives {channels} channels; three are read")

    def values(self, picture: Image) -> np.ndarray:
        """Float32 (3, height, width) of an RGB picture."""
        done = self._theirs(picture, return_tensors="np")["pixel_values"][0]
        return np.asarray(done, dtype=np.float32)


class Pixels(Pictures):
    """Inputs of an image network of transformers.

    Args:
        inputs: n pictures; None is one without content, black after scaling.
        processor: of the base.
        workers: as in `Pictures`.
    """

    def __init__(
        self, inputs: Sequence[Blob | None], processor: Processor, workers: int = 1
    ) -> None:
        super().__init__(inputs, workers=workers)
        self.processor = processor

    def pixels(self, index: np.ndarray) -> np.ndarray:
        """Float32 (b, 3, height, width) of the pictures at `index`.

        Raises:
            DataError: a file is gone, was changed, or is no picture.
        """
        return np.stack(list(self.each(index, self._one)))

    def _one(self, blob: Blob | None) -> np.ndarray:
        from graftwork.modalities.picture_views import seen

        made = self.processor
        if blob is None:
            return np.zeros((3, made.height, made.width), dtype=np.float32)
        # twice of what enters: a JPEG read at a half or a quarter then looks the same
        return made.values(seen(blob, size=2 * max(made.height, made.width)))


def _checked_text(folder: Path) -> str:
    """What the folder says of its processor."""
    file = folder / PROCESSOR
    try:
        text = file.read_text("utf-8")
        told = json.loads(text)
    except (OSError, ValueError) as error:
        raise BaseModelError(faults=[Fault(f"cannot be read: {error}", file=str(file))]) from error
    if not isinstance(told, dict):
        raise BaseModelError(faults=[Fault("not a JSON object", file=str(file))])
    if told.get("auto_map") is not None:
        message = "asks for code of its own (auto_map); such code is never run"
        raise BaseModelError(faults=[Fault(message, file=str(file), field="auto_map")])
    return text


def _theirs(folder: Path) -> Any:
    """The processor of transformers that needs Pillow alone."""
    from transformers import AutoImageProcessor

    from graftwork.bases._loading import quiet

    try:
        with quiet():
            return AutoImageProcessor.from_pretrained(
                str(folder), backend="pil", local_files_only=True, trust_remote_code=False
            )
    except Exception as error:
        lines = [line for line in str(error).strip().splitlines() if line.strip()]
        raise _refused(folder, (lines or [type(error).__name__])[0][:300]) from error


def _plain(size: tuple[int, int]) -> Image:
    from PIL import Image

    return Image.new("RGB", size, (90, 120, 150))


def _refused(folder: Path, why: str) -> BaseModelError:
    message = f"its image processor cannot be used: {why}"
    return BaseModelError(faults=[Fault(message, file=str(folder / PROCESSOR))])
