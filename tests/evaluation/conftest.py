"""Lets the tests of this folder import what they share (`evaluation_cases.py`)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
