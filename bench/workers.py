"""Child processes that answer one JSON line with one JSON line; standard library only.

Ours and the peers' live in different environments. A worker that waits for its next line uses no
core, so two of them can be asked in turns within one run.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Worker", "peak_memory_mb", "serve"]

BENCH = Path(__file__).resolve().parent


class Worker:
    """A script under `bench/` in the environment of `python`; what it prints goes to `log`."""

    def __init__(self, python: Path, script: str, log: Path, env: dict[str, str]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.script, self.log = script, log
        with open(log, "w") as errors:
            self._process = subprocess.Popen(
                [str(python), str(BENCH / script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **env, "PYTHONPATH": str(BENCH)},
            )

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """The answer to `job`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            end = self.log.read_text(errors="replace").splitlines()[-15:]
            raise SystemExit(
                f"{self.script} ended without an answer; {self.log} ends:\n" + "\n".join(end)
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer the lines of stdin until it ends; libraries that print do so on stderr."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        out.write(json.dumps(answer(json.loads(line))) + "\n")
        out.flush()


def peak_memory_mb() -> float:
    """Largest resident memory of this process and of the largest child that ended, in MB."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(sum(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1e3, 1)
