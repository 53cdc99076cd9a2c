"""Modalities: one file per kind of input; what differs between them is asked of them."""

from __future__ import annotations

from graftwork.registry import Registry

__all__ = ["MODALITIES"]

MODALITIES = Registry("graftwork.modalities", "modality")
