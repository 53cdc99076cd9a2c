"""The referee: anyone's answers on the same labelled rows, weighed against each other."""

from __future__ import annotations

from graftwork.evaluation.referee.answers import Answers, read_answers
from graftwork.evaluation.referee.contestant import Contestant, Price
from graftwork.evaluation.referee.judge import Terms, judge, judged_rows
from graftwork.evaluation.referee.shared import share_codes

__all__ = [
    "Answers",
    "Contestant",
    "Price",
    "Terms",
    "judge",
    "judged_rows",
    "read_answers",
    "share_codes",
]
