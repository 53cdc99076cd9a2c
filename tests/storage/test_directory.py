from __future__ import annotations

import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graftwork.errors import StorageError
from graftwork.storage.directory import committed, disk_errors, recover, sweep
from graftwork.storage.disk import aside_name

# Writes version after version, forever; every file of one version holds the same number.
WRITER = """
import sys
from pathlib import Path
from graftwork.storage.directory import committed
n = int(sys.argv[2])
print("up", flush=True)
while True:
    n += 1
    with committed(sys.argv[1]) as folder:
        (folder / "deep").mkdir()
        for name in ("a", "b", "deep/c", "deep/d"):
            (folder / name).write_text(f"{n} " * 500)
    print(n, flush=True)
"""

# Kills itself before the n-th call that changes or settles the disk.
STEPPER = """
import os, signal, sys
from graftwork.storage.directory import committed
left = [int(sys.argv[2])]
def deadly(real):
    def call(*args, **kwargs):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return real(*args, **kwargs)
    return call
for name in ("rename", "fsync", "mkdir", "rmdir", "unlink"):
    setattr(os, name, deadly(getattr(os, name)))
with committed(sys.argv[1]) as folder:
    (folder / "a").write_text("new")
    (folder / "b").write_text("new")
"""

LIMITED = """
import sys
from pathlib import Path
from graftwork.errors import StorageError
from graftwork.storage.directory import committed
try:
    with committed(sys.argv[1]) as folder:
        (folder / "a").write_bytes(b"x" * 10)
        (folder / "b").write_bytes(b"x" * 100_000)
except StorageError as error:
    print(error)
"""


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write(folder: Path, **files: str) -> None:
    with committed(folder) as temporary:
        for name, text in files.items():
            (temporary / name).write_text(text)


def write_then_fail(folder: Path) -> None:
    (folder / "a").write_text("2")
    raise KeyError("mine")


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "parent" / "x"
    with committed(target) as temporary:
        (temporary / "a").write_text("1")
        assert not target.exists()
        assert temporary.parent == target.parent
    write(target, b="2")
    assert content(target) == {"b": "2"}
    assert os.listdir(target.parent) == ["x"]


def test_a_failure_inside_leaves_what_was(tmp_path: Path) -> None:
    write(tmp_path / "x", a="1")
    with pytest.raises(KeyError), committed(tmp_path / "x") as temporary:
        write_then_fail(temporary)
    assert content(tmp_path / "x") == {"a": "1"}
    assert os.listdir(tmp_path) == ["x"]


def test_the_mode_is_kept(tmp_path: Path) -> None:
    with committed(tmp_path / "x", mode=0o700):
        pass
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o700


