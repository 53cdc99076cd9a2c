"""What strategies that train a network share: a pilot that chooses, a refit on all rows.

The pilot learns from at most `PILOT_ROWS` rows and is judged on folds it did not see, against the
frozen start fitted on those very rows. What it chooses is fixed in the refit: how far to go back
towards the start, and how much a model without pre-training, fitted on the same rows, has to say
beside it. Where there is no time for a refit, a pilot's own model may be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.strategies import _linear as linear
from graftwork.strategies._beside import joined, plain_model
from graftwork.strategies._contrasting import Contrasting
from graftwork.strategies._starts import begin, say_start, settings_of
from graftwork.strategies._tuned_rows import TunedRows
from graftwork.strategies._tuning import Tuning, blend

if TYPE_CHECKING:
    from graftwork.bases.backbone import Backbone
    from graftwork.bases.tunable import Tunable
    from graftwork.features.readout import Readout
    from graftwork.model.model import Model
    from graftwork.strategies.strategy import Choice, Job
    from graftwork.training.checkpoints import Checkpoints
    from graftwork.training.curve import Curve
    from graftwork.training.options import TrainOptions

__all__ = [
    "JUDGED_ROWS",
    "Way",
    "pilot",
    "refit",
    "splits",
    "trainable",
]

# What a pilot learns from at most: all that the search has. What tuning gains grows with the rows:
# on MR all layers equal frozen features with TF-IDF on 4,000, and are 2 points better on 6,400.
PILOT_ROWS = 8000
JUDGED_ROWS = 2000  # of a fold, at most: a gain then has a standard error of about a point
ENOUGH_ROWS = 500  # one fold will do from here on; with fewer rows a second is judged too
MOST_FOLDS = 2
SHARES = (0.5,)  # of the way from the start, tried besides the whole of it
BESIDES = (0.0, 0.5, 1.0)  # weights of a plain model's scores beside the tuned ones
REFIT, PILOT = "refit", "pilot"  # the parts of a training
Key = tuple[int, float, float]  # epochs, share of the way, weight beside


@dataclass(frozen=True)
class Way:
    """How one strategy trains.

    Attributes:
        strategy: its name.
        name: the same with what sets this training apart; checkpoints lie under it.
        tunable: makes what trains from the base.
        options: rates and length.
        shares: interpolation factors besides 0 and 1.
        title: for people.
        blank: the head begins with zeros, not with the probe's weights.
        altered: altered views of each row besides itself, one an epoch in turn.
        patience: a pilot stops after so many epochs without a better score.
        frozen: the highest layer that stands still; the head must read one above.
        contrast: rows are compared with each other; the head is fitted when they have been.
    """

    strategy: str
    name: str
    tunable: Callable[[Backbone], Tunable]
    options: TrainOptions
    title: str
    shares: tuple[float, ...] = SHARES
    blank: bool = False
    altered: int = 0
    patience: int = 2
    frozen: int = 0
    contrast: bool = False


@dataclass
class _Judge:
    """A `Watcher`: scores of the judged rows after every epoch."""

    tuning: Tuning
    rows: TunedRows
    metric: str
    scores: list[np.ndarray] = field(default_factory=list)

    def measure(self) -> np.ndarray:
        """float32 (n, outputs) under the weights as they are."""
        return self.tuning.scores(self.rows)

    def score(self, epochs: int) -> float:
        from graftwork.metrics.scoring import score

        found = self.measure()
        self.scores.append(found)
        codes = self.rows.codes
        return float(score(self.metric, codes, found.argmax(axis=1), found.shape[1]))

    def state(self) -> dict[str, np.ndarray]:
        return {str(i): values for i, values in enumerate(self.scores)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self.scores = [state[str(i)] for i in range(len(state))]


def pilot(job: Job, way: Way, *, keep: bool = False) -> Choice:
    """Train on some rows, judge on others; choose passes and interpolation factor.

    Args:
        job: the rows that choices are made on.
        way: how they train.
        keep: the model of the only pilot will be kept: weights of an epoch before the last are no
            choice, as they are gone.

    Raises:
        ValueError: the model of one pilot shall be kept, and there are several.
    """
    from graftwork.features.out_of_fold import OutOfFold
    from graftwork.strategies.strategy import Choice

    name = next(iter(job.backbones))
    settings = settings_of(job, name, frozen=way.frozen, contrast=way.contrast)
    if not way.contrast:
        say_start(job, name, settings)
    found: list[tuple[np.ndarray, dict[Key, np.ndarray], Curve]] = []
    drawn = splits(job)
    if keep and len(drawn) > 1:
        raise ValueError(f"of {len(drawn)} pilots none is the one to keep")
    _warm(job, way, name, np.unique(np.concatenate([rows for pair in drawn for rows in pair])))
    for number, (learn, judge) in enumerate(drawn):
        found.append(_one_pilot(job, way, name, settings, number, learn, judge))
    # where folds stopped at different epochs, only what all of them tried is compared
    tried = [key for key in found[0][1] if all(key in others for _, others, _ in found)]
    if keep:
        tried = [key for key in tried if key[0] in (0, len(found[0][2].losses))]
    rows = np.concatenate([judge for judge, _, _ in found])
    stacked = np.stack([np.concatenate([p[key] for _, p, _ in found]) for key in tried])
    truth = job.codes()[rows]
    right = stacked[:, np.arange(len(truth)), truth]
    out = OutOfFold(
        names=[_words(key, _plain_name(job)) for key in tried],
        settings=[
            {"epochs": epochs, "share": share, "beside": beside} for epochs, share, beside in tried
        ],
        predicted=stacked.argmax(axis=2).astype(np.int32),
        log_loss=-np.log(np.maximum(right, 1e-12)).mean(axis=1),
        truth=truth,
        metric=job.metric,
        n_classes=stacked.shape[2],
        rows=rows,
    )
    best = out.best()
    out = replace(out, best_probabilities=stacked[best].astype(np.float32))
    chosen = {**settings, "backbone": name, **out.settings[best]}
    facts = {
        "curves": [curve.to_json() for _, _, curve in found],
        "learnt_from": len(drawn[0][0]),
        "judged": len(rows),
        "options": way.options.to_json(),
    }
    if not keep or not chosen["epochs"]:
        return Choice(way.strategy, chosen, out, out.names[best], facts)
    learnt = job.rows[drawn[0][0]]
    words = f"{out.names[best]}, learnt from {len(learnt):,} rows (the trial's, for want of time)"
    return Choice(way.strategy, chosen, out, words, facts, learnt)


def refit(job: Job, way: Way, choice: Choice) -> Model:
    """Train on all of the job's rows for the chosen number of passes, interpolate, and join.

    Of a pilot that is kept, its own training is taken up where it ended.
    """
    settings, part = choice.settings, REFIT
    name = settings["backbone"]
    if choice.learnt is not None:
        part, no_folds = f"{PILOT}-0", np.zeros(len(choice.learnt), dtype=np.int64)
        job = replace(job, rows=choice.learnt, folds=no_folds)
    model = begin(job, name, settings)
    model.facts |= {"strategy": way.strategy, "chosen": choice.words}
    if not settings["epochs"]:
        return model
    if way.contrast:  # its passes come from the rows there are; those of the pilot count
        way = replace(way, options=replace(way.options, epochs=settings["epochs"]))
    few = min(way.altered, settings["epochs"] - 1)
    seen = way if part != REFIT else replace(way, altered=few)
    tuning, start = trainable(job, seen, name, settings, model)
    curve = _train(job, way, tuning, part, epochs=settings["epochs"])
    tuning.put(blend(start, tuning.tensors(), settings["share"]))
    if part == REFIT:
        job.notes[f"{way.name} {REFIT}"] = curve.to_json()
    finished = tuning.tunable.finished()
    if way.contrast:  # the head is fitted on the very features that it will read
        tuned = begin(replace(job, backbones={**job.backbones, name: finished}), name, settings)
        model.heads[job.head] = tuned.head
    else:
        model.heads[job.head] = tuning.finished_head()
    model.backbones[name] = finished
    model.facts["trained_parameters"] = int(sum(v.size for v in start.values()))
    plain = plain_model(job) if settings.get("beside") else None
    return model if plain is None else joined(model, plain, settings["beside"])


def _warm(job: Job, way: Way, name: str, rows: np.ndarray) -> None:
    """States at the boundary of all rows that the pilots read, in one plan."""
    from graftwork.features.boundary import boundary_states

    tunable = way.tunable(job.backbones[name])
    if tunable.cached:
        for inputs in job.dataset.take(job.rows[rows]).values():
            boundary_states(job.store, tunable, inputs, progress=job.progress, journal=job.journal)


def _one_pilot(
    job: Job,
    way: Way,
    name: str,
    settings: dict[str, Any],
    number: int,
    learn: np.ndarray,
    judge: np.ndarray,
) -> tuple[np.ndarray, dict[Key, np.ndarray], Curve]:
    """Probabilities of the judged rows by (epochs, share, weight beside), and the curve."""
    learning = replace(job, rows=job.rows[learn], folds=job.folds[learn])
    judging = replace(job, rows=job.rows[judge], folds=job.folds[judge])
    begun = begin(learning, name, settings)
    tuning, start = trainable(learning, way, name, settings, begun)
    rows = TunedRows.of(judging, tuning.tunable, _readout_of(settings))
    if way.contrast:  # few rows: passes are not chosen by what they say
        curve = _train(learning, way, tuning, f"{PILOT}-{number}")
        probabilities = tuning.task.probabilities(tuning.scores(rows))
        return judge, {(way.options.epochs, 1.0, 0.0): probabilities}, curve
    watcher = _Judge(tuning, rows, job.metric)
    inputs = job.dataset.take(judging.rows)
    frozen = begun.predict(inputs, store=job.store, progress=job.progress)
    curve = _train(learning, way, tuning, f"{PILOT}-{number}", watcher=watcher)
    last, end = len(watcher.scores), tuning.tensors()
    scores = {(last, 1.0): watcher.scores[-1]}
    if last < way.options.epochs:  # stopped early: an epoch before may have been better
        scores |= {(epoch, 1.0): found for epoch, found in enumerate(watcher.scores, 1)}
    for share in way.shares:
        tuning.put(blend(start, end, share))
        scores[last, share] = watcher.measure()
    plain = None if way.blank else plain_model(learning)
    said = None if plain is None else plain.scores(inputs, store=job.store, progress=job.progress)
    found: dict[Key, np.ndarray] = {(0, 0.0, 0.0): frozen.probabilities}
    for (epochs, share), tuned in scores.items():
        for weight in BESIDES if said is not None else (0.0,):
            mixed = tuned if said is None else tuned + np.float32(weight) * said
            found[epochs, share, weight] = tuning.task.probabilities(mixed)
    return judge, found, curve


def trainable(
    job: Job, way: Way, name: str, settings: dict[str, Any], model: Model
) -> tuple[Tuning, dict[str, np.ndarray]]:
    """What trains, and its weights before the first step."""
    from graftwork.features.convex import balanced_weights

    tunable = way.tunable(job.backbones[name])
    weights = balanced_weights(job.codes()) if settings["balanced"] else None
    rows = TunedRows.of(job, tunable, _readout_of(settings), weights, way.altered)
    if way.contrast:
        contrasting = Contrasting(tunable, model.head, job.task, rows, settings["strength"])
        return contrasting, contrasting.tensors()
    tuning = Tuning(tunable, model.head, job.task, rows)
    if way.blank:
        tuning.put({n: v if n.startswith("base.") else 0 * v for n, v in tuning.tensors().items()})
    return tuning, tuning.tensors()


def _train(
    job: Job,
    way: Way,
    tuning: Tuning,
    part: str,
    *,
    epochs: int | None = None,
    watcher: _Judge | None = None,
) -> Curve:
    from graftwork.training.loop import train

    def told(name: str, value: float, epoch: int) -> None:
        job.tracker.scalar(f"{way.name}/{part}/{name}", value, epoch)

    checkpoints = _checkpoints(job, way, part)
    curve = train(
        tuning,
        way.options,
        seed=job.seed,
        epochs=epochs,
        progress=job.progress,
        title=f"{way.title} ({'all rows' if part == REFIT else 'trying'})",
        checkpoints=checkpoints,
        watcher=watcher,
        patience=way.patience if watcher else None,
        told=told,
    )
    return curve


def _checkpoints(job: Job, way: Way, part: str) -> Checkpoints | None:
    from graftwork.storage.hashing import digest_json
    from graftwork.training.checkpoints import Checkpoints

    if job.folder is None:
        return None
    plan = {
        "options": way.options.to_json(),
        **({"views": way.altered} if way.altered else {}),
        "seed": job.seed,
        "rows": digest_json([job.dataset.keys[i] for i in job.rows]),
        "base": next(iter(job.backbones.values())).fingerprint(),
    }
    folder = job.folder(f"{way.name}-{part}")
    return Checkpoints(folder, plan, every=job.checkpoint_seconds)


def splits(job: Job) -> list[tuple[np.ndarray, np.ndarray]]:
    """(positions to learn from, positions to judge) of each pilot, drawn by the job's seed."""
    rng = np.random.default_rng([job.seed, 7])
    sizes = {int(n): int((job.folds == n).sum()) for n in np.unique(job.folds)}
    found, judged = [], 0
    for number in list(sizes)[:MOST_FOLDS]:
        judge = np.flatnonzero(job.folds == number)
        learn = np.flatnonzero(job.folds != number)
        found.append((_some(learn, PILOT_ROWS, rng), _some(judge, JUDGED_ROWS, rng)))
        judged += len(found[-1][1])
        if judged >= ENOUGH_ROWS:
            break
    return found


def _some(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def _readout_of(settings: dict[str, Any]) -> Readout:
    from graftwork.features.readout import Readout

    return Readout.from_json(settings["readout"])


def _plain_name(job: Job) -> str:
    """What may stand beside the tuned network, in words."""
    others = list(job.backbones.values())[1:]
    return linear.short_name(others[0]) if others else ""


def _words(key: Key, plain: str) -> str:
    epochs, share, beside = key
    if not epochs:
        return "as it began (frozen)"
    back = "" if share == 1.0 else f", {share:.0%} of the way from the frozen start"
    with_plain = f", with {beside:g} x {plain} beside it" if beside else ""
    return f"{epochs} epoch{'s' if epochs > 1 else ''}{back}{with_plain}"
