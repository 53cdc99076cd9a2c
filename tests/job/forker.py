"""Runs `graftwork …` in forked children, so that the heavy imports are paid once.

A line of JSON on stdin asks for one command, a line on stdout answers. The children are real
processes that are really killed; nothing that starts threads has run before the fork.

Asked: ``words``, ``log`` (path: stdout goes to ``<log>.out``, stderr to ``<log>.err``), and if
wanted ``env``, ``after`` (seconds) with ``signal``, ``file_limit`` (bytes, RLIMIT_FSIZE),
``offline`` (every connection and name lookup raises), ``wait`` (False: answer with the pid at
once). Or ``reap`` (a pid to wait for).
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
import time
from typing import Any


def warm_up() -> None:
    """Import everything that a fit imports; run nothing."""
    import pyarrow.csv
    import pyarrow.parquet
    import sklearn.linear_model
    import torch
    import transformers.models.bert.modeling_bert

    import graftwork.api._fit
    import graftwork.bases._loading
    import graftwork.cli.entry
    import graftwork.cli.verbs.fit
    import graftwork.evaluation.report.render

    assert all((pyarrow.csv, pyarrow.parquet, sklearn.linear_model, torch, transformers, graftwork))


def child(asked: dict[str, Any]) -> None:
    """Become the command; never returns."""
    code = 99
    try:
        for number, name in ((1, "out"), (2, "err")):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(f"{asked['log']}.{name}", flags, 0o600), number)
        os.environ.update(asked.get("env", {}))
        if "file_limit" in asked:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (asked["file_limit"],) * 2)
        if asked.get("offline"):
            block_sockets()
        from graftwork.cli import main

        code = main(asked["words"])
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def block_sockets() -> None:
    """No connection and no name lookup, as with the network cable pulled; each try is told."""

    def refuse(*what: object, **more: object) -> Any:
        os.write(2, b"SOCKET USED\n")
        raise OSError("sockets are blocked in this test")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse
    socket.create_connection = refuse


def finished(pid: int, begun: float, asked: dict[str, Any]) -> dict[str, Any]:
    """Wait for a child, sending its signal when the time has come."""
    due = begun + asked["after"] if "after" in asked else None
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return {"code": code, "seconds": time.monotonic() - begun}
        if due is not None and time.monotonic() >= due:
            os.kill(pid, asked["signal"])
            due = None
        time.sleep(0.005)


def main() -> None:
    """Answer until stdin ends."""
    warm_up()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        begun = time.monotonic()
        if "reap" in asked:
            answer = finished(asked["reap"], begun, {})
        else:
            pid = os.fork()
            if pid == 0:
                child(asked)
            answer = {"pid": pid} if asked.get("wait") is False else finished(pid, begun, asked)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
