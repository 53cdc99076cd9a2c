"""Worker: transformers' Trainer, full fine-tuning as people run it.

`AutoModelForSequenceClassification` with a new head, all weights trained, the defaults of
TrainingArguments (batches of 8 in random order, linear decay) but epochs and learning rate. As its
runs are long and the machine may be needed for something else meanwhile, its quickest epoch counts
for all of them.
"""

from __future__ import annotations

import time
from typing import Any

from base import accuracy_of, model_folder, rows_of, versions
from workers import peak_memory_mb, serve


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Train and predict.

    With `validation` the rows of that part are held back and predicted, and the test rows are not
    touched; it learns from at most `search_rows` of the others, in batches by length and, where the
    hardware has it, in bfloat16, as its time is not counted. Without, all training rows are learnt
    from, as people run it, and the test rows predicted.
    """
    import numpy as np
    from transformers import AutoTokenizer

    rows = rows_of(job)
    learnt, judged = _parts(rows, job)
    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    trainer_of = _ready(len(rows["labels"]))

    clock = [time.perf_counter()]
    train = _tokenized(tokenizer, learnt)
    test = _tokenized(tokenizer, judged)
    clock.append(time.perf_counter())
    trainer = trainer_of(tokenizer, train, job)
    epochs: list[float] = []
    trainer.add_callback(_stopwatch(epochs))
    trainer.train()
    clock.append(time.perf_counter())
    told = trainer.predict(test)
    clock.append(time.perf_counter())
    predicted = np.asarray(told.predictions).argmax(axis=1)
    tokenizing, predicting = clock[1] - clock[0], clock[3] - clock[2]
    training = min(epochs) * len(epochs)
    return {
        "train": len(train),
        # rows come out in the order of its sampler: of the test part the given one, of the
        # validation part, batched by length, another
        **accuracy_of(predicted, told.label_ids),
        "rate": job["rate"],
        "epochs": job["epochs"],
        "seconds": {
            "tokenizing": tokenizing,
            "training": training,
            "epochs": epochs,
            "predicting": predicting,
            "all": tokenizing + training + predicting,
        },
        "versions": versions(),
        "peak_memory_mb": peak_memory_mb(),
    }


Part = tuple[list[str], list[int]]


def _parts(rows: dict[str, Any], job: dict[str, Any]) -> tuple[Part, Part]:
    """The rows to learn from and those to predict."""
    import numpy as np

    if not job["validation"]:
        return (rows["train"], rows["codes"]), (rows["test"], rows["test_codes"])
    held = rows["validation"]
    others = np.setdiff1d(np.arange(len(rows["train"])), held)
    learnt = np.random.default_rng(0).permutation(others)[: job["search_rows"]].tolist()
    first, second = (
        ([rows["train"][i] for i in index], [rows["codes"][i] for i in index])
        for index in (learnt, held)
    )
    return first, second


def _tokenized(tokenizer: Any, part: Part) -> list[dict[str, Any]]:
    found = tokenizer(part[0], truncation=True)
    return [
        {**{key: found[key][i] for key in found}, "labels": part[1][i]} for i in range(len(part[1]))
    ]


def _stopwatch(took: list[float]) -> Any:
    """A callback that notes the seconds of each epoch."""
    from transformers import TrainerCallback

    class Stopwatch(TrainerCallback):
        def on_epoch_begin(self, *_: Any, **__: Any) -> None:
            self.begun = time.perf_counter()

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            took.append(time.perf_counter() - self.begun)

    return Stopwatch()


def _ready(n_labels: int) -> Any:
    """Libraries imported and weights read, as the other side has them when its clock starts."""
    from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

    model = AutoModelForSequenceClassification.from_pretrained(model_folder(), num_labels=n_labels)

    def make(tokenizer: Any, train: list[dict[str, Any]], job: dict[str, Any]) -> Any:
        faster = {"train_sampling_strategy": "group_by_length", "bf16": _multiplies_bf16()}
        arguments = TrainingArguments(
            output_dir=job["folder"],
            num_train_epochs=job["epochs"],
            learning_rate=job["rate"],
            save_strategy="no",  # spares it the time of writing checkpoints
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
            **(faster if job["validation"] else {}),
        )
        return Trainer(model=model, args=arguments, train_dataset=train, processing_class=tokenizer)

    return make


def _multiplies_bf16() -> bool:
    """Whether this CPU has products of bfloat16; without them they take several times as long."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


if __name__ == "__main__":
    serve(answer)
