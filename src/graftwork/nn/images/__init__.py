"""Small image networks in plain torch, one file each; the folder is the list.

A declaration carries what its weights are used to: the input, which units end a layer whose
features are read, and options with their defaults.
"""

from __future__ import annotations

from graftwork.registry import Registry

__all__ = ["IMAGE_NETWORKS"]

IMAGE_NETWORKS = Registry("graftwork.nn.images", "image architecture")
