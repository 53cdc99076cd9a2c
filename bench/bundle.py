"""The bundle of a run of the demo's size: bytes, and seconds to install and to predict from it.

    .venv/bin/python bench/bundle.py

`graftwork demo`, `graftwork bundle` of its run, then the bundle's own installer in an empty
environment with no way to an index: it makes a virtual environment, checks every hash, installs,
and predicts recorded rows. Wanted: at most 700 MB, and 3 minutes for all of that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness import Bench, fresh_folder

MOST_MB, MOST_SECONDS = 700, 180


def measure(bench: Bench) -> dict[str, Any]:
    import graftwork

    folder = fresh_folder(bench.work / "demo")
    run = graftwork.demo(out=folder / "run", machine={"cache": str(folder / "cache")})
    begun = time.perf_counter()
    graftwork.bundle(run.path, out=folder / "demo.bundle")
    made = time.perf_counter() - begun
    size = (folder / "demo.bundle").stat().st_size
    begun = time.perf_counter()
    _install(folder / "demo.bundle", folder / "elsewhere")
    return {
        "mb": round(size / 1e6, 1),
        "seconds_to_make": made,
        "seconds_to_install_and_check": time.perf_counter() - begun,
    }


def _install(bundle: Path, where: Path) -> None:
    """The bundle's own installer; pip is told of no index at all."""
    env = {
        "PATH": os.defpath,
        "HOME": str(bundle.parent),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    subprocess.run([sys.executable, str(bundle), str(where)], env=env, check=True)


def main() -> None:
    bench = Bench("bundle", __doc__)
    found = bench.piece("demo", lambda: measure(bench))
    reached = {
        "size": found["mb"] <= MOST_MB,
        "time": found["seconds_to_install_and_check"] <= MOST_SECONDS,
    }
    bench.finish({**found, "reached": reached})


if __name__ == "__main__":
    main()
