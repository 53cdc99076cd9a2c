"""Write the artefacts of this release: `python tests/artefacts/make.py v0.1` (once a release).

A saved model and what it said of some texts; every later release must load it and say the same.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "src")]


def main(release: str) -> None:
    import graftwork
    import toys
    from graftwork.bases import open_base
    from graftwork.strategies.probe import Probe

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        small = {"hidden_size": 24, "intermediate_size": 32, "max_position_embeddings": 32}
        base = open_base(
            str(toys.checkpoint("bert", root / "bert", **small)),
            placement=toys.placement(),
            max_length=32,
        )
        texts, labels = toys.sentences(90)
        job = toys.job(toys.dataset({"text": texts}, labels), {"base": base}, root)
        model = Probe().transfer(job)
        asked = [*toys.sentences(8, seed=5)[0], "", "退款 我要", "unknownword 🎉"]
        said = model.predict(asked)
        place = HERE / release
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        model.save(place / "model")
    expected = {
        "release": graftwork.__version__,
        "classes": list(said.classes),
        "inputs": asked,
        "labels": said.labels,
        "probabilities": said.probabilities.round(8).tolist(),
    }
    text = json.dumps(expected, ensure_ascii=False, indent=1)
    (place / "expected.json").write_text(text + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1])
