"""What must stay instant imports nothing heavy. Seconds are measured in `bench/`, not here."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "datasets", "jinja2", "numpy", "pandas", "pyarrow", "rich", "safetensors", "scipy",
    "sentence_transformers", "sklearn", "tokenizers", "torch", "transformers", "yaml",
)  # fmt: skip

PROBE = """
import contextlib, io, sys
heavy = set(sys.argv[1].split(","))
with contextlib.redirect_stdout(io.StringIO()):
{body}
print(",".join(sorted(heavy & set(sys.modules))))
"""


def imported_by(body: str) -> str:
    """The heavy packages in `sys.modules` after `body` ran in a fresh process."""
    script = PROBE.format(body="\n".join(f"    {line}" for line in body.splitlines()))
    done = subprocess.run(
        [sys.executable, "-c", script, ",".join(HEAVY)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_probe_sees_heavy_imports():
    assert "numpy" in imported_by("import numpy")


@pytest.mark.parametrize(
    "body",
    [
        "import graftwork",
        "import graftwork as g; g.Recipe; g.Machine; g.GraftworkError; dir(g)",
        *(
            f"from graftwork.cli import main; assert main({words!r}) == 0"
            for words in (
                ["--help"],
                ["--version"],
                ["fit", "--help"],
                ["embed", "--help"],
                ["list", "strategies"],
                ["list", "metrics"],
                ["list", "tasks"],
                ["list", "modalities"],
                ["list", "bases"],
            )
        ),
    ],
)
def test_nothing_heavy_is_imported(body):
    assert imported_by(body) == ""
