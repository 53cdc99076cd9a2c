"""From a directory with `config.json` and `model.safetensors` to an image network, and back."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from graftwork.bases._convnet_config import (
    FORMAT,
    RESIZES,
    build_network,
    class_count,
    default_config,
    fit_report,
    fitting_architectures,
    is_head,
)
from graftwork.errors import BaseModelError, Fault, GraftworkError, IntegrityError
from graftwork.nn.images._network import ImageNetwork
from graftwork.runtime.devices import place
from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.tensors import load_tensors, save_tensors

if TYPE_CHECKING:
    from graftwork.bases.convnet import ConvNet
    from graftwork.runtime.devices import Placement

__all__ = ["load_convnet", "random_network", "save_network", "weights_hash", "without_head"]

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_MOST_NAMED = 10  # tensors in a message
_LARGEST = 4096  # side of an input, in pixels
_NOISE = 16  # pictures of noise that tell a network with random weights its statistics


def load_convnet(
    folder: Path, *, placement: Placement | None = None, facts: dict[str, Any] | None = None
) -> ConvNet:
    """Check and open a directory (see `ConvNet.load`)."""
    from graftwork.bases.convnet import ConvNet

    placement = placement or place()
    if not (folder / CONFIG).is_file():
        raise BaseModelError(faults=[Fault(f"no {CONFIG}; a base needs one", file=str(folder))])
    config = _checked(_read(folder / CONFIG), folder / CONFIG)
    if not (folder / WEIGHTS).is_file():
        raise BaseModelError(faults=[Fault(f"no {WEIGHTS}; a base needs one", file=str(folder))])
    tensors = load_tensors(folder / WEIGHTS)
    shapes = {name: array.shape for name, array in tensors.items()}
    _check_fit(config["architecture"], shapes, folder)
    if config["n_classes"] is not None:  # of the weights, whatever the config says
        config["n_classes"] = class_count(config["architecture"], shapes)
    network = _filled(config, tensors, folder)
    return ConvNet(network, config, placement=placement, facts=facts)


def random_network(config: Mapping[str, Any], seed: int) -> Any:
    """The same architecture with weights drawn from `seed`, and no classifier.

    Batch norms learn their statistics from one pass of coloured noise with the spectrum of
    photographs (1/f), and keep them: signals then have the same size in every layer, frozen or in
    training, and nothing depends on what a batch holds or on who works beside.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(config["architecture"], None, config["options"])
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    if norms:
        _calibrate(network, norms, int(config["input"]["size"]), seed)
    return network.eval()


def save_network(network: Any, config: Mapping[str, Any], folder: Path) -> None:
    """Write `config.json` and `model.safetensors` to an existing empty folder."""
    keep = config["n_classes"] is not None
    tensors = {
        name: tensor.detach().cpu().numpy()
        for name, tensor in network.state_dict().items()
        if keep or not is_head(name)
    }
    save_tensors(folder / WEIGHTS, tensors)
    write_json(folder / CONFIG, dict(config))


def weights_hash(network: Any) -> str:
    """SHA-256 over the tensors that features depend on: a classifier changes nothing."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if not is_head(name) and not name.endswith("num_batches_tracked"):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy(), np.float32).data)
    return digest.hexdigest()


def without_head(network: Any, config: Mapping[str, Any]) -> Any:
    """A copy of a network, on the CPU, that has no classifier."""
    with torch.random.fork_rng(devices=[]):
        bare = build_network(config["architecture"], None, config["options"])
    state = {n: tensor for n, tensor in network.state_dict().items() if not is_head(n)}
    bare.load_state_dict(state, strict=False)
    return bare


def _filled(config: Mapping[str, Any], tensors: Mapping[str, np.ndarray], folder: Path) -> Any:
    """The network with those weights, in float32 whatever the file holds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(config["architecture"], config["n_classes"], config["options"])
    own = network.state_dict()
    wanted = {n: a for n, a in tensors.items() if n in own and own[n].shape == a.shape}
    state = {n: torch.from_numpy(a).to(own[n].dtype) for n, a in wanted.items()}
    bad = [name for name, value in state.items() if not bool(torch.isfinite(value).all())]
    if bad:
        raise BaseModelError(
            f"base {str(folder)!r}: its weights hold values that are no numbers",
            faults=[Fault(f"tensor {name!r}", file=WEIGHTS) for name in bad[:_MOST_NAMED]],
        )
    network.load_state_dict(state, strict=False)
    return network.float().eval()


