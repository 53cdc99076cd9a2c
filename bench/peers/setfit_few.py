"""Worker: SetFit with few labels: `num_iterations=20`, one epoch, batches of 16, logistic head."""

from __future__ import annotations

import time
from typing import Any

from base import model_folder, reply, rows_of
from workers import serve

ITERATIONS = 20


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Train on all rows of `train` and predict the test rows."""
    import numpy as np
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    rows = rows_of(job)
    model = SetFitModel.from_pretrained(model_folder(), device="cpu")
    arguments = TrainingArguments(
        output_dir=job["folder"],
        num_iterations=job.get("iterations", ITERATIONS),
        num_epochs=1,
        batch_size=16,
        seed=job["seed"],
        save_strategy="no",  # spares it the time of writing checkpoints
        report_to="none",
        show_progress_bar=False,
    )
    clock = [time.perf_counter()]
    train = Dataset.from_dict({"text": rows["train"], "label": rows["codes"]})
    Trainer(model=model, args=arguments, train_dataset=train).train()
    clock.append(time.perf_counter())
    predicted = np.asarray(model.predict(rows["test"], batch_size=32, as_numpy=True))
    clock.append(time.perf_counter())
    return reply(rows, predicted, clock)


if __name__ == "__main__":
    serve(answer)
