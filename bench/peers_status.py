"""Which peers run here, offline, with the same base: each is tried on a toy of 32 rows.

    bench/envs.sh trainer setfit fastfit autointent
    .venv/bin/python bench/peers_status.py

A peer is tried as its documentation has it, then, where that fails, by the way round that its
worker names. What each said goes to results/peers_status.json; the benches leave out a peer that
did not run.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from harness import BENCH, ENVIRONMENTS, Bench, fresh_folder
from protocol import drawn, peer_rows

TOY = {"name": "mr", "per_class": 16, "test": 32}
Ways = dict[str, dict[str, Any]]  # how it was called: what the worker is given besides the rows
PEERS: dict[str, tuple[str, Ways]] = {
    "trainer": (
        "peers/trainer.py",
        {"as published": {"rate": 1e-4, "epochs": 1, "validation": False}},
    ),
    "setfit": ("peers/setfit_few.py", {"as published": {"iterations": 1}}),
    "fastfit": (
        "peers/fastfit_few.py",
        {
            "as published": {"as_published": True, "epochs": 1},
            "accuracy computed by us": {"epochs": 1},
        },
    ),
    "autointent": ("peers/autointent_few.py", {"as published": {}}),
}


def measure(bench: Bench, name: str) -> dict[str, Any]:
    """Try a peer, one way after the other, until it runs."""
    script, ways = PEERS[name]
    if not any((ENVIRONMENTS / name).glob(".ready-*")):
        told = f"did not install: {_reason(ENVIRONMENTS / f'{name}.log')}"
        return {"ran": False, "message": told, "said": {"bench/envs.sh": told}, "versions": {}}
    versions = _versions(name)
    said: dict[str, str] = {}
    for way, given in ways.items():
        found = _tried(bench, name, script, given)
        if isinstance(found, str):
            said[way] = found
            continue
        said[way] = "ran"
        return {
            "ran": True,
            "message": said[way],
            "way": way,
            "said": said,
            "accuracy_on_the_toy": found["accuracy"],
            "versions": versions,
        }
    return {"ran": False, "message": list(said.values())[-1], "said": said, "versions": versions}


def _tried(bench: Bench, name: str, script: str, given: dict[str, Any]) -> dict[str, Any] | str:
    """What the worker answered, or what it ended with."""
    folder = fresh_folder(bench.work / name)
    train, test = drawn(
        str(TOY["name"]), int(str(TOY["per_class"])), most_test=int(str(TOY["test"]))
    )
    rows = peer_rows(train, test, folder / "rows.json")
    job = {"rows": str(rows), "folder": str(folder / "out"), "seed": 0, **given}
    try:
        with bench.worker(script, peer=name) as worker:
            return worker.ask(job)
    except SystemExit as error:
        return _last_error(str(error))


def _versions(name: str) -> dict[str, str]:
    """Of what matters in that environment, whether the peer runs or not."""
    code = "import json, base; print(json.dumps(base.versions()))"
    python = ENVIRONMENTS / name / "bin" / "python"
    told = subprocess.run(
        [str(python), "-c", code],
        env={"PYTHONPATH": str(BENCH / "peers")},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(told.stdout)
    return found


def _reason(log: Path) -> str:
    """pip's own word, out of the log of envs.sh."""
    if not log.is_file():
        return "bench/envs.sh was not run"
    lines = [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line]
    return _plain(lines[-1]) if lines else "no word of it"


def _last_error(text: str) -> str:
    """The line that names the exception."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"^[\w.]+(Error|Exception|Exit)\b", line)]
    return _plain((named or lines)[-1])


def _plain(line: str) -> str:
    """Without this machine's paths, addresses and table marks."""
    line = re.sub(r"https?://\S+", "(address)", line)
    return re.sub(r"(?<!\w)/[\w./-]+/", "…/", line).replace("|", "/")[:300]


def main() -> None:
    bench = Bench("peers_status", __doc__, list(PEERS), timed=False)
    peers = {
        name: bench.piece(name, lambda name=name: measure(bench, name), of=PEERS[name][0])
        for name in bench.only
    }
    bench.finish({"toy": TOY, "peers": peers})


if __name__ == "__main__":
    main()
