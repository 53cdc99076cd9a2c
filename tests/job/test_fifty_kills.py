"""Every strategy's runs, killed fifty times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tuned_jobs import KINDS, NAMES, Finished, check_kills

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_runs_killed_fifty_times_end_in_the_same_weights(
    finished: Finished, tmp_path: Path, kind: tuple[str, Any]
) -> None:
    check_kills(finished, tmp_path, kind, 50)
