"""What the reading process may do: little memory and time, no network, no programs, no files."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

__all__ = ["confine"]

GIB = 1 << 30
SECONDS = 120
_NEVER = (
    *("socket", "subprocess", "ctypes", "import", "exec", "compile", "shutil", "tempfile"),
    *(
        "os.system",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.spawn",
        "os.posix_spawn",
        "os.startfile",
    ),
    *("os.putenv", "os.kill", "os.chmod", "os.chown", "os.symlink", "os.link", "pty", "winreg"),
    *("urllib", "http", "ftplib", "smtplib", "code.__new__", "function.__new__"),
)


def confine(size: int, folder: str) -> None:
    """Give up, for the rest of this process, what reading `size` bytes of tensors does not need.

    The limits are the system's own where it has them; the hook is Python's (PEP 578) and cannot be
    taken away again. Only files below `folder` can be opened from here on.
    """
    with suppress(ImportError):  # Windows has none of these; the parent's clock holds there too
        import resource

        limits = {
            "RLIMIT_AS": 4 * size + 2 * GIB,
            "RLIMIT_CPU": SECONDS,
            "RLIMIT_FSIZE": 4 * size + (1 << 20),
            "RLIMIT_CORE": 0,
        }
        for name, limit in limits.items():
            with suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (limit, limit))
    root = os.path.realpath(folder)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], (str, bytes)):
            path = os.path.realpath(os.fsdecode(args[0]))
            if os.path.commonpath([path, root]) != root:
                raise PermissionError(f"opening {path[:200]} is not allowed here")
        elif event.startswith(_NEVER):
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(hook)