def test_a_symbolic_link_keeps_pointing(tmp_path: Path) -> None:
    write(tmp_path / "real", a="1")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", a="2")
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real") == {"a": "2"}


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_an_error_between_the_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    write(tmp_path / "x", a="old")
    real, calls = os.rename, [0]

    def rename(source: Path, target: Path) -> None:
        calls[0] += 1
        if calls[0] == fails_at:
            raise OSError(5, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with (
        pytest.raises(StorageError, match="input/output error"),
        committed(tmp_path / "x") as folder,
    ):
        (folder / "a").write_text("new")
    monkeypatch.undo()
    recover(tmp_path / "x")
    assert content(tmp_path / "x") in ({"a": "old"}, {"a": "new"})
    assert os.listdir(tmp_path) == ["x"]


def _whole_version(folder: Path) -> int:
    found = content(folder)
    assert set(found) == {"a", "b", "deep/c", "deep/d"}
    numbers = {number for text in found.values() for number in text.split()}
    assert len(numbers) == 1
    assert {len(text.split()) for text in found.values()} == {500}
    return int(numbers.pop())


def test_sigkill_at_random_points_leaves_the_old_or_the_new_whole(tmp_path: Path) -> None:
    dice, target, version = random.Random(7), tmp_path / "x", 0
    reached = 0
    for _ in range(24):
        worker = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(target), str(version)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == "up\n"
        for _ in range(dice.randint(0, 2)):  # so many whole versions, then somewhere in the next
            reached = int(worker.stdout.readline())
        time.sleep(dice.uniform(0.0, 0.04))
        worker.send_signal(signal.SIGKILL)
        said = worker.stdout.read().split("\n")
        worker.wait()
        worker.stdout.close()
        told = int(said[-2]) if len(said) > 1 else max(reached, version)
        recover(target)
        if told or target.exists():
            now = _whole_version(target)
            # What was reported as written is there, or one that was written after it.
            assert told <= now <= told + 1
            version = now
        assert os.listdir(tmp_path) in ([], ["x"])
    assert version >= reached > 12  # the kills fell into the writing, not before it


def test_sigkill_at_every_step_of_the_commit(tmp_path: Path) -> None:
    target, step, seen = tmp_path / "x", 0, set()
    while True:
        write(target, a="old", b="old")
        done = subprocess.run([sys.executable, "-c", STEPPER, str(target), str(step)])
        left = {name.split(".")[2].split("-")[0] for name in os.listdir(tmp_path) if name != "x"}
        seen.add((target.exists(), *sorted(left)))
        recover(target)
        assert content(target) in ({"a": "old", "b": "old"}, {"a": "new", "b": "new"})
        assert os.listdir(tmp_path) == ["x"]
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        step += 1
    assert step > 8
    assert (False, "new", "old") in seen  # among them the moment without a folder
    assert content(target) == {"a": "new", "b": "new"}


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [
        (("old",), "old"),
        (("old", "new"), "new"),
        (("new",), "new"),
        (("tmp", "old"), "old"),
        (("tmp",), None),
    ],
)
def test_every_state_that_a_crash_can_leave_is_put_right(
    tmp_path: Path, kinds: tuple[str, ...], wanted: str | None
) -> None:
    target = tmp_path / "x"
    for kind in kinds:
        leftover = aside_name(target, kind)  # as if of an earlier process with this one's id
        leftover.mkdir()
        (leftover / "a").write_text(kind)
    sweep(tmp_path)
    assert os.listdir(tmp_path) == (["x"] if wanted else [])
    if wanted:
        assert content(target) == {"a": wanted}


def test_leftovers_of_the_living_stay_and_of_a_reused_process_id_go(tmp_path: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        stamp = time.time_ns() + 5 * 10**9
        living = tmp_path / f".x.tmp-{sleeper.pid}-{stamp:016x}000000"
        reused = tmp_path / f".x.tmp-{sleeper.pid}-{stamp - 3600 * 10**9:016x}000000"
        living.mkdir()
        reused.mkdir()
        write(tmp_path / "x", a="1")
        assert living.exists()
        assert not reused.exists()
    finally:
        sleeper.kill()
        sleeper.wait()
    sweep(tmp_path)
    assert os.listdir(tmp_path) == ["x"]


def test_the_temporary_folder_of_this_process_is_not_swept(tmp_path: Path) -> None:
    with committed(tmp_path / "x") as outer:
        write(tmp_path / "x", a="inner")
        assert outer.exists()
        (outer / "a").write_text("outer")
    assert content(tmp_path / "x") == {"a": "outer"}


def test_a_file_size_limit_is_one_plain_line_and_the_old_folder_stays(tmp_path: Path) -> None:
    write(tmp_path / "x", a="old")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "x")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"cannot write {tmp_path / 'x'}: the file would be larger")
    assert content(tmp_path / "x") == {"a": "old"}
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"cannot write .*x: the disk is full"),
        committed(tmp_path / "x"),
        open("/dev/full", "w") as full,
    ):
        full.write("x" * 100_000)
    assert os.listdir(tmp_path) == []


def test_errors_that_libraries_wrap_in_text_are_read(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match="the disk is full"),
        disk_errors("write", tmp_path / "x"),
    ):
        raise RuntimeError("I/O error: No space left on device (os error 28)")


def test_somebody_elses_missing_file_is_not_the_disks_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, committed(tmp_path / "x"):
        (tmp_path / "no such input").read_text()
    assert not isinstance(caught.value, StorageError)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(StorageError, match="a file of that name exists"),
        committed(tmp_path / "file"),
    ):
        pass
    with (
        pytest.raises(StorageError, match=r"cannot create .*deep: "),
        committed(tmp_path / "file" / "deep"),
    ):
        pass
    if os.geteuid() != 0:
        (tmp_path / "shut").mkdir(mode=0o500)
        with (
            pytest.raises(StorageError, match="permission denied"),
            committed(tmp_path / "shut" / "x"),
        ):
            pass
