"""The shapes that drawn charts share, with places to a tenth of a unit."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

__all__ = ["document", "dot", "line", "text", "titled"]


def document(kind: str, width: float, height: float, label: str, parts: Iterable[Markup]) -> Markup:
    """A whole chart.

    Args:
        kind: class; the style sheet has its colours.
        width: of the view box; the page stretches it.
        height: of the view box.
        label: what a screen reader says.
        parts: the shapes, later ones on top.
    """
    start = Markup('<svg class="{}" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">')
    return Markup("").join([start.format(kind, width, height, label), *parts, Markup("</svg>")])


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """A straight line of the class `kind`."""
    shape = '<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'
    return Markup(shape).format(kind, x1, y1, x2, y2)


def text(x: float, y: float, anchor: str, words: str) -> Markup:
    """Words whose ``start``, ``middle`` or ``end`` is at the place; escaped."""
    shape = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
    return shape.format(x, y, anchor, words)


def dot(kind: str, x: float, y: float, radius: float) -> Markup:
    """A circle of the class `kind`."""
    return Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(
        kind, x, y, radius
    )


def titled(title: str, *parts: Markup) -> Markup:
    """Shapes that tell their title where the pointer rests on them; the title is escaped."""
    return Markup("<g><title>{}</title>{}</g>").format(title, Markup("").join(parts))
