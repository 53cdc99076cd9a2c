"""The built wheel carries everything: the demo runs from it, outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from job_files import REPOSITORY

from graftwork.storage.json_files import read_json

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation where the build tool is here already, so that nothing need be fetched.
    try:
        import hatchling  # noqa: F401

        isolation = ["--no-build-isolation"]
    except ImportError:
        isolation = []
    words = ["-m", "pip", "wheel", str(REPOSITORY), "--no-deps", *isolation, "-w", str(folder)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0 and not isolation:
        pytest.skip(f"the build tool is not here and could not be fetched: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("graftwork-*.whl")
    return made


@pytest.fixture(scope="module")
def command(wheel, tmp_path_factory) -> Path:
    """`graftwork` in an environment that has the wheel, and this one's other packages."""
    place = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    paths = {"base": str(place), "platbase": str(place)}
    packages = Path(sysconfig.get_path("purelib", vars=paths))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # No .pth of the other folder is followed, so that no editable install comes in by it.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    script = place / "bin" / "graftwork"
    script.write_text(
        f"#!{place}/bin/python\nimport sys\nfrom graftwork.cli import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    return script


def test_everything_that_is_read_at_run_time_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    source = REPOSITORY / "src"
    files = [path for path in (source / "graftwork").rglob("*") if path.is_file()]
    wanted = {str(p.relative_to(source)) for p in files if "__pycache__" not in p.parts}
    assert wanted <= names
    assert not [name for name in names if name.startswith(("tests", "bench"))]


def test_the_demo_runs_from_the_wheel(command, tmp_path):
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    where = "import graftwork; print(graftwork.__file__)"
    python = command.parent / "python"
    found = subprocess.run(
        [python, "-c", where], capture_output=True, text=True, env=env, cwd=tmp_path
    )
    assert found.stdout.startswith(str(command.parent.parent)), found.stderr
    done = subprocess.run([command, "demo"], capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    metrics = read_json(tmp_path / "runs" / "demo" / "report" / "metrics.json")
    assert done.stdout.startswith(metrics["verdict"]["sentence"])
    assert "runs/demo/report/report.html" in done.stdout
    assert set(metrics["slices"]) == {"channel"}
