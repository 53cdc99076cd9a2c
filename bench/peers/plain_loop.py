"""Worker: full fine-tuning of an image network by a plain torch loop, as people write it.

All weights and a new linear head, AdamW with a linear decay, batches of 32 in random order, random
resized crops and flips, batch norm in training mode, decoding by a DataLoader of two workers. As
its runs are long and the machine may be needed for something else meanwhile, its quickest epoch
counts for all of them.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from base import accuracy_of
from workers import peak_memory_mb, serve

MEAN_SHARE = 0.6  # smallest share of the picture that a crop keeps
BATCH = 32


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Train on some files and predict others.

    With `validation` the rows of that part are predicted after training on the train part alone, in
    bfloat16, as its time is not counted; without, training takes both parts and the test part is
    predicted.
    """
    import torch

    torch.manual_seed(job["seed"])
    parts = _files(Path(job["folder"]), job["classes"])
    learnt = parts["train"] if job["validation"] else parts["train"] + parts["validation"]
    judged = parts["validation"] if job["validation"] else parts["test"]
    if job["rows"]:
        chosen = torch.randperm(len(learnt))[: job["rows"]].tolist()
        learnt = [learnt[i] for i in chosen]
    network = _network(job)
    epochs = _train(network, learnt, job)
    trained = time.perf_counter()
    predicted = _predict(network, judged, job)
    predicting = time.perf_counter() - trained
    training = min(epochs) * len(epochs)
    return {
        "train": len(learnt),
        **accuracy_of(predicted, [code for _, code in judged]),
        "rate": job["rate"],
        "epochs": job["epochs"],
        "seconds": {
            "training": training,
            "epochs": epochs,
            "predicting": predicting,
            "all": training + predicting,
        },
        "peak_memory_mb": peak_memory_mb(),
    }


Item = tuple[str, int]


def _files(folder: Path, classes: list[str]) -> dict[str, list[Item]]:
    return {
        part: [
            (str(path), code)
            for code, name in enumerate(classes)
            for path in sorted((folder / part / name).iterdir())
        ]
        for part in ("train", "validation", "test")
    }


def _network(job: dict[str, Any]) -> Any:
    """The same network and weights, with a head of our classes on its last pooled layer."""
    import torch
    from torch import nn

    from graftwork.bases import open_base
    from graftwork.runtime.devices import place

    opened = open_base(job["base"], placement=place("cpu", "float32"))
    body = opened.network

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = body.features
            self.head = nn.Linear(opened.widths[-1], len(job["classes"]))

        def forward(self, pixels: Any) -> Any:
            return self.head(self.features(pixels).mean(dim=(2, 3)))

    for parameter in body.parameters():
        parameter.requires_grad_(True)
    return Classifier().to(memory_format=torch.channels_last)


class Pictures:
    """A map-style data set: PIL to tensor."""

    def __init__(self, items: list[Item], job: dict[str, Any], altered: bool) -> None:
        self.items, self.job, self.altered = items, job, altered

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> tuple[Any, int]:
        import numpy as np
        import torch
        from PIL import Image

        path, code = self.items[place]
        size = self.job["size"]
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        if self.altered:
            picture = _altered(picture)
        elif self.job["resize"] == "crop":
            picture = _middle(picture)
        pixels = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR), np.float32)
        mean, std = (np.asarray(self.job[name], np.float32) for name in ("mean", "std"))
        values = (pixels / 255 - mean) / std
        return torch.from_numpy(values.transpose(2, 0, 1).copy()), code


def _middle(picture: Any) -> Any:
    """The largest square in the middle."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _altered(picture: Any) -> Any:
    import torch
    from PIL import Image

    share, left, top, flip = torch.rand(4).tolist()
    share = (MEAN_SHARE + (1 - MEAN_SHARE) * share) ** 0.5
    width, height = picture.width * share, picture.height * share
    x, y = left * (picture.width - width), top * (picture.height - height)
    cut = picture.crop((round(x), round(y), round(x + width), round(y + height)))
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip < 0.5 else cut


def _train(network: Any, items: list[Item], job: dict[str, Any]) -> list[float]:
    """Seconds of each epoch."""
    import torch
    from torch.utils.data import DataLoader

    loader = DataLoader(
        Pictures(items, job, altered=True),  # type: ignore[arg-type]
        batch_size=BATCH,
        shuffle=True,
        num_workers=2,
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=job["rate"], weight_decay=0.01)
    steps = job["epochs"] * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    network.train()
    took = []
    for _ in range(job["epochs"]):
        begun = time.perf_counter()
        for pixels, codes in loader:
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=job["validation"]):
                scores = network(pixels)
            loss = torch.nn.functional.cross_entropy(scores.float(), codes)
            loss.backward()
            optimizer.step()
            schedule.step()
        took.append(time.perf_counter() - begun)
    return took


def _predict(network: Any, items: list[Item], job: dict[str, Any]) -> Any:
    import numpy as np
    import torch
    from torch.utils.data import DataLoader

    loader = DataLoader(Pictures(items, job, altered=False), batch_size=BATCH, num_workers=2)  # type: ignore[arg-type]
    network.eval()
    with torch.inference_mode():
        return np.concatenate([network(pixels).argmax(dim=1).numpy() for pixels, _ in loader])


if __name__ == "__main__":
    serve(answer)
