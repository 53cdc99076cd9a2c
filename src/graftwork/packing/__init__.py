"""What a machine without a network needs: wheels of this environment, and how to install them."""

from __future__ import annotations
