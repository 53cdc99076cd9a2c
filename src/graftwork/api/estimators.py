"""Transfer in scikit-learn's manners: `TransferClassifier` and `TransferEncoder`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from graftwork.api._kind import check_base
from graftwork.api._open import machine_of, store_folder
from graftwork.api._rungs import BASE, few_labels, rungs_of
from graftwork.api._samples import as_inputs, dataset_of
from graftwork.bases import BACKBONES, open_base
from graftwork.bases.backbone import Shape
from graftwork.bases.vectors import vectors_of
from graftwork.errors import ParameterError, UnknownNameError, UnsupportedError
from graftwork.features.store import FeatureStore
from graftwork.modalities import MODALITIES
from graftwork.model.model import Model
from graftwork.planning.budget import Budget, parse_budget
from graftwork.planning.ladder import climb
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Recipe
from graftwork.runs.resolve import resolve_recipe
from graftwork.runtime.devices import place
from graftwork.stats.folds import stratified_group_folds
from graftwork.strategies.strategy import Job
from graftwork.tasks.classification import Classification

__all__ = ["TransferClassifier", "TransferEncoder"]

FEWEST_ROWS = 4  # below this nothing can be chosen out of fold


class TransferClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of texts or images that moves a pre-trained base onto the labels it is given.

    All choices (rung, readout, strength) are made out of fold on what `fit` receives; nothing is
    held back as a test part, so that `cross_val_score` and `GridSearchCV` mean what they say.

    Args:
        base: a directory, a hub name, or an embedded base; None: the default of the modality.
        strategy: ``auto`` (chooses among the rungs; with few texts, and where it pays, the base is
            tuned, in every fit of a grid search), or one by name: ``probe`` (``soft``) and
            ``hybrid`` leave the base as it is.
        metric: what choices optimise.
        class_weight: ``auto``, ``none`` or ``balanced``.
        folds: of the choices.
        min_gain: a costlier rung must promise at least this gain.
        max_length: longest input in tokens; None: what the base was made for.
        cache: folder of stored features; None: the user's cache.
        random_state: seed.

    Attributes:
        classes_: labels in y's own dtype, sorted.
        model_: the `Model`; `model_.save(folder)` writes a model directory.
        chosen_: name of the rung that was chosen.
        rungs_: what each rung scored out of fold.
        n_features_in_: 1 where X was a column of texts (scikit-learn's convention).
    """

    def __init__(
        self,
        base: str | None = None,
        strategy: str = "auto",
        *,
        metric: str = "accuracy",
        class_weight: str = "auto",
        folds: int = 5,
        min_gain: float = 0.005,
        max_length: int | None = None,
        cache: str | None = None,
        random_state: int = 0,
    ) -> None:
        self.base = base
        self.strategy = strategy
        self.metric = metric
        self.class_weight = class_weight
        self.folds = folds
        self.min_gain = min_gain
        self.max_length = max_length
        self.cache = cache
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> TransferClassifier:
        """Choose out of fold and fit on all rows.

        Args:
            X: n texts: a list, an array (n,) or (n, 1), or a Series; or n pictures: paths of
                files, PIL images, or one uint8 array (n, height, width[, channels]).
            y: n labels.

        Raises:
            ValueError: lengths differ, too few rows, or one class.
        """
        if y is None:
            raise ValueError("TransferClassifier requires y to be passed, but the target y is None")
        inputs, kind = as_inputs(self, X, reset=True)
        labels = _labels(y, len(inputs))
        recipe = replace(self._recipe(), modality=kind)
        job = self._job(inputs, labels.tolist(), recipe)
        classical = MODALITIES.get(kind)().classical
        base = job.backbones.get(BASE) or job.backbones[classical]
        rungs, end_on = rungs_of(recipe, base, classical, control=False, few=few_labels(job, base))
        ladder = climb(
            job,
            rungs,
            min_gain=recipe.min_gain,
            end_on=end_on,
            budget=Budget(parse_budget(recipe.budget)),
        )
        chosen = ladder.chosen
        backbones = {name: job.backbones[name] for name in chosen.rung.backbones}
        learnt = replace(job, backbones=backbones)
        self.model_: Model = chosen.rung.strategy.build(learnt, chosen.choice)
        self.classes_ = np.asarray(self.model_.classes, dtype=labels.dtype)
        self.chosen_ = chosen.rung.name
        self.rungs_ = ladder.to_json()
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Labels (n,) in y's dtype."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: Any) -> np.ndarray:
        """float64 (n, classes), columns as in `classes_`."""
        check_is_fitted(self)
        inputs, kind = as_inputs(self, X, reset=False)
        learnt = next(iter(self.model_.graph.inputs.values()))
        if kind != learnt:
            raise ValueError(f"X holds {kind}; the classifier was fitted on {learnt}")
        return self.model_.predict(inputs, store=self._store()).probabilities

    def __sklearn_tags__(self) -> Any:
        """Texts in, no numeric matrix."""
        return _text_tags(super().__sklearn_tags__())

    def _recipe(self) -> Recipe:
        settings = {
            "base": self.base,
            "strategy": self.strategy,
            "metric": self.metric,
            "class_weight": self.class_weight,
            "folds": self.folds,
            "min_gain": self.min_gain,
            "max_length": self.max_length,
            "seed": 0 if self.random_state is None else self.random_state,
            "test_size": 0.0,
        }
        return resolve_recipe(settings)

    def _store(self) -> FeatureStore:
        return FeatureStore(store_folder(machine_of({"cache": self.cache})))

    def _job(self, inputs: list[Any], labels: list[Any], recipe: Recipe) -> Job:
        kind = str(recipe.modality)
        dataset = dataset_of(inputs, labels, kind)
        task = Classification.from_targets(labels)
        codes = task.encode(labels)
        folds = stratified_group_folds(codes, dataset.groups, recipe.folds, recipe.seed)
        modality = MODALITIES.get(kind)()
        backbones = {modality.classical: BACKBONES.get(modality.classical)()}
        base = open_base(
            recipe.base or modality.default_base, placement=place(), max_length=recipe.max_length
        )
        check_base(base, kind, list(dataset.inputs), recipe.base)
        if base.kind != modality.classical:
            backbones[BASE] = base
        return Job(
            dataset,
            np.arange(len(inputs)),
            backbones,
            task,
            self._store(),
            folds,
            recipe.metric,
            Progress(),
            recipe.class_weight,
            recipe.seed,
        )


