"""What the benches share: where things lie, pieces that are kept, results, workers."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workers import Worker

__all__ = [
    "BENCH",
    "ROOT",
    "WORK",
    "Bench",
    "bits",
    "fresh_folder",
    "median",
    "unbits",
]

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
WORK = BENCH / ".work"
PEERS_PYTHON = BENCH / ".envs" / "peers" / "bin" / "python"


class Bench:
    """One bench: its flags, its finished pieces and its result file.

    A piece (usually a data set) that is finished is kept with a hash of the project's and the
    bench's sources; the same command goes on with the rest, and measures a piece again where the
    sources changed or `--again` is given.

    Args:
        name: of the script and of `results/<name>.json`.
        about: the script's docstring, for `--help`.
        names: the pieces that `--only` can choose.
    """

    def __init__(self, name: str, about: str | None, names: Sequence[str] = ()) -> None:
        parser = argparse.ArgumentParser(
            description=about, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument(
            "--quick", action="store_true", help="tiny; proves that it runs, no more"
        )
        parser.add_argument("--again", action="store_true", help="measure finished pieces again")
        if names:
            parser.add_argument("--only", nargs="+", choices=names, default=list(names))
        given = parser.parse_args()
        self.name = name
        self.quick: bool = given.quick
        self.again: bool = given.again
        self.only: list[str] = getattr(given, "only", [])
        self._partial = set(self.only) != set(names)
        self.work = WORK / ("quick" if self.quick else "full") / name
        self.work.mkdir(parents=True, exist_ok=True)
        self._sources = _sources_hash()
        limits = [name for name in os.environ if name.endswith("_NUM_THREADS")]
        if limits and not self.quick:
            raise SystemExit(f"{', '.join(limits)} would slow one side or the other: unset first")

    @property
    def cache(self) -> Path:
        """A feature store of this bench's own."""
        return self.work / "cache"

    def piece(self, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `measure` returns, or what it returned when it was finished before."""
        path = self.work / f"{name}.piece.json"
        if path.is_file() and not self.again:
            kept: dict[str, Any] = json.loads(path.read_text())
            if kept["sources"] == self._sources:
                print(f"{self.name} {name}: kept from before", flush=True)
                return dict(kept["found"])
        load, begun = os.getloadavg()[0], time.perf_counter()
        found = measure()
        found["bench_seconds"] = round(time.perf_counter() - begun, 1)
        found["load_before"] = round(load, 2)
        _write(path, {"sources": self._sources, "found": found})
        print(f"{self.name} {name}: {found['bench_seconds']} s", flush=True)
        return found

    def worker(self, script: str, *, peer: bool = False) -> Worker:
        """A worker in our environment or the peers'."""
        if peer and not PEERS_PYTHON.is_file():
            raise SystemExit("the peers' environment is not there: run bench/envs.sh")
        python = PEERS_PYTHON if peer else Path(sys.executable)
        log = self.work / "logs" / f"{script.replace('/', '-')}.log"
        return Worker(python, script, log, self.environment())

    def environment(self) -> dict[str, str]:
        """Nothing is asked of the network, and nothing of the user's own folders is touched."""
        return {
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "true",
            "GRAFTWORK_CACHE": str(self.cache),
            "GRAFTWORK_STATE": str(self.work / "state"),
        }

    def finish(self, found: dict[str, Any]) -> None:
        """Write `results/<name>.json`; what is `--quick` or `--only` some goes under `.work`."""
        from graftwork.runs.record import machine_facts, now, software_versions

        told = {
            "bench": self.name,
            "quick": self.quick,
            "date": now(),
            "machine": machine_facts(),
            "versions": software_versions(),
            "sources": self._sources,
            **found,
        }
        folder = self.work.parent / "results"
        if not (self.quick or self._partial):
            folder = BENCH / "results"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        _write(path, told)
        print(f"{path.relative_to(ROOT)} is written", flush=True)


def bits(values: Any) -> str:
    """A bool array as hex text: small enough to commit, enough to compute every interval anew."""
    import numpy as np

    packed = np.packbits(np.asarray(values, dtype=bool))
    return f"{len(values)}:{packed.tobytes().hex()}"


def unbits(text: str) -> Any:
    """The int8 array of 0 and 1 that `bits` wrote."""
    import numpy as np

    count, packed = text.split(":")
    raw = np.frombuffer(bytes.fromhex(packed), dtype=np.uint8)
    return np.unpackbits(raw)[: int(count)].astype(np.int8)


def median(values: Sequence[float], digits: int = 4) -> float:
    """The median, rounded."""
    return round(statistics.median(values), digits)


def fresh_folder(path: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def _sources_hash() -> str:
    digest = hashlib.sha256()
    files = [
        *(ROOT / "src").rglob("*.py"),
        *BENCH.glob("*.py"),
        *BENCH.glob("ours/*.py"),
        *BENCH.glob("peers/*.py"),
    ]
    for file in sorted(files):
        if file.name != "tables.py":
            digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _write(path: Path, content: dict[str, Any]) -> None:
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path)
