"""Runs a command that can open no socket, nor can what it starts: the kernel refuses (seccomp).

python no_sockets.py COMMAND …        exit code 77 where this machine knows no such filter
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

# By machine: its name in the kernel (AUDIT_ARCH_…) and the number of its call `socket`.
CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050001  # the latter: EPERM
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NOT_HERE = 77


def blocked() -> bool:
    """Whether no socket can be opened by this process from here on."""
    if sys.platform != "linux" or platform.machine() not in CALLS:
        return False
    arch, call = CALLS[platform.machine()]
    steps = [
        (LOAD, 0, 0, 4),  # the machine's kind
        (IF_EQUAL, 1, 0, arch),
        (RETURN, 0, 0, REFUSE),  # calls of another kind: all of them
        (LOAD, 0, 0, 0),  # the number of the call
        (IF_EQUAL, 0, 1, call),
        (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    allowed = libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    return allowed and libc.prctl(SET_SECCOMP, FILTER, program, 0, 0) == 0


if __name__ == "__main__":
    if not blocked():
        sys.exit(NOT_HERE)
    os.execvp(sys.argv[1], sys.argv[1:])
