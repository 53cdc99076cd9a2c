"""torchvision beside a CPU build of torch: two schemas that its Python part asks for.

The published wheel is made for CUDA. Beside another build of torch its compiled part does not load,
and then `import torchvision` fails (operator ``torchvision::nms`` does not exist), and with it
every model import of transformers. Declaring the two operators is enough: models and transforms
work, and only the compiled operators themselves are missing, and say so when called.
"""

from __future__ import annotations

import importlib
import sys
from importlib import util
from pathlib import Path
from typing import Any

__all__ = ["import_torchvision", "repair_torchvision"]

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_kept: list[Any] = []  # a library is gone with the last reference to it


def import_torchvision() -> Any:
    """The package, repaired where that is needed.

    Raises:
        ImportError: it is not installed.
    """
    repair_torchvision()
    return importlib.import_module("torchvision")


def repair_torchvision() -> None:
    """Before anything imports torchvision: make that possible where, and only where, it is not."""
    spec = None if "torchvision" in sys.modules else util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return
    if not _compiled_part_loads(Path(next(iter(spec.submodule_search_locations)))):
        _declare()


def _compiled_part_loads(folder: Path) -> bool:
    """Load the compiled operators as torchvision itself would, a moment earlier."""
    import torch

    if _known("nms"):
        return True
    for file in sorted(folder.glob("_C.*")):
        try:
            torch.ops.load_library(str(file))
        except (OSError, RuntimeError):
            return False
    return _known("nms")


def _declare() -> None:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in _SCHEMAS.items():
        if not _known(name):
            library.define(schema)
    _kept.append(library)


def _known(name: str) -> bool:
    import torch

    return hasattr(torch.ops.torchvision, name)
