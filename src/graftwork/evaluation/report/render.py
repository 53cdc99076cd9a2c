"""Write `report.html` from a payload."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graftwork.errors import StorageError
from graftwork.evaluation.report.view import view_of

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

__all__ = ["FILE", "page", "parted", "render", "to_html", "write_page"]

FILE = "report.html"
_HERE = Path(__file__).parent


def to_html(payload: Mapping[str, Any], *, redact: bool = False) -> str:
    """The report as text.

    A content policy inside forbids any fetch and any script but the one of the page, so that even a
    text that slipped through escaping could do nothing.

    Args:
        payload: what `evidence.prove` gives, with `examples` (row, html escaped by the modality or
            None, label, predicted, probability, why), `recipe`, `record` and `audit` beside it.
        redact: leave out all texts of rows.
    """
    return page("template.html.j2", view_of(payload, redact=redact))


def page(template: str, view: Mapping[str, Any]) -> str:
    """A whole page from one of the templates beside this file, with style and script inside.

    Args:
        template: its file name.
        view: what it shows; every text in it is escaped.
    """
    script = (_HERE / "sort.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            view=view,
            style=(_HERE / "style.css").read_text(encoding="utf-8"),
            script=script,
            script_hash=digest,
        )
    )


@cache
def _environment() -> jinja2.Environment:
    """Kept for the process: compiling a template takes longer than filling it."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["parted"] = parted
    return environment


def parted(label: Any) -> Markup:
    """A label that may break after the signs that part its words: `refund_status`, `sci/tech`."""
    from markupsafe import Markup  # jinja2's own

    pieces = re.split(r"(?<=[_/.:-])", str(label))
    return Markup("<wbr>").join(pieces)


def render(payload: Mapping[str, Any], folder: Path, *, redact: bool = False) -> Path:
    """Write `report.html` into an existing folder.

    Args:
        payload: see `to_html`.
        folder: the report's folder.
        redact: leave out all texts of rows.

    Returns:
        the file's path.

    Raises:
        StorageError: it cannot be written.
    """
    return write_page(to_html(payload, redact=redact), folder)


def write_page(html: str, folder: Path) -> Path:
    """Write a page as `report.html` into an existing folder.

    Raises:
        StorageError: it cannot be written.
    """
    path = folder / FILE
    try:
        path.write_text(html, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StorageError(f"cannot write the report {path}: {error}") from error
    return path
