from __future__ import annotations

import pytest

from graftwork.modalities import _picture_facts


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test found out about a picture is nothing to the next."""
    monkeypatch.setattr(_picture_facts, "_remembered", {})
