"""`explain`: which words of one text speak for a prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graftwork.api._predict import open_model
from graftwork.errors import Fault, ParameterError, UnknownNameError
from graftwork.evaluation.explain import explain as occlude
from graftwork.modalities import MODALITIES
from graftwork.model.model import Model
from graftwork.runs.recipe import Machine

__all__ = ["explain", "named_inputs"]


def explain(
    run: str | Path | Any,
    value: Any,
    *,
    label: Any = None,
    machine: Machine | Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Leave out each word of one text in turn and note how the prediction changes.

    Says what the model goes by, not what is true. Method: occlusion (Zeiler & Fergus 2014; Li et
    al. 2016).

    Args:
        run: a run or model directory, a `Run` or a `Model`.
        value: the text; a mapping by input name where the model has several inputs.
        label: the label to explain; default: the one predicted.
        machine: device and threads.

    Returns:
        ``label``, ``prediction``, ``probability`` (of the label), ``log_odds`` and ``parts``:
        ``input``, ``part`` and ``importance`` in the order of the text; above 0 speaks for the
        label.

    Raises:
        ParameterError: an input is missing or shows nothing.
        UnknownNameError: the model has no such label.
    """
    model = open_model(run, machine)
    inputs = _inputs(model, value)
    if label is not None and label not in model.classes:
        known = {str(each): each for each in model.classes}
        if str(label) not in known:
            raise UnknownNameError("label", str(label), list(known), where="the model")
        label = known[str(label)]
    return occlude(model, inputs, label=label).to_json()


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


def _inputs(model: Model, value: Any) -> dict[str, Any]:
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
    inputs = {name: "" if given[name] is None else given[name] for name in names}
    kinds = {name: MODALITIES.get(kind)() for name, kind in model.graph.inputs.items()}
    if all(kinds[name].is_blank(value) for name, value in inputs.items()):
        raise ParameterError(faults=[Fault("there is no text to explain", field=_list(names))])
    return inputs


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
