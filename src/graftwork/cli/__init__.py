"""The command `graftwork`: each verb is one call of `graftwork.api`."""

from __future__ import annotations

from graftwork.cli.entry import main

__all__ = ["main"]
