"""The checks of the audit: each a function from a `View` to findings."""

from __future__ import annotations

from graftwork.data.audit import SEVERITIES, Finding
from graftwork.data.checks.duplicates import conflicts, exact_duplicates, near_duplicates
from graftwork.data.checks.labels import classes, spellings, too_few
from graftwork.data.checks.leaks import label_in_input, leaking_columns
from graftwork.data.checks.parts import classes_by_part, parts, straddling_groups
from graftwork.data.checks.reading import rows_set_aside, sources
from graftwork.data.checks.view import View

__all__ = ["CHECKS", "View", "run_checks"]

CHECKS = (
    sources,
    rows_set_aside,
    too_few,
    spellings,
    classes,
    exact_duplicates,
    near_duplicates,
    conflicts,
    leaking_columns,
    label_in_input,
    parts,
    classes_by_part,
    straddling_groups,
)


def run_checks(view: View) -> list[Finding]:
    """All findings about the view, errors first."""
    return by_severity([finding for check in CHECKS for finding in check(view)])


def by_severity(findings: list[Finding]) -> list[Finding]:
    """Findings in the order error, warning, info; else as they come."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