def _check_fit(architecture: str, shapes: Mapping[str, Any], folder: Path) -> None:
    faults = fit_report(architecture, shapes)
    if not faults:
        return
    others = fitting_architectures(shapes)
    hint = f"they fit {' or '.join(map(repr, others))}" if others else None
    more = len(faults) - _MOST_NAMED
    shown = [Fault(words) for words in faults[:_MOST_NAMED]]
    if more > 0:
        shown.append(Fault(f"and {more} more"))
    if hint:
        shown.append(Fault(f"{hint}: set it as the architecture in {CONFIG}"))
    raise BaseModelError(
        f"base {str(folder)!r}: the weights do not fit the architecture {architecture!r}",
        faults=shown,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        told = read_json(file)
    except IntegrityError as error:
        raise BaseModelError(str(error)) from error
    if not isinstance(told, dict):
        raise BaseModelError(faults=[Fault("not a JSON object", file=str(file))])
    return told


def _checked(told: dict[str, Any], file: Path) -> dict[str, Any]:
    """The config with its defaults filled in; all that is wrong with it at once."""
    where = str(file)
    faults = []
    if told.get("format") != FORMAT:
        faults.append(
            Fault(
                f"found {told.get('format')!r}, this version reads {FORMAT}", where, field="format"
            )
        )
    if not isinstance(told.get("architecture"), str):
        faults.append(Fault("names no architecture", where, field="architecture"))
    options, n_classes = told.get("options", {}), told.get("n_classes")
    if not isinstance(options, dict):
        faults.append(Fault("is no table of options", where, field="options"))
    if n_classes is not None and not (type(n_classes) is int and n_classes > 0):
        faults.append(Fault(f"found {n_classes!r}, not a count", where, field="n_classes"))
    if faults:
        raise BaseModelError(faults=faults)
    try:
        config = default_config(told["architecture"], n_classes=n_classes, **options)
    except GraftworkError as error:
        if isinstance(error, ImportError):  # a missing extra says all there is to say
            raise
        raise BaseModelError(f"{where}: {error}") from error
    config["input"] |= _checked_input(told.get("input", {}), where)
    return config


def _checked_input(told: Any, where: str) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise BaseModelError(faults=[Fault("is no table", where, field="input")])
    allowed = {
        "size": (lambda v: type(v) is int and 1 <= v <= _LARGEST, f"a whole number to {_LARGEST}"),
        "mean": (lambda v: _three(v), "three numbers"),
        "std": (lambda v: _three(v) and min(v) > 0, "three numbers above 0"),
        "resize": (lambda v: v in RESIZES, " or ".join(map(repr, RESIZES))),
    }
    faults = [
        Fault(f"found {told[key]!r}, allowed: {words}", where, field=f"input.{key}")
        for key, (good, words) in allowed.items()
        if key in told and not good(told[key])
    ]
    faults += [
        Fault(f"not known; there are {', '.join(allowed)}", where, field=f"input.{key}")
        for key in sorted(set(told) - set(allowed))
    ]
    if faults:
        raise BaseModelError(faults=faults)
    return dict(told)


def _three(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 3
    return numbers and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in value
    )


def _calibrate(network: Any, norms: list[nn.BatchNorm2d], size: int, seed: int) -> None:
    """One pass in which every batch norm takes the statistics of what it sees."""
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    run = nn.Sequential(*network.units()) if isinstance(network, ImageNetwork) else network
    with torch.inference_mode():
        run(_noise(size, seed))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def _noise(size: int, seed: int) -> torch.Tensor:
    """Float32 (n, 3, size, size): noise of every scale, each as strong as the next."""
    generator = torch.Generator().manual_seed(seed)
    total, side = torch.zeros(_NOISE, 3, size, size), 2
    while side < 2 * size:
        grain = torch.randn(_NOISE, 3, min(side, size), min(side, size), generator=generator)
        total += nn.functional.interpolate(grain, (size, size), mode="bilinear")
        side *= 2
    return total / total.std()
