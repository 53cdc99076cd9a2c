"""Worker: FastFit with few labels, by the settings of its README (40 epochs, 4 repeats, adafactor).

Left out: `fp16`, which needs a CUDA device. Put in place: `load_metric`, which asks the network for
a script that computes accuracy; with `as_published` it is left as it is. Neither changes training.
"""

from __future__ import annotations

import time
from typing import Any

from base import model_folder, reply, rows_of
from workers import serve

EPOCHS = 40


class Accuracy:
    """What `load_metric("accuracy")` would have fetched."""

    def compute(self, predictions: Any, references: Any) -> dict[str, float]:
        """The share of equal values."""
        return {"accuracy": float((predictions == references).mean())}


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Train on all rows of `train` and predict the test rows; label names are part of the input."""
    import fastfit.train
    from datasets import Dataset, DatasetDict

    if not job.get("as_published"):
        fastfit.train.load_metric = lambda *_, **__: Accuracy()
    rows = rows_of(job)
    labels = rows["labels"]
    parts = DatasetDict(
        {
            part: Dataset.from_dict({"text": rows[part], "label": [labels[c] for c in rows[codes]]})
            for part, codes in (("train", "codes"), ("test", "test_codes"))
        }
    )
    clock = [time.perf_counter()]
    trainer = fastfit.train.FastFitTrainer(
        model_name_or_path=model_folder(),
        label_column_name="label",
        text_column_name="text",
        num_train_epochs=job.get("epochs", EPOCHS),
        per_device_train_batch_size=32,
        per_device_eval_batch_size=64,
        max_text_length=128,
        dataloader_drop_last=False,
        num_repeats=4,
        optim="adafactor",
        clf_loss_factor=0.1,
        seed=job["seed"],
        output_dir=job["folder"],
        overwrite_output_dir=True,
        save_strategy="no",  # spares it the time of writing checkpoints
        report_to="none",
        disable_tqdm=True,
        dataset=parts,
    )
    trainer.train()
    clock.append(time.perf_counter())
    found = _scores(trainer.model, rows["test"]).argmax(axis=1)
    clock.append(time.perf_counter())
    predicted = [labels.index(trainer.labels[i]) for i in found]
    return reply(rows, predicted, clock)


def _scores(model: Any, texts: list[str]) -> Any:
    """(n, labels) by its inference alone: its Trainer would compute the training loss as well."""
    import numpy as np
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    found = []
    model.eval()
    with torch.no_grad():
        for start in range(0, len(texts), 64):
            batch = tokenizer(
                texts[start : start + 64],
                padding=True,
                truncation=True,
                max_length=128,
                return_tensors="pt",
            )
            scores = model.inference_forward(batch["input_ids"], batch["attention_mask"])
            found.append(scores.numpy())
    return np.concatenate(found)


if __name__ == "__main__":
    serve(answer)
