"""`graftwork convert`: a file of image weights becomes a base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.registry import declare
from graftwork.runs.recipe import setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Convert"]

_SHOWN = 8  # names of what was left out


@dataclass(frozen=True)
class _Options:
    out: str | None = setting(None, "folder for the base; new or empty")
    architecture: str | None = setting(
        None, "whose weights they are: an own one, torchvision/NAME or timm/NAME (default: it fits)"
    )
    # Checked with mean and std by the call, so that all faults are told at once.
    size: int | str | None = setting(None, "side of the pictures that enter, 1 to 4096 pixels")
    mean: str | None = setting(None, "mean of red, green and blue, as 0.485,0.456,0.406")
    std: str | None = setting(None, "their spread, as 0.229,0.224,0.225")
    resize: str | None = setting(None, "how a picture becomes a square: squash, crop or pad")


@declare(
    "convert",
    title="Make a base of a file of image weights, safely",
    order=3.5,
    example="example: graftwork convert weights.pth --architecture torchvision/mobilenet_v2 "
    "--out bases/mnv2",
)
class Convert:
    """`graftwork convert WEIGHTS --out FOLDER`."""

    words: ClassVar = {
        "WEIGHTS": "file of weights (.pth, .pt, .th, .bin or .safetensors), or a Hugging Face "
        "directory whose weights are pickles"
    }
    options: ClassVar = _Options
    required: ClassVar = ("out",)
    recipe: ClassVar = ()
    machine: ClassVar = ()
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Convert and say what was read and how to use it."""
        from graftwork import api

        options = given.options
        with session.working():
            told = api.convert(
                given.words["WEIGHTS"],
                architecture=options.architecture,
                out=options.out,
                size=options.size,
                mean=options.mean,
                std=options.std,
                resize=options.resize,
                progress=session.progress,
            )
        session.result(told, *_lines(told))


def _lines(told: dict[str, Any]) -> list[str]:
    entering = told["input"]
    lines = [
        f"{told['architecture']}: {told['parameters']:,} weights in {told['tensors']} tensors, "
        f"found {told['found']} ({told['format']})"
    ]
    if isinstance(entering, dict):  # a Hugging Face directory says itself how inputs are read
        lines.append(
            f"Reads pictures of {entering['size']} x {entering['size']} pixels "
            f"({entering['resize']}), mean {_numbers(entering['mean'])}, "
            f"std {_numbers(entering['std'])}"
        )
    if told["widened"]:
        lines.append(f"{told['widened']} tensors of float64 or bfloat16 became float32")
    if told["n_left_out"]:
        names = ", ".join(told["left_out"][:_SHOWN])
        more = told["n_left_out"] - min(_SHOWN, len(told["left_out"]))
        lines.append(f"Left out: {names}" + (f" and {more:,} more" if more > 0 else ""))
    lines.append(f"Written: {told['out']}, {told['bytes'] / 1e6:,.1f} MB")
    data = "rows.csv --target COLUMN" if told.get("modality") == "text" else "photos/"
    lines.append(f"Next: graftwork fit {data} --base {told['out']}")
    return lines


def _numbers(values: Any) -> str:
    return " ".join(f"{value:.4g}" for value in values)
