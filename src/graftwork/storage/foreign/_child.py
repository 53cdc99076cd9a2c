"""The process that reads one foreign pickle: `python -I _child.py ROOT FOLDER < FILE`.

It writes `tensors.safetensors` (names are numbers) and `found.json` into the folder. It trusts
nothing that the file says; its parent trusts nothing that it writes.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__ = ["main"]

MOST_LISTED = 1000


def main(root: str, folder: str) -> None:
    """Read standard input into `folder`; `root` is where the package `graftwork` lies."""
    sys.path.insert(0, root)
    # all that reading needs is imported now: nothing can be later
    import encodings.cp437
    import encodings.latin_1
    import encodings.utf_8  # noqa: F401

    from graftwork.storage.foreign import _assemble, _older  # noqa: F401
    from graftwork.storage.foreign._limits import confine
    from graftwork.storage.foreign._reading import read
    from graftwork.storage.foreign._stand_ins import Refused
    from graftwork.storage.tensors import save_tensors

    save_tensors(os.path.join(folder, "warm"), {})  # imports what it needs
    os.remove(os.path.join(folder, "warm"))
    size = os.fstat(0).st_size
    told: dict[str, Any]
    confine(size, folder)
    try:
        arrays, told = read(sys.stdin.buffer, size)
        save_tensors(os.path.join(folder, "tensors.safetensors"), arrays)
    except Refused as error:
        told = {"refused": str(error)}
    except MemoryError:
        told = {"refused": "reading it needs more memory than a file of its size should"}
    except RecursionError:
        told = {"refused": "nested too deeply"}
    except Exception as error:  # whatever a damaged pickle makes the unpickler raise
        told = {
            "refused": f"damaged, or no file of tensors ({type(error).__name__}: {error})"[:600]
        }
    with open(os.path.join(folder, "found.json"), "w", encoding="utf-8") as stream:
        json.dump(told, stream)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