class TransferEncoder(TransformerMixin, BaseEstimator):
    """Texts or images → frozen features of a base, from the store where they are there already.

    Args:
        base: a directory, a hub name, or an embedded base; None: the default.
        layer: 0 (embeddings) to the last, which is the default; negative ones count from the end.
        pooling: one of the base's; None: its first.
        normalize: scale each vector to length 1.
        max_length: longest input in tokens.
        cache: folder of stored features; None: the user's cache.

    Attributes:
        n_features_out_: dimensions of a vector.
    """

    def __init__(
        self,
        base: str | None = None,
        *,
        layer: int | None = None,
        pooling: str | None = None,
        normalize: bool = False,
        max_length: int | None = None,
        cache: str | None = None,
    ) -> None:
        self.base = base
        self.layer = layer
        self.pooling = pooling
        self.normalize = normalize
        self.max_length = max_length
        self.cache = cache

    def fit(self, X: Any, y: Any = None) -> TransferEncoder:
        """Open the base and check the parameters; nothing is learnt from X."""
        _, kind = as_inputs(self, X, reset=True)
        backbone = self._open(kind)
        last = backbone.n_layers - 1
        layer = last if self.layer is None else self.layer
        layer += backbone.n_layers if layer < 0 else 0
        if not 0 <= layer <= last:
            raise ParameterError(f"layer {self.layer}: the base has layers 0 to {last}")
        if self.pooling is not None and self.pooling not in backbone.poolings:
            raise UnknownNameError("pooling", self.pooling, backbone.poolings)
        self.layer_ = layer
        self.pooling_ = backbone.poolings.index(self.pooling) if self.pooling else 0
        self.n_features_out_ = vectors_of(backbone).widths[layer][self.pooling_]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """float32 (n, d)."""
        check_is_fitted(self)
        inputs, kind = as_inputs(self, X, reset=False)
        store = FeatureStore(store_folder(machine_of({"cache": self.cache})))
        vectors = store.features(self._open(kind), inputs).view(self.layer_, self.pooling_)
        if self.normalize:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names ``transferencoder0`` … for `ColumnTransformer` and DataFrame output."""
        check_is_fitted(self)
        names = [f"transferencoder{i}" for i in range(self.n_features_out_)]
        return np.asarray(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        """Texts in, no numeric matrix; nothing is learnt."""
        tags = _text_tags(super().__sklearn_tags__())
        tags.target_tags.required = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _open(self, kind: str) -> Any:
        name = self.base or MODALITIES.get(kind)().default_base
        backbone = open_base(name, placement=place(), max_length=self.max_length)
        check_base(backbone, kind, ["X"], self.base)
        if Shape.POOLED not in backbone.shapes:
            raise UnsupportedError(f"base {name!r} is fitted to rows; it has no features to give")
        return backbone


def _text_tags(tags: Any) -> Any:
    tags.input_tags.string = True
    tags.input_tags.two_d_array = False
    tags.input_tags.one_d_array = True
    tags.no_validation = False
    return tags


def _labels(y: Any, n: int) -> np.ndarray:
    """Y as a one-dimensional array whose elements keep their own type."""
    from sklearn.utils import column_or_1d
    from sklearn.utils.multiclass import check_classification_targets

    labels = column_or_1d(np.asarray(y) if not hasattr(y, "to_numpy") else y.to_numpy(), warn=True)
    check_classification_targets(labels)
    if len(labels) != n:
        raise ValueError(f"X has {n} texts and y has {len(labels)} labels")
    if n < FEWEST_ROWS:
        raise ValueError(f"{n} sample(s) are too few to choose anything on; give {FEWEST_ROWS}")
    if len(set(labels.tolist())) < 2:
        raise ValueError("y holds one class; a classifier needs at least two classes")
    return labels
