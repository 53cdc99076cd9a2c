"""`explain`: which words of a text, or places of a picture, speak for a prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graftwork.api._kind import taker
from graftwork.api._misfit import check_values
from graftwork.api._open import machine_of
from graftwork.api._predict import open_model
from graftwork.errors import Fault, ParameterError, UnknownNameError
from graftwork.evaluation.explain import Explanation
from graftwork.evaluation.explain import explain as occlude
from graftwork.modalities import MODALITIES
from graftwork.model.model import Model
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.storage.disk import atomic_file, disk_errors

__all__ = ["explain", "named_inputs"]


def explain(
    run: str | Path | Any,
    value: Any,
    *,
    label: Any = None,
    out: str | Path | None = None,
    machine: Machine | Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Leave out each part of one input in turn and note how the prediction changes.

    Parts are the words of a text, or the fields of a grid over a picture.

    Says what the model goes by, not what is true. Method: occlusion (Zeiler & Fergus 2014; Li et
    al. 2016).

    Args:
        run: a run or model directory, a `Run` or a `Model`.
        value: the text, or the path of a picture (or its bytes, a PIL image, an array); a mapping
            by input name where the model has several inputs.
        label: the label to explain; default: the one predicted.
        out: PNG file for the picture with what speaks for the label in red, against it in blue.
        machine: device and threads.

    Returns:
        ``label``, ``prediction``, ``probability`` (of the label), ``log_odds`` and ``parts``:
        ``input``, ``part`` and ``importance`` in the order of the parts; above 0 speaks for the
        label; ``out``.

    Raises:
        ParameterError: an input is missing, shows nothing, cannot be read or is of another kind
            than the model reads, or there is nothing to draw.
        UnknownNameError: the model has no such label.
    """
    model = open_model(run, machine)
    target = None if out is None else _png(out)
    inputs = _inputs(model, value, machine)
    if label is not None and label not in model.classes:
        known = {str(each): each for each in model.classes}
        if str(label) not in known:
            raise UnknownNameError("label", str(label), list(known), where="the model")
        label = known[str(label)]
    found = occlude(model, inputs, label=label)
    if target is not None:
        _draw(model, inputs, found, target)
    return {**found.to_json(), "out": None if out is None else str(out)}


def named_inputs(names: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """Texts as the command line gives them: one alone, or ``NAME=TEXT`` for each of several inputs.

    Raises:
        ParameterError: all that is wrong with them.
    """
    if len(names) == 1 and len(texts) == 1:
        return {names[0]: texts[0]}
    found: dict[str, str] = {}
    faults = []
    if len(names) == 1:
        faults.append(Fault(f"found {len(texts)} texts; one is explained at a time"))
    for text in texts if len(names) > 1 else ():
        name, equals, value = text.partition("=")
        if not equals or name not in names:
            faults.append(Fault(f"{text[:40]!r} is not NAME=TEXT with a name of {_list(names)}"))
        elif name in found:
            faults.append(Fault(f"{name} is given more than once"))
        else:
            found[name] = value
    if faults:
        raise ParameterError("--explain", faults)
    return found


def _png(out: str | Path) -> Path:
    path = Path(out)
    if path.suffix.lower() != ".png":
        fault = Fault(f"{path.suffix or 'no ending'}; allowed is .png", field="out")
        raise ParameterError(faults=[fault])
    return path


def _draw(model: Model, inputs: Mapping[str, Any], found: Explanation, target: Path) -> None:
    """Write the first input that can be drawn.

    Raises:
        ParameterError: none can.
    """
    for name, kind in model.graph.inputs.items():
        values = [part.importance for part in found.parts if part.input == name]
        drawn = MODALITIES.get(kind)().overlay(inputs[name], values)
        if drawn is not None:
            with disk_errors("write", target), atomic_file(target) as temporary:
                temporary.write_bytes(drawn)
            return
    raise ParameterError(faults=[Fault("this model's inputs are read, not drawn", field="out")])


def _inputs(
    model: Model, value: Any, machine: Machine | Mapping[str, Any] | None
) -> dict[str, Any]:
    """One value by input name, with something to see in one of them at least."""
    names = list(model.graph.inputs)
    if isinstance(value, (list, tuple)):
        value = named_inputs(names, value)
    given = dict(value) if isinstance(value, Mapping) else {names[0]: value}
    missing = [name for name in names if name not in given]
    if missing:
        raise ParameterError(
            faults=[Fault(f"the model reads {_list(names)}; missing: {_list(missing)}")]
        )
    check_values(model, {name: given[name] for name in names})
    kinds = {name: MODALITIES.get(kind)() for name, kind in model.graph.inputs.items()}
    inputs, faults = {}, []
    for name, modality in kinds.items():
        take = taker(modality, machine_of(machine), Progress())
        (inputs[name],), wrong = take(["" if given[name] is None else given[name]], None)
        faults += [
            Fault(f"{why.replace('_', ' ')}: {told}", field=name) for why, told in wrong.values()
        ]
    if faults:
        raise ParameterError("the input cannot be read", faults)
    if all(kinds[name].is_blank(value) for name, value in inputs.items()):
        raise ParameterError(faults=[Fault("there is nothing to explain", field=_list(names))])
    return inputs


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
