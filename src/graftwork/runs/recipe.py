"""What is done (`Recipe`, to share) and how it runs here (`Machine`), declared once.

The fields of these two classes are the parameters of `fit`, the keys of a recipe file and the
flags of the command line; all three read names, defaults, types and help from here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FIT_ONLY", "Machine", "Recipe", "setting"]


def setting(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] | None = None,
    registry: str | None = None,
    low: float | None = None,
    high: float | None = None,
    flag: str | None = None,
) -> Any:
    """A dataclass field with what its faces need to know.

    Args:
        default: the default; the help text says why where it is not plain.
        help: one sentence for `--help`, the docs and the report.
        choices: the allowed words, where they are few and fixed.
        registry: the registry whose names are allowed (resolved late, nothing is imported here).
        low: smallest allowed number.
        high: largest allowed number.
        flag: the word of the command line where it is not the field's name.
    """
    facts = {
        "help": help,
        "choices": choices,
        "registry": registry,
        "low": low,
        "high": high,
        "flag": flag,
    }
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=facts)
    return field(default=default, metadata=facts)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out: the same data and recipe give the same model."""

    target: str | None = setting(None, "column that holds the label")
    input: tuple[str, ...] = setting(
        (), "input column; repeat for several (kept apart and joined); found when left out"
    )
    modality: str | None = setting(
        None, "kind of input; found when left out", registry="modalities"
    )
    task: str = setting("classification", "what is predicted", registry="tasks")
    base: str | None = setting(
        None,
        "pre-trained base: a directory, a hub name, or an embedded one (default: minilm for text)",
    )
    start: str | None = setting(
        None,
        "finished run to go on from: its model is the first thing tried, its tuned base the base",
        flag="from",
    )
    strategy: str = setting(
        "auto", "how knowledge moves; auto chooses out of fold", registry="strategies"
    )
    parameters: dict[str, Any] = setting({}, "parameters of the strategy, by name")
    metric: str = setting("accuracy", "the metric that is optimised", registry="metrics")
    class_weight: str = setting(
        "auto",
        "weights for imbalance: balanced, none, or auto (balanced where the metric averages over "
        "classes and it wins out of fold)",
        choices=("auto", "none", "balanced"),
    )
    seed: int = setting(0, "seed of everything random", low=0, high=2**63 - 1)
    test_size: float = setting(
        0.2, "share of rows held back by a hash of the input; 0: no test part", low=0.0, high=0.9
    )
    split: str | None = setting(None, "column that says train, validation or test")
    group: str | None = setting(None, "column whose values never straddle train and test")
    time: str | None = setting(None, "column to order by: train on the past, test on the newest")
    test: str | None = setting(None, "file with the test rows")
    validation: str | None = setting(None, "file with validation rows")
    slices: tuple[str, ...] = setting((), "column to report scores by; repeat for several")
    folds: int = setting(5, "folds for out-of-fold choices", low=2, high=20)
    margin: float = setting(0.01, "differences inside ± margin count as none", low=0.0, high=0.5)
    min_gain: float = setting(
        0.005, "a costlier rung must promise at least this gain", low=0.0, high=1.0
    )
    budget: str = setting(
        "15m", "time that a fit may take: 90s, 15m, 2h; costlier rungs are tried while they fit"
    )
    max_length: int | None = setting(
        None, "longest input in tokens (default: what the base was made for)", low=4
    )
    precision: str = setting(
        "auto", "precision of the network", choices=("auto", "float32", "bfloat16", "float16")
    )
    encoding: str | None = setting(None, "encoding of the text file (default: found and said)")
    delimiter: str | None = setting(None, "delimiter of the text file (default: found and said)")
    keep_neighbours: bool = setting(
        False, "store what nearest-example explanations need in the model"
    )
    guarantee: float | None = setting(
        None,
        "largest share of errors to promise among what `predict --guarantee` answers; keeps rows "
        "back from search and fit to count them on",
        low=0.001,
        high=0.5,
    )
    guarantee_delta: float = setting(
        0.05, "chance that the promise of --guarantee fails", low=0.001, high=0.5
    )
    scratch_control: bool = setting(
        False, "train the same architecture from random weights as one more control"
    )
    redact: bool = setting(False, "leave all texts out of the report")


@dataclass(frozen=True)
class Machine:
    """How the recipe runs on this machine; kept in the record, no part of the plan's identity."""

    device: str = setting("auto", "device", choices=("auto", "cpu", "cuda"))
    threads: int = setting(0, "threads of the network; 0: all cores", low=0)
    cache: str | None = setting(
        None, "folder for stored features (default: GRAFTWORK_CACHE or the user's cache folder)"
    )
    checkpoint_seconds: float | None = setting(
        None,
        "seconds between checkpoints of a training (default: so seldom that they cost little)",
        low=0.0,
    )
    track: str | None = setting(
        None, "draw curves elsewhere too, offline, in tracking/ of the run", registry="trackers"
    )
    cache_gb: float = setting(10.0, "most disk that stored features may take, in GB", low=0.0)


FIT_ONLY = frozenset({"checkpoint_seconds", "track"})  # machine settings of no use elsewhere


def as_dict(settings: Recipe | Machine) -> dict[str, Any]:
    """The settings as plain JSON values (tuples become lists)."""
    plain = dataclasses.asdict(settings)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}
