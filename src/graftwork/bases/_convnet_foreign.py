"""Architectures that torchvision or timm builds: their networks, inputs and layers.

Only the architecture comes from there, never weights: those are in the base's own directory.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator
from typing import Any

from graftwork.errors import MissingExtraError, UnknownNameError
from graftwork.nn.images._inputs import CENTRED, IMAGENET, pictures

__all__ = ["foreign_defaults", "foreign_network"]

EXTRA = "vision"
# torchvision scales their input anew inside the network; the same numbers enter in this way.
_CENTRED = ("inception_v3", "googlenet")


def foreign_defaults(architecture: str) -> dict[str, Any]:
    """The input that such an architecture is usually trained on; it has no options.

    Raises:
        MissingExtraError: the package is not installed.
        UnknownNameError: it has no such architecture.
    """
    package, name = _checked(architecture)
    if package == "timm":
        told = _timm_config(name)
        scale = (tuple(told["mean"]), tuple(told["std"]))
        return {"input": pictures(int(told["input_size"][-1]), scale), "options": {}}
    scale = CENTRED if name in _CENTRED else IMAGENET
    return {"input": pictures(_torchvision_size(name), scale), "options": {}}


def foreign_network(architecture: str, n_classes: int | None) -> Any:
    """A network with weights of its own drawing, in evaluation mode.

    Raises:
        MissingExtraError, UnknownNameError: as `foreign_defaults`.
    """
    package, name = _checked(architecture)
    if package == "timm":
        return _timm().create_model(name, pretrained=False, num_classes=n_classes or 0).eval()
    extra = {"init_weights": True} if name in _CENTRED else {}
    if name in _CENTRED:
        extra |= {"aux_logits": False, "transform_input": False}
    models = _torchvision().models
    network = models.get_model(name, weights=None, num_classes=n_classes or 1, **extra)
    return network.eval()


def _checked(architecture: str) -> tuple[str, str]:
    package, _, name = architecture.partition("/")
    names = _timm().list_models() if package == "timm" else _classifiers()
    base = name.split(".")[0] if package == "timm" else name  # timm: name.weights
    if base not in names:
        near = difflib.get_close_matches(base, names, n=5, cutoff=0.5) or names
        raise UnknownNameError(f"architecture of {package}", name, near)
    return package, name


def _classifiers() -> list[str]:
    models = _torchvision().models
    return [str(name) for name in models.list_models(module=models)]


def _torchvision_size(name: str) -> int:
    """What its published weights were trained on; 224 where it has none."""
    for weights in _torchvision().models.get_model_weights(name):
        told = getattr(weights.transforms, "keywords", {})
        if "crop_size" in told:
            return int(told["crop_size"])
    return 224


def _timm_config(name: str) -> dict[str, Any]:
    found = _timm().get_pretrained_cfg(name)
    told = found.to_dict() if found is not None else {}
    return {"mean": IMAGENET[0], "std": IMAGENET[1], "input_size": (3, 224, 224)} | told


def _torchvision() -> Any:
    from graftwork.bases._torchvision_repair import import_torchvision

    with _missing("torchvision"):
        package = import_torchvision()

        return package


def _timm() -> Any:
    from graftwork.bases._torchvision_repair import import_torchvision

    with _missing("timm"):
        import_torchvision()
        import timm

        return timm


@contextlib.contextmanager
def _missing(package: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or package, EXTRA) from error
