"""What all tests share: a home of their own, tiny checkpoints, and the real data where present."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `toys`
# Tiny products do not fill two threads, and threads that wait by spinning starve other processes.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's own cache and state; subprocesses inherit this."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("GRAFTWORK_CACHE", str(home / "cache"))
    monkeypatch.setenv("GRAFTWORK_STATE", str(home / "state"))
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data, from GRAFTWORK_SHARED or beside the checkout."""
    beside = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("GRAFTWORK_SHARED", beside))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data: {folder / 'data'} is not there (set GRAFTWORK_SHARED)")
    return folder


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`checkpoints("bert")`: the folder of a tiny checkpoint, made when first asked for."""
    import toys

    root, made = tmp_path_factory.mktemp("checkpoints"), {}

    def get(kind: str) -> Path:
        if kind not in made:
            made[kind] = toys.checkpoint(kind, root / kind)
        return made[kind]

    return get


@pytest.fixture(scope="session")
def open_tiny(checkpoints: Callable[[str], Path]) -> Callable[..., Any]:
    """`open_tiny("bert")`: the backbone of a tiny checkpoint."""
    import toys
    from graftwork.bases import open_base

    def get(kind: str, **options: Any) -> Any:
        options.setdefault("placement", toys.placement())
        return open_base(str(checkpoints(kind)), **options)

    return get


@pytest.fixture(scope="session")
def bert(open_tiny: Callable[..., Any]) -> Any:
    """The tiny BERT backbone, for tests that need just one."""
    return open_tiny("bert")


@pytest.fixture
def lexical() -> Any:
    """The lexical backbone, not fitted."""
    from graftwork.bases import open_base

    return open_base("lexical")


@pytest.fixture(scope="session")
def imports_nothing_heavy() -> Callable[[str, str], None]:
    """Check that a registry and every public module of its folder import nothing heavy."""
    heavy = ("numpy", "torch", "sklearn", "scipy", "pyarrow", "pandas", "transformers")
    code = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for info in pkgutil.iter_modules(package.__path__):
    if not info.name.startswith("_"):
        importlib.import_module(f"{sys.argv[1]}.{info.name}")
registry = getattr(package, sys.argv[2])
assert all(thing.declaration.title for thing in registry.all().values())
print(*sorted(set(sys.argv[3:]) & set(sys.modules)))
"""

    def check(package: str, registry: str) -> None:
        command = [sys.executable, "-c", code, package, registry, *heavy]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == []

    return check


@pytest.fixture
def no_network() -> Iterator[None]:
    """Any attempt to open a socket fails."""
    from pytest_socket import disable_socket, enable_socket

    disable_socket(allow_unix_socket=True)
    try:
        yield
    finally:
        enable_socket()
