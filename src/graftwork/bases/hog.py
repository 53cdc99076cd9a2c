"""HOG and colour histograms: the backbone for pictures without pre-training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.bases.backbone import Capability, Shape
from graftwork.errors import DataError, Fault, IntegrityError, ParameterError, UnsupportedError
from graftwork.registry import Declaration, declare

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases._pictures import Pictures
    from graftwork.data.blob import Blob

__all__ = ["Hog"]

FORMAT = 1
COST = 64  # of a picture, beside a text's tokens: batches of sixteen on a CPU


@declare(
    "hog",
    title="HOG and colour histograms, no pre-training",
    source="Dalal & Triggs 2005",
    short="HOG + colour",
)
class Hog:
    """Where edges lie and which way they run, and which colours there are: one vector a picture.

    The picture is pressed into a square. Nothing is learned: two pictures of one content have the
    same vector whatever the training rows are. A missing picture gives zeros.

    Args:
        size: side of the square, in pixels.
        cell: side of a cell of the gradients' histograms. Of cells of 8, 12 and 16 in 64 to 128
            pixels those that make 8 × 8 of a picture were best on validation rows.
        orientations: bins of half a turn.
        bins: of hue, saturation and brightness.
        grids: fields on a side in which colours are counted: of the whole, and of 3 × 3 parts.

    Raises:
        ParameterError: a value is not allowed.
    """

    declaration: ClassVar[Declaration]
    kind = "hog"
    modality = "image"
    n_layers = 1
    poolings: tuple[str, ...] = ("grid",)
    shapes = frozenset({Shape.POOLED})

    def __init__(
        self,
        *,
        size: int = 96,
        cell: int = 12,
        orientations: int = 9,
        bins: Sequence[int] = (12, 8, 8),
        grids: Sequence[int] = (1, 3),
    ) -> None:
        self.size = int(size)
        self.cell = int(cell)
        self.orientations = int(orientations)
        self.bins = tuple(int(count) for count in bins)
        self.grids = tuple(int(grid) for grid in grids)
        self._check()

    def _check(self) -> None:
        faults = []
        if self.cell < 2 or self.size % max(self.cell, 1) or not 2 * self.cell <= self.size <= 1024:
            allowed = "a size up to 1024 that is a multiple of the cell, 2 cells of 2 at least"
            faults.append(Fault(f"{self.size} with cells of {self.cell}; {allowed}", field="size"))
        if not 1 <= self.orientations <= 180:
            faults.append(Fault(f"{self.orientations}; 1 to 180", field="orientations"))
        if len(self.bins) != 3 or not all(1 <= count <= 256 for count in self.bins):
            faults.append(Fault(f"{self.bins}; three numbers from 1 to 256", field="bins"))
        if not all(1 <= grid <= self.size for grid in self.grids):
            faults.append(Fault(f"{self.grids}; each 1 to {self.size}", field="grids"))
        if faults:
            raise ParameterError("HOG backbone", faults)

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        blocks = (self.size // self.cell - 1) ** 2
        fields = sum(grid * grid for grid in self.grids)
        return blocks * 4 * self.orientations + fields * sum(self.bins)

    @property
    def widths(self) -> tuple[int, ...]:
        """Of its one layer."""
        return (self.dim,)

    def supports(self, capability: Capability) -> bool:
        """Nothing: there are no weights."""
        return False

    def prepare(self, inputs: Sequence[Any]) -> Pictures:
        """Pictures that are read when they are asked for; None is a missing one.

        Raises:
            DataError: an input is no picture.
        """
        from graftwork.bases._pictures import Pictures
        from graftwork.data.blob import Blob

        faults = [
            Fault(f"found {type(value).__name__}, allowed is a picture", row=position + 1)
            for position, value in enumerate(inputs)
            if value is not None and not isinstance(value, Blob)
        ]
        if faults:
            raise DataError("the HOG backbone reads pictures", faults[:20])
        return Pictures(inputs, COST)

    def encode(self, prepared: Pictures, index: np.ndarray, shape: Shape) -> np.ndarray:
        """Float32 (len(index), 1, 1, d).

        Raises:
            UnsupportedError: another shape than pooled.
            DataError: a file is gone, was changed, or is no picture.
        """
        import numpy as np

        if shape != Shape.POOLED:
            raise UnsupportedError(f"the HOG backbone gives pooled features, not {shape}")
        out = np.zeros((len(index), 1, 1, self.dim), np.float32)
        for row, position in enumerate(np.asarray(index).tolist()):
            value = prepared.inputs[position]
            if value is not None:
                out[row, 0, 0] = self._vector(value)
        return out

    def _vector(self, value: Blob) -> np.ndarray:
        import numpy as np
        from PIL import Image

        from graftwork.bases._hog_features import colours, gradients
        from graftwork.modalities.picture_views import seen

        square = (self.size, self.size)
        picture = seen(value, size=2 * self.size)
        picture = picture.resize(square, Image.Resampling.BILINEAR, reducing_gap=2.0)
        hue, saturation, brightness = self.bins
        edges = gradients(np.asarray(picture), self.cell, self.orientations)
        tints = np.asarray(picture.convert("HSV"))
        found = colours(tints, (hue, saturation, brightness), self.grids)
        # both parts of a length near 1, colours half as heavy: the vector may be read as it is
        edges /= np.float32(self.size // self.cell - 1)
        found *= np.float32(0.5 / np.sqrt(3 * max(1, sum(g * g for g in self.grids))))
        return np.concatenate([edges, found])

    def fingerprint(self) -> str:
        """SHA-256 over the settings."""
        from graftwork.storage.hashing import digest_json

        return digest_json(self._config())

    def _config(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "format": FORMAT,
            "size": self.size,
            "cell": self.cell,
            "orientations": self.orientations,
            "bins": list(self.bins),
            "grids": list(self.grids),
        }

    def describe(self) -> dict[str, Any]:
        """Plain facts for `info`, cards and records."""
        return {
            **self._config(),
            "title": self.declaration.title,
            "source": self.declaration.source,
            "dim": self.dim,
            "parameters": 0,
        }

    def save(self, folder: Path) -> None:
        """Write `config.json`, all that there is."""
        text = json.dumps(self._config(), indent=2) + "\n"
        (folder / "config.json").write_text(text, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path, **_: Any) -> Hog:
        """Read what `save` wrote; placement and the like mean nothing to it.

        Raises:
            IntegrityError: the file is absent or damaged.
        """
        from graftwork.storage.json_files import read_json

        config = read_json(folder / "config.json")
        if not isinstance(config, Mapping) or config.get("kind") != cls.kind:
            raise IntegrityError(f"{folder / 'config.json'}: not a saved HOG backbone")
        if config.get("format") != FORMAT:
            raise IntegrityError(
                f"{folder / 'config.json'}: format {config.get('format')!r}; this version of "
                f"Graftwork reads {FORMAT}"
            )
        try:
            names = ("size", "cell", "orientations", "bins", "grids")
            return cls(**{name: config[name] for name in names})
        except (KeyError, TypeError, ValueError) as fault:
            raise IntegrityError(f"{folder / 'config.json'}: damaged ({fault})") from fault
