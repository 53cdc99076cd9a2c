"""Worker: probabilities of each frozen rung, out of fold and on the test part, and calibration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workers import serve


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Search and build lexical, probe and hybrid; calibrate as `graftwork fit` does.

    Leaves `job["out"]` (npz): of the hybrid rung, truth and calibrated probabilities, out of fold
    and on the test part.
    """
    import numpy as np
    from rows import open_job, test_rows

    from graftwork.api._calibrate import calibrated, sure_facts
    from graftwork.api._fit import search_job
    from graftwork.api._rungs import rungs_of
    from graftwork.evaluation.calibration import tempered

    opened, whole = open_job(job["csv"], job["cache"], strategy="hybrid")
    where, truth = test_rows(whole)
    for values in whole.dataset.inputs.values():
        whole.store.features(opened.base, values)
    search, inputs = search_job(whole, whole.seed), whole.dataset.take(where)
    rungs, _ = rungs_of(opened.recipe, opened.base, opened.modality.classical)
    told = {}
    for rung in rungs:
        mine = {name: whole.backbones[name] for name in rung.backbones}
        choice = rung.strategy.search(replace(search, backbones=mine))
        search.shared[rung.backbones[0] if len(rung.backbones) == 1 else rung.name] = choice
        found = choice.out_of_fold
        assert found is not None
        built = rung.strategy.build(replace(whole, backbones=mine, shared=search.shared), choice)
        model = calibrated(built, found)
        odds = model.predict(inputs, store=whole.store).probabilities
        facts = sure_facts(model.head, truth, odds)["calibration"]
        told[rung.name] = {
            "accuracy": float((odds.argmax(1) == truth).mean()),
            **{key: value for key, value in facts.items() if not key.startswith("curve")},
        }
        np.savez_compressed(
            job["out"],
            out_of_fold_truth=found.truth,
            out_of_fold=tempered(found.best_probabilities, model.head.temperature),
            test_truth=truth,
            test=odds,
        )
    return {"train": len(whole.rows), "test": len(where), "rungs": told}


if __name__ == "__main__":
    serve(answer)
