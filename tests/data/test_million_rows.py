from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = 1_000_000
PROGRAM = """
import json, re, sys, time
from pathlib import Path
from graftwork.data.build import build
from graftwork.data.read import read
from graftwork.data.schema import resolve_schema
from graftwork.modalities.text import Text

start = time.perf_counter()
table = read(sys.argv[1])
schema = resolve_schema(table, target="label", slices=["channel"])
dataset, audit = build(table, schema, modality="text", near_duplicates=Text().near_duplicates)
print(json.dumps({
    "rows": audit.accounting["rows_in"],
    "seconds": time.perf_counter() - start,
    # not ru_maxrss, which begins with what the process held that started this one
    "peak_gb": int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e6,
    "sampled": bool(audit.of("near_sampled")),
}))
"""


@pytest.mark.slow
def test_a_million_rows_are_audited_in_bounded_memory(tmp_path: Path) -> None:
    draw = random.Random(0)
    words = [f"{a}{b}{c}" for a in "bdfglmnprst" for b in "aeiou" for c in ("n", "rk", "st", "le")]
    path = tmp_path / "million.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["id", "text", "label", "channel"])
        for i in range(ROWS):
            text = " ".join(draw.choices(words, k=draw.randint(5, 30)))
            out.writerow([i, text, f"c{i % 13}", "web" if i % 3 else "mail"])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout)
    print(figures)
    assert figures["rows"] == ROWS
    assert figures["sampled"]
    assert figures["peak_gb"] <= 1.5
    assert figures["seconds"] <= 180  # about 30 on two free cores; room for a busy machine
