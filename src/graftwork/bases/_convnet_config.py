"""What `config.json` says of an image network, and whether weights fit an architecture.

An architecture is one of `graftwork.nn.images`, or one that another package builds:
``torchvision/<name>`` or ``timm/<name>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from graftwork.errors import ParameterError, UnknownNameError, nearest

__all__ = [
    "FORMAT",
    "RESIZES",
    "build_network",
    "class_count",
    "default_config",
    "fit_report",
    "fitting_architectures",
    "is_head",
    "layer_ends",
]

FORMAT = 1
RESIZES = ("squash", "crop", "pad")
_ALLOWED = {"padding": ("tf", "symmetric")}
# How the part of a network that names its own classes is called; features do not need it.
_HEADS = (
    "classifier",
    "fc",
    "head",
    "heads",
    "linear",
    "logits",
    "last_linear",
    "aux",
    "aux1",
    "aux2",
    "head_dist",
    "AuxLogits",
)
_COUNTERS = "num_batches_tracked"  # of batch norms; steers nothing once training is over

Shapes = Mapping[str, tuple[int, ...]]


def default_config(
    architecture: str, *, n_classes: int | None = None, **options: Any
) -> dict[str, Any]:
    """The `config.json` of an architecture, with the input that its weights are used to.

    ``torchvision/mobilenet_v2`` gives what torchvision's weights of it need (symmetric padding,
    ImageNet scaling), ``mobilenet_v2`` what TensorFlow's need.

    Args:
        architecture: a name or an alias.
        n_classes: of the classifier in the weights; None: it has none, or it is dropped.
        options: of the architecture (``padding``, ``norm_eps``); its defaults where left out.

    Raises:
        UnknownNameError: no such architecture, or it has no such option.
        ParameterError: an option has a value that is not allowed.
        MissingExtraError: the package that builds it is not installed.
    """
    if is_foreign(architecture):
        from graftwork.bases._convnet_foreign import foreign_defaults

        name, facts = architecture, foreign_defaults(architecture)
    else:
        declared = _declared(architecture)
        name, facts = declared.name, dict(declared.facts)
        if architecture.startswith("torchvision/"):
            facts |= facts.get("torchvision", {})
    settings = dict(facts["options"])
    _check_options(name, settings, options)
    return {
        "kind": "convnet",
        "format": FORMAT,
        "architecture": name,
        "options": settings | options,
        "input": dict(facts["input"]),
        "n_classes": n_classes,
    }


def fit_report(architecture: str, shapes: Shapes) -> list[str]:
    """What keeps weights from fitting an architecture, one sentence a tensor; empty: they fit.

    A classifier that is missing, or is another's, is no fault: features do not need it.

    Args:
        architecture: a name or an alias.
        shapes: shape of each tensor, by name.

    Raises:
        UnknownNameError: no such architecture.
        MissingExtraError: the package that builds it is not installed.
    """
    wanted = _feature_shapes(architecture)
    faults = []
    for name, shape in wanted.items():
        if name not in shapes:
            if not name.endswith(_COUNTERS):
                faults.append(f"tensor {name!r}, shape {shape}, is missing")
        elif tuple(shapes[name]) != shape:
            found = tuple(shapes[name])
            faults.append(f"tensor {name!r} has the shape {found}; {architecture} asks for {shape}")
    known = (name for name in shapes if name not in wanted and not is_head(name))
    return faults + [f"tensor {name!r} is none of {architecture}" for name in known]


def fitting_architectures(shapes: Shapes) -> list[str]:
    """Names of our own architectures that those tensors fit."""
    from graftwork.nn.images import IMAGE_NETWORKS

    return [name for name in IMAGE_NETWORKS.names() if not fit_report(name, shapes)]


def class_count(architecture: str, shapes: Shapes) -> int | None:
    """How many classes the classifier among those tensors has; None: none that fits."""
    heads = {name: tuple(shape) for name, shape in shapes.items() if is_head(name)}
    counts = {shape[0] for shape in heads.values() if shape}
    for count in sorted(counts, reverse=True):
        full = _shapes_of(architecture, count)
        mine = {name: shape for name, shape in full.items() if is_head(name)}
        if mine and all(heads.get(name) == shape for name, shape in mine.items()):
            return count
    return None


def is_head(name: str) -> bool:
    """Whether a tensor of that name belongs to a classifier."""
    return name.split(".")[0] in _HEADS


def is_foreign(architecture: str) -> bool:
    """Whether another package builds it."""
    if architecture.split("/")[0] not in {"torchvision", "timm"}:
        return False
    return not any(architecture in one.declaration.aliases for one in _ours().values())


def build_network(architecture: str, n_classes: int | None, options: Mapping[str, Any]) -> Any:
    """The network with weights of its own drawing (seed torch before).

    Raises:
        UnknownNameError, MissingExtraError: as `default_config`.
    """
    if is_foreign(architecture):
        from graftwork.bases._convnet_foreign import foreign_network

        return foreign_network(architecture, n_classes)
    from graftwork.nn.images import IMAGE_NETWORKS

    return IMAGE_NETWORKS.get(architecture)(n_classes, **options).eval()


def layer_ends(architecture: str) -> tuple[int, ...]:
    """Numbers of the units that end a layer of one of our own architectures."""
    return tuple(_declared(architecture).facts["ends"])


def _ours() -> dict[str, Any]:
    from graftwork.nn.images import IMAGE_NETWORKS

    return IMAGE_NETWORKS.all()


def _declared(architecture: str) -> Any:
    for one in _ours().values():
        if architecture in (one.declaration.name, *one.declaration.aliases):
            return one.declaration
    known = [*_ours(), "torchvision/<name>", "timm/<name>"]
    plain = "/" not in architecture  # as it is in the hub's names, which are none of theirs
    if plain and nearest(architecture, list(_ours())) is None:  # most of that name are theirs
        known.append(f"torchvision/{architecture}")
    raise UnknownNameError("image architecture", architecture, known)


def _check_options(name: str, defaults: dict[str, Any], options: Mapping[str, Any]) -> None:
    for key, value in options.items():
        if key not in defaults:
            raise UnknownNameError(f"option of {name}", key, defaults)
        if key in _ALLOWED and value not in _ALLOWED[key]:
            allowed = " or ".join(map(repr, _ALLOWED[key]))
            raise ParameterError(f"option {key!r} of {name}: found {value!r}, allowed: {allowed}")
        if key not in _ALLOWED and not (isinstance(value, (int, float)) and value > 0):
            raise ParameterError(f"option {key!r} of {name}: found {value!r}, allowed: above 0")


def _feature_shapes(architecture: str) -> dict[str, tuple[int, ...]]:
    full = _shapes_of(architecture, None)
    return {name: shape for name, shape in full.items() if not is_head(name)}


@cache
def _shapes_of(architecture: str, n_classes: int | None) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors, found without memory for any of them."""
    import torch

    config = default_config(architecture)
    with torch.device("meta"):
        network = build_network(config["architecture"], n_classes, config["options"])
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
