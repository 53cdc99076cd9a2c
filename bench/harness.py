"""What the benches share: where things lie, pieces that are kept, results, workers."""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pieces import Pieces, write_whole
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
ENVIRONMENTS = BENCH / ".envs"


class Bench:
    """One bench: its flags, its finished pieces and its result file.

    A piece (usually a data set) that is finished is kept in `pieces/<name>.jsonl`, with a hash of
    the sources that it depends on: the project's and this bench's, or, where it is `of` a peer's
    worker alone, that worker's. The same command goes on with the rest, also on another day and
    machine. It measures a piece again where its code changed (comments and docstrings apart),
    where its time counts and the processor is another one (of a ratio, than its other side's), or
    where `--again` is given; with `--keep` such pieces are taken nevertheless, and the results name
    them.

    Args:
        name: of the script and of `results/<name>.json`.
        about: the script's docstring, for `--help`.
        names: the pieces that `--only` can choose.
        long: hours of it: adds `--tell`.
        timed: whether its seconds count; then all cores must be free to use.
        more: adds flags of the bench's own to the parser; read them from `given`.
    """

    def __init__(
        self,
        name: str,
        about: str | None,
        names: Sequence[str] = (),
        *,
        long: bool = False,
        timed: bool = True,
        more: Callable[[argparse.ArgumentParser], None] | None = None,
    ) -> None:
        parser = argparse.ArgumentParser(
            description=about, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument(
            "--quick", action="store_true", help="tiny; proves that it runs, no more"
        )
        parser.add_argument("--again", action="store_true", help="measure finished pieces again")
        if names:
            parser.add_argument("--only", nargs="+", choices=names, default=list(names))
        parser.add_argument("--keep", action="store_true", help=KEEP)
        if long:
            parser.add_argument("--tell", action="store_true", help=TELL)
        if more is not None:
            more(parser)
        given = parser.parse_args()
        self.given = given
        self.keep: bool = given.keep
        self.tell: bool = getattr(given, "tell", False)
        self.unfinished: list[str] = []
        self.older: list[str] = []
        self.elsewhere: list[str] = []
        self.timed = timed
        self.name = name
        self.quick: bool = given.quick
        self.again: bool = given.again
        self.only: list[str] = getattr(given, "only", [])
        self._partial = set(self.only) != set(names)
        self.work = WORK / ("quick" if self.quick else "full") / name
        self.work.mkdir(parents=True, exist_ok=True)
        self._pieces = Pieces(
            self.work / "pieces.jsonl" if self.quick else BENCH / "pieces" / f"{name}.jsonl"
        )
        self._sources: dict[str | None, str] = {None: _hash(_sources(name))}
        limits = [name for name in os.environ if name.endswith("_NUM_THREADS")]
        if limits and timed and not self.quick:
            raise SystemExit(f"{', '.join(limits)} would slow one side or the other: unset first")

    @property
    def cache(self) -> Path:
        """A feature store of this bench's own."""
        return self.work / "cache"

    def piece(
        self,
        name: str,
        measure: Callable[[], dict[str, Any]],
        *,
        of: str | None = None,
        timed: bool | None = None,
    ) -> dict[str, Any]:
        """What `measure` returns, or what it returned when it was finished before.

        Args:
            name: of the piece.
            measure: runs it.
            of: the peer's worker that it depends on alone.
            timed: whether its seconds count (default: as in the bench): if so, one that was
                finished on another processor is measured again.
        """
        kept = None if self.again else self.finished(name, of=of, timed=timed)
        if kept is not None:
            print(f"{self.name} {name}: kept from before", flush=True)
            return kept
        sources = self._sources_of(of)  # before the run: they may change while it goes on
        load, begun = os.getloadavg()[0], time.perf_counter()
        found = measure()
        found["bench_seconds"] = round(time.perf_counter() - begun, 1)
        found["load_before"] = round(load, 2)
        told = {"sources": sources, "cpu": _cpu(), "date": _today(), "found": found}
        self._pieces.put(name, told)
        print(f"{self.name} {name}: {found['bench_seconds']} s", flush=True)
        return found

    def piece_or_none(
        self,
        name: str,
        measure: Callable[[], dict[str, Any]],
        *,
        of: str | None = None,
        timed: bool | None = None,
    ) -> dict[str, Any] | None:
        """As `piece`; with `--tell` nothing is measured, and what is missing is noted."""
        if not self.tell:
            return self.piece(name, measure, of=of, timed=timed)
        found = self.finished(name, of=of, timed=timed)
        if found is None:
            self.unfinished.append(name)
        return found

    def finished(
        self, name: str, *, of: str | None = None, timed: bool | None = None
    ) -> dict[str, Any] | None:
        """A piece that was finished before and still holds, or None."""
        kept = self._pieces.get(name)
        if kept is None:
            return None
        older = self._is_older(kept, of)
        elsewhere = (self.timed if timed is None else timed) and kept["cpu"] != _cpu()
        if (older or elsewhere) and not self.keep:
            return None
        self.older += [name] * older
        self.elsewhere += [name] * elsewhere
        return dict(kept["found"])

    def side_by_side(self, pieces: Mapping[str, str | None]) -> bool:
        """Whether all these pieces hold and were measured on one processor, whichever it is.

        So much is asked of what is compared with each other in a ratio of times. Where it is not
        so, each of them has to be `timed` on this processor: one measured anew would else stand
        beside one of another.

        Args:
            pieces: by name, the peer's worker that a piece is `of`.
        """
        if self.again or any(self._outdated(name, of) for name, of in pieces.items()):
            return False
        return self.processor(*pieces) is not None

    def processor(self, *names: str) -> str | None:
        """What all these pieces were measured on; None: one is missing, or not on one processor."""
        kept = [self._pieces.get(name) for name in names]
        found = {None if each is None else str(each["cpu"]) for each in kept}
        return found.pop() if len(found) == 1 else None

    def _outdated(self, name: str, of: str | None) -> bool:
        """Whether a piece has to be measured (anew), wherever it was."""
        kept = self._pieces.get(name)
        return kept is None or (not self.keep and self._is_older(kept, of))

    def _is_older(self, kept: Mapping[str, Any], of: str | None) -> bool:
        return bool(kept["sources"] != self._sources_of(of))

    def _sources_of(self, peer: str | None) -> str:
        """Hash of what a piece depends on, as it was when the bench began."""
        if peer not in self._sources:
            self._sources[peer] = _hash(_sources_of_peer(str(peer)))
        return self._sources[peer]

    def worker(self, script: str, *, peer: bool | str = False) -> Worker:
        """A worker in our environment, the peers', or the peers' environment of that name."""
        python = Path(sys.executable)
        if peer:
            name = peer if isinstance(peer, str) else "peers"
            python = ENVIRONMENTS / name / "bin" / "python"
            if not python.is_file():
                raise SystemExit(f"bench/.envs/{name} is not there: run bench/envs.sh {name}")
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
            "sources": self._sources[None],
            **({"unfinished": self.unfinished} if self.unfinished else {}),
            **({"of_older_sources": self.older} if self.older else {}),
            **({"on_another_processor": self.elsewhere} if self.elsewhere else {}),
            **found,
        }
        folder = self.work.parent / "results"
        if not (self.quick or self._partial):
            folder = BENCH / "results"
        path = folder / f"{self.name}.json"
        write_whole(path, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
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


KEEP = "keep finished pieces although code or processor are others now; the results name them"
TELL = "measure nothing: write the results of the pieces that are there"
SHARED = ("protocol.py", "workers.py")


def _sources(bench: str) -> list[Path]:
    """The project, the bench, and all workers."""
    own = [BENCH / name for name in (*SHARED, f"{bench}.py")]
    workers = [*BENCH.glob("ours/*.py"), *BENCH.glob("peers/*.py")]
    return [*(ROOT / "src").rglob("*.py"), *own, *workers]


def _sources_of_peer(script: str) -> list[Path]:
    """A peer's worker, its environment and the protocol: nothing of ours."""
    worker = BENCH / script
    environment = worker.parent / "environments" / f"{worker.stem.partition('_')[0]}.txt"
    found = [BENCH / "protocol.py", worker.parent / "base.py", worker, environment]
    return [file for file in found if file.is_file()]  # one that needs no environment has none


def _hash(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(str(file.relative_to(ROOT)).encode() + _code(file))
    return digest.hexdigest()[:16]


def _code(file: Path) -> bytes:
    """What runs: a script without its comments, docstrings and layout."""
    if file.suffix != ".py":
        return file.read_bytes()
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_docstring(each)]  # type: ignore[attr-defined]
    return ast.dump(tree).encode()


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@lru_cache
def _cpu() -> str:
    from graftwork.runs.record import machine_facts

    return str(machine_facts()["cpu"])


def _today() -> str:
    from graftwork.runs.record import now

    return str(now())[:10]
