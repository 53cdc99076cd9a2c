"""What a climb that goes on after a stop knows of the part before it."""

from __future__ import annotations

from typing import Any, Protocol

from graftwork.strategies.strategy import Choice

__all__ = ["Memory"]


class Memory(Protocol):
    """Where finished rungs are kept, so that a resumed run does not search again."""

    def recall(self, rung: str) -> tuple[Choice, float] | None:
        """The choice and seconds of a rung that was finished before."""
        ...

    def remember(self, rung: str, choice: Choice, seconds: float) -> None:
        """Keep a finished rung."""
        ...

    def decided(self, rung: str) -> dict[str, Any] | None:
        """What was decided of a rung before, so that nothing is decided twice."""
        ...

    def decide(self, rung: str, decision: dict[str, Any]) -> None:
        """Keep a decision."""
        ...
