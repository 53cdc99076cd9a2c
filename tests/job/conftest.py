"""A tiny base, a small inbox, and the command line as a function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from job_files import PICTURES_PER_CLASS, Forker, Told, make_bert, make_rows, write_csv
from tuned_jobs import Finished


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a tiny BERT."""
    return make_bert(tmp_path_factory.mktemp("bases") / "tiny-bert")


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 120 labelled messages."""
    return write_csv(tmp_path_factory.mktemp("data") / "inbox.csv", make_rows(120))


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three class folders of drawn things, a few of the files faulty."""
    import shutil

    from graftwork.data.drawn import THINGS, draw_folder

    folder = tmp_path_factory.mktemp("photos") / "photos"
    draw_folder(folder, per_class=PICTURES_PER_CLASS)
    for name in sorted(THINGS)[3:]:
        shutil.rmtree(folder / name)
    return folder


@pytest.fixture(scope="session")
def image_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SqueezeNet with random weights and a small input."""
    import toy_pictures

    return toy_pictures.network("squeezenet1_1", tmp_path_factory.mktemp("bases") / "squeeze")


@pytest.fixture(scope="session")
def photo_run(
    photos: Path,
    image_base: Path,
    homes: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """A finished probe on the drawn things; for reading only."""
    import graftwork

    with pytest.MonkeyPatch.context() as patch:
        for name, value in homes.items():
            patch.setenv(name, value)
        return graftwork.fit(
            photos,
            out=tmp_path_factory.mktemp("runs") / "photos",
            base=str(image_base),
            strategy="probe",
            folds=3,
        )


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables that keep cache and ledger out of the user's home."""
    root = tmp_path_factory.mktemp("home")
    return {"GRAFTWORK_CACHE": str(root / "cache"), "GRAFTWORK_STATE": str(root / "state")}


@pytest.fixture(autouse=True)
def _at_home(homes: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in homes.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def graftwork(capfd: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """`graftwork(verb, word, …)` in this process."""
    from graftwork.cli import main

    def call(*words: object) -> Told:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Told(code, out, err)

    return call


@pytest.fixture(scope="session")
def fitted(
    tiny: Path, inbox: Path, homes: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A finished run on the inbox; for reading only."""
    from graftwork.cli import main

    out = tmp_path_factory.mktemp("runs") / "inbox"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in homes.items():
            patch.setenv(name, value)
        words = ["fit", inbox, "--target", "label", "--base", tiny, "--out", out, "--quiet"]
        assert main([str(word) for word in [*words, "--slice", "channel"]]) == 0
    return out


@pytest.fixture(scope="session")
def finished(forker: Forker, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Undisturbed jobs of every strategy, made when first asked for."""
    return Finished(forker, tiny, tmp_path_factory.mktemp)


@pytest.fixture(scope="session")
def forker(homes: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forker]:
    """`forker(verb, word, …)` in a process of its own, which may be killed."""
    made = Forker(tmp_path_factory.mktemp("logs"), **homes)
    yield made
    made.close()
