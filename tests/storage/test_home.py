from __future__ import annotations

import stat
from pathlib import Path

import pytest

from graftwork.errors import StorageError
from graftwork.storage.home import cache_dir, state_dir


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRAFTWORK_CACHE", "GRAFTWORK_STATE", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_the_order_of_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_dir() == tmp_path / "home" / ".cache" / "graftwork"
    assert state_dir() == tmp_path / "home" / ".local" / "state" / "graftwork"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == tmp_path / "home" / ".cache" / "graftwork"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg-state"))
    assert cache_dir() == tmp_path / "xdg" / "graftwork"
    assert state_dir() == tmp_path / "xdg-state" / "graftwork"
    monkeypatch.setenv("GRAFTWORK_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("GRAFTWORK_STATE", "~/mine")
    assert cache_dir() == tmp_path / "own"
    assert state_dir() == tmp_path / "home" / "mine"
    assert cache_dir(tmp_path / "given") == tmp_path / "given"


def test_created_for_the_owner_alone(tmp_path: Path) -> None:
    assert stat.S_IMODE(cache_dir().stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot create the folder"):
        cache_dir(tmp_path / "file" / "x")
