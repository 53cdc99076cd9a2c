"""A picture in a report: a small copy inside the page itself."""

from __future__ import annotations

import base64
import html
import io
from collections import OrderedDict
from typing import Any

from graftwork.data.blob import Blob
from graftwork.errors import GraftworkError
from graftwork.modalities.picture_views import seen

__all__ = ["shown"]

LONGEST = 112  # pixels
QUALITY = 80
KEPT = 4096  # small copies, of about 4 kB each

_kept: OrderedDict[tuple[str, int], tuple[str, int, int]] = OrderedDict()


def shown(value: Any, *, redact: bool, limit: int) -> str:
    """Safe HTML: an `<img>` without any address, or words where there is nothing to show."""
    if redact:
        return '<span class="redacted">[a picture left out]</span>'
    if value is None:
        return ""
    name = _escaped(str(value) if isinstance(value, (Blob, str)) else type(value).__name__, limit)
    if not isinstance(value, Blob):
        return f'<span class="picture">[{name}]</span>'
    try:
        data, width, height = _small(value)
    except (GraftworkError, OSError):
        return f'<span class="picture">[{name}: cannot be read any more]</span>'
    return (
        f'<img class="picture" src="data:image/jpeg;base64,{data}" alt="{name}" title="{name}" '
        f'width="{width}" height="{height}">'
    )


def _small(value: Blob) -> tuple[str, int, int]:
    """Base64 of a small JPEG, its width and height."""
    key = (value.digest, value.view)
    found = _kept.get(key)
    if found is None:
        picture = seen(value, size=LONGEST)
        picture.thumbnail((LONGEST, LONGEST))
        held = io.BytesIO()
        picture.save(held, format="JPEG", quality=QUALITY)
        found = base64.b64encode(held.getvalue()).decode(), picture.width, picture.height
        while len(_kept) >= KEPT:
            _kept.popitem(last=False)
        _kept[key] = found
    return found


def _escaped(name: str, limit: int) -> str:
    cut = name if len(name) <= limit else name[:limit].rstrip() + "…"
    # control characters are not allowed in HTML, not even as references
    return html.escape("".join(c if c >= " " else "\ufffd" for c in cut), quote=True)
