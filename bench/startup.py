"""`graftwork --help` and `import graftwork`: how long, and what they import.

    .venv/bin/python bench/startup.py

Whole processes, in turns, the median of several after one that is not counted. Wanted: ≤ 0.4 s
each, and neither torch nor scikit-learn imported. `python -c pass` is the floor of this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness import Bench, median

MOST_SECONDS = 0.4
STARTS, QUICK_STARTS = 15, 3
FORBIDDEN = ("torch", "sklearn")
HEAVY = (
    *FORBIDDEN,
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "transformers",
    "tokenizers",
    "rich",
    "yaml",
)
PYTHON = sys.executable
COMMANDS = {
    "python -c pass": [PYTHON, "-c", "pass"],
    "import graftwork": [PYTHON, "-c", "import graftwork"],
    "graftwork --help": [str(Path(PYTHON).with_name("graftwork")), "--help"],
    "graftwork fit --help": [str(Path(PYTHON).with_name("graftwork")), "fit", "--help"],
}
INSIDE = {
    "import graftwork": "import graftwork",
    "graftwork --help": "main(['--help'])",
    "graftwork fit --help": "main(['fit', '--help'])",
}
JUDGED = ("import graftwork", "graftwork --help")


def measure(bench: Bench) -> dict[str, Any]:
    environment = {**os.environ, **bench.environment()}
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(1 + (QUICK_STARTS if bench.quick else STARTS)):
        for name, command in COMMANDS.items():
            begun = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
            if number:
                seconds[name].append(time.perf_counter() - begun)
    return {
        "starts": len(seconds["import graftwork"]),
        "median_seconds": {name: median(spent) for name, spent in seconds.items()},
        "slowest_seconds": {name: round(max(spent), 4) for name, spent in seconds.items()},
        "imported": {name: _imported(code, environment) for name, code in INSIDE.items()},
    }


def _imported(code: str, environment: dict[str, str]) -> list[str]:
    """Which of `HEAVY` are in `sys.modules` at the end."""
    source = f"""
import json, sys
if "main" in {code!r}:
    from graftwork.cli import main
try:
    {code}
except SystemExit:
    pass
print()
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
    told = subprocess.run(
        [PYTHON, "-c", source], capture_output=True, text=True, check=True, env=environment
    )
    found: list[str] = json.loads(told.stdout.splitlines()[-1])
    return found


def main() -> None:
    bench = Bench("startup", __doc__)
    found = bench.piece("startup", lambda: measure(bench))
    found["reached"] = {
        "time": all(found["median_seconds"][name] <= MOST_SECONDS for name in JUDGED),
        "imports": not any(set(FORBIDDEN) & set(found["imported"][name]) for name in JUDGED),
    }
    bench.finish(found)


if __name__ == "__main__":
    main()
